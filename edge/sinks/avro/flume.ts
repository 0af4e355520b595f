import { asWord, type FlumeMapping } from "../../core/flume-mapping.ts";
import { finishPeer, peerDifferences, peerKeys, peerTlsKeys } from "../../records/flume-peer-mapping.ts";

const avro: FlumeMapping = {
  names: ["avro", "org.apache.flume.sink.AvroSink"],
  keys: {
    ...peerKeys,
    "compression-type": { to: "compression", as: asWord({ none: "none", deflate: "deflate" }) },
    "compression-level": { nothing: "zlib's own level is used" },
    maxIoWorkers: { nothing: "one thread serves all" },
    ...peerTlsKeys,
  },
  differences: peerDifferences,
  finish: finishPeer,
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [avro];
