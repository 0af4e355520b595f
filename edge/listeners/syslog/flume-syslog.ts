/** What all of Flume's syslog sources say alike. */
import { asNumber, asText, type FlumeDraft, type FlumeKey, type FlumeReader } from "../../core/flume-mapping.ts";

const format = "Flume's own ways to read a message (`format.*`) are not carried: RFC 3164 and 5424 are";

const parts = ["priority", "version", "timestamp", "hostname"];
/** `true` and `false` are what it was before Flume 1.5. */
const asFields: FlumeReader = ({ text }) => {
  const words = text.toLowerCase().split(/\s+/);
  if (words.includes("all") || words.includes("true")) return { ok: true, value: "all" };
  if (words.includes("none") || words.includes("false")) return { ok: true, value: "none" };
  const wrong = words.find((word) => !parts.includes(word));
  return wrong === undefined
    ? { ok: true, value: words }
    : { ok: false, message: `"${wrong}" is no field of a message` };
};

/** Their keys. */
export const syslogKeys: Readonly<Record<string, FlumeKey>> = {
  eventSize: { to: "eventBytesMax", as: asNumber },
  keepFields: { to: "keepFields", as: asFields },
  clientIPHeader: { to: "clientIpHeader", as: asText },
  clientHostnameHeader: { refused: "the sender's name is not looked up: `clientIPHeader` has its address" },
  "format.*": { refused: format },
};

/** Headers that a message makes. */
export function syslogHeaders(draft: FlumeDraft): readonly string[] {
  const ip = draft.get("clientIpHeader");
  const made = ["Facility", "Severity", "timestamp", "host", "flume.syslog.status"];
  return typeof ip === "string" ? [...made, ip] : made;
}
