import { asText, type FlumeMapping } from "../../core/flume-mapping.ts";
import { securedBy, securedKeys } from "../../listeners/flume-listener.ts";
import { syslogHeaders, syslogKeys } from "../../listeners/syslog/flume-syslog.ts";

const one = "one thread serves all ports";

const multiport: FlumeMapping = {
  names: ["multiport_syslogtcp", "org.apache.flume.source.MultiportSyslogTCPSource"],
  keys: {
    host: { to: "host", as: asText },
    ports: { by: "`ports`" },
    portHeader: { to: "portHeader", as: asText },
    batchSize: { nothing: "messages are committed by the agent's linger and by size" },
    readBufferSize: { nothing: one },
    readBufferBytes: { nothing: one },
    numProcessors: { nothing: one },
    "charset.default": { refused: "other encodings than UTF-8 are not carried yet", unless: ["UTF-8", "UTF8"] },
    "charset.port.*": { refused: "other encodings than UTF-8 are not carried yet", unless: ["UTF-8", "UTF8"] },
    ...syslogKeys,
    ...securedKeys,
  },
  start: { host: "0.0.0.0", eventBytesMax: 2_500 },
  headers: (draft) => {
    const port = draft.get("portHeader");
    return typeof port === "string" ? [...syslogHeaders(draft), port] : syslogHeaders(draft);
  },
  finish: (draft) => {
    const ports = draft.value("ports")?.text.split(/[\s,]+/) ?? [];
    if (ports.length > 0) draft.set("ports", ports.map(Number), "ports");
    securedBy(draft);
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [multiport];
