import type { FlumeMapping } from "../../core/flume-mapping.ts";
import { finishPeer, peerDifferences, peerKeys, peerTlsKeys } from "../../records/flume-peer-mapping.ts";

const thrift: FlumeMapping = {
  names: ["thrift", "org.apache.flume.sink.ThriftSink"],
  keys: {
    ...peerKeys,
    protocol: {
      to: "protocol",
      as: ({ text }) => ({ ok: true, value: text === "binary" ? "binary" : "compact" }),
      note: "`binary`, or anything else for `compact`, as in Flume",
    },
    "compression-type": { nothing: "Flume's Thrift is not compressed, whatever it says" },
    "compression-level": { nothing: "Flume's Thrift is not compressed, whatever it says" },
    maxConnections: { nothing: "one connection carries all, as in Flume" },
    kerberos: { refused: "Kerberos is not carried", unless: ["false"] },
    "client-principal": { nothing: "without `kerberos` it means nothing to Flume either" },
    "client-keytab": { nothing: "without `kerberos` it means nothing to Flume either" },
    "server-principal": { nothing: "without `kerberos` it means nothing to Flume either" },
    ...peerTlsKeys,
  },
  differences: peerDifferences,
  finish: finishPeer,
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [thrift];
