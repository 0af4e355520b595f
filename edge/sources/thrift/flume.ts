import type { FlumeDraft, FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn, securedBy, securedKeys } from "../../listeners/flume-listener.ts";

const kerberos = "Kerberos is not carried";

const thrift: FlumeMapping = {
  names: ["thrift", "org.apache.flume.source.ThriftSource"],
  keys: {
    bind: { by: "`address`" },
    port: { by: "`address`" },
    threads: { nothing: "one thread serves all" },
    protocol: { nothing: "compact and binary are told apart by what a sender sends" },
    ...securedKeys,
    kerberos: { refused: kerberos, unless: ["false"] },
    "agent-principal": { nothing: `${kerberos}, and where \`kerberos\` is not set Flume does not ask for it either` },
    "agent-keytab": { nothing: `${kerberos}, and where \`kerberos\` is not set Flume does not ask for it either` },
  },
  start: { keyHeader: "key", timeHeader: "timestamp" },
  differences: [
    "An answer is OK when the events are durable; FAILED, and the sender sends again, when the channel has no room in time.",
    "Senders of both protocols may come to one port.",
  ],
  headers: () => undefined,
  finish: (draft: FlumeDraft) => {
    listensOn(draft);
    securedBy(draft);
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [thrift];
