import type { FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn, securedBy, securedKeys } from "../../listeners/flume-listener.ts";
import { syslogHeaders, syslogKeys } from "../../listeners/syslog/flume-syslog.ts";

const syslogTcp: FlumeMapping = {
  names: ["syslogtcp", "org.apache.flume.source.SyslogTcpSource"],
  keys: { host: { by: "`address`" }, port: { by: "`address`" }, ...syslogKeys, ...securedKeys },
  start: { eventBytesMax: 2_500 },
  differences: [
    "Messages with their length before them (RFC 6587) are understood, too.",
    "What is no syslog has neither priority nor version; Flume leaves those of the message before on it.",
  ],
  headers: syslogHeaders,
  finish: (draft) => {
    listensOn(draft, "host");
    securedBy(draft);
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [syslogTcp];
