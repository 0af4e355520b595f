import { asWord, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn, securedBy, securedKeys } from "../../listeners/flume-listener.ts";

const avro: FlumeMapping = {
  names: ["avro", "org.apache.flume.source.AvroSource"],
  keys: {
    bind: { by: "`address`" },
    port: { by: "`address`" },
    threads: { nothing: "one thread serves all" },
    "compression-type": { to: "compression", as: asWord({ none: "none", deflate: "deflate" }) },
    ...securedKeys,
    ipFilter: {
      refused: "addresses are not filtered here: use the machine's firewall, or `tls.clientCa`",
      unless: ["false"],
    },
    ipFilterRules: { by: "`ipFilter`" },
  },
  start: { keyHeader: "key", timeHeader: "timestamp" },
  differences: [
    "An answer is OK when the events are durable; FAILED, and the sender sends again, when the channel has no room in time.",
    "Where `ssl` and `compression-type` are both set, what is encrypted is compressed, as Flume 1.11 has it: nothing gets smaller.",
  ],
  headers: () => undefined,
  finish: (draft: FlumeDraft) => {
    listensOn(draft);
    securedBy(draft);
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [avro];
