import { asFlag, asNumber, type FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn } from "../../listeners/flume-listener.ts";

const netcat: FlumeMapping = {
  names: ["netcat", "org.apache.flume.source.NetcatSource"],
  keys: {
    bind: { by: "`address`" },
    port: { by: "`address`" },
    "max-line-length": { to: "lineBytesMax", as: asNumber },
    "ack-every-event": { to: "ackEveryEvent", as: asFlag },
    encoding: {
      refused: "other encodings than UTF-8 are not carried yet",
      unless: ["utf-8", "utf8", "us-ascii", "ascii"],
    },
  },
  start: { lineBytesMax: 512 },
  differences: [
    "OK is said when the line is durable; Flume says it when its channel has it.",
    "`max-line-length` is in bytes.",
  ],
  finish: (draft) => listensOn(draft),
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [netcat];
