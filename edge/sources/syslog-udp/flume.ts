import type { FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn } from "../../listeners/flume-listener.ts";
import { syslogHeaders, syslogKeys } from "../../listeners/syslog/flume-syslog.ts";

const { eventSize: _, ...keys } = syslogKeys;

const syslogUdp: FlumeMapping = {
  names: ["syslogudp", "org.apache.flume.source.SyslogUDPSource"],
  keys: {
    host: { by: "`address`" },
    port: { by: "`address`" },
    ...keys,
    eventSize: { nothing: "a datagram is taken whole" },
  },
  headers: syslogHeaders,
  finish: (draft) => listensOn(draft, "host"),
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [syslogUdp];
