import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { limits } from "../../core/limits.ts";

/** What every source of syslog can be told about messages. */
export const syslogFields = () => ({
  keepFields: z
    .union([z.enum(["none", "all"]), z.array(z.enum(["priority", "version", "timestamp", "hostname"]))], {
      error: "write none, all, or a list of priority, version, timestamp, hostname",
    })
    .default("none")
    .meta({
      description:
        "Which of the parsed fields stay in the body: none, the whole message as it came, or these fields before the text.",
    }),
  eventBytesMax: byteSize({ min: 64, max: limits.lineBytesMax })
    .prefault(limits.lineBytesMax)
    .meta({ description: "A longer message is cut here, marked as Incomplete, and counted." }),
  timeZone: z
    .enum(["local", "utc"])
    .default("local")
    .meta({ description: "The zone of times without one (RFC 3164): this machine's, or UTC." }),
  eventTime: z.enum(["message", "received"]).default("message").meta({
    description: "The time of an event: what its message says, when it says one, or when it was received.",
  }),
  key: z.enum(["none", "host", "client_ip"]).default("none").meta({
    description: "What becomes the record key: nothing, the host that the message names, the sender's address.",
  }),
  clientIpHeader: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Name of a header that is to hold the sender's address; unset: none." }),
});

/** The same for connections. */
export const framingField = () =>
  z.enum(["auto", "octets", "newline"]).default("auto").meta({
    description:
      "How messages follow each other: with their length before them (octets, RFC 6587), a line each (newline), or as each message looks (auto).",
  });
