import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { clientTls } from "../../../shared/config/client-tls.ts";
import { duration } from "../../../shared/config/duration.ts";
import { facilities, severities } from "../../../shared/syslog/write-message.ts";
import { escapeMistake } from "../../records/escapes.ts";

/** What a datagram of IPv4 can carry. */
const datagramBytesMax = 65_507;

const pattern = (standard: string, description: string) =>
  z
    .string()
    .default(standard)
    .superRefine((text, context) => {
      const mistake = escapeMistake(text);
      if (mistake !== undefined) context.addIssue({ code: "custom", message: mistake });
    })
    .meta({ description });

/** Config of the syslog sink. */
export const configSchema = () =>
  z
    .strictObject({
      hostname: z.string().min(1).meta({ description: "Where the server listens: a name or an address." }),
      port: z.int().min(1).max(65_535).meta({ description: "Its port: 514, or 6514 with TLS, mostly." }),
      transport: z.enum(["tcp", "udp"]).default("tcp").meta({
        description: "udp: a datagram for each event; whether it came cannot be known. With `tls` it is tcp.",
      }),
      tls: clientTls().optional().meta({ description: "Encrypts the connection; {} for the system's certificates." }),
      format: z.enum(["5424", "3164"]).default("5424").meta({
        description:
          "The RFC. With 3164 the time has no year, no zone and no fraction, and there is no place for an id.",
      }),
      framing: z.enum(["octets", "newline"]).default("octets").meta({
        description:
          "How messages follow each other on a connection (RFC 6587). octets: each after its length. newline: each before a line feed; one in a body is then written as #012, as rsyslog does.",
      }),
      acknowledge: z.enum(["close", "none"]).default("close").meta({
        description:
          "Syslog has no answers. close: each write has a connection of its own; we end our side, and when the server ends its own it has read all of it: nothing is lost on the way, and what was cut off comes again. none: one connection, and what was handed to the system counts as sent: what is under way when the connection breaks is lost.",
      }),
      facility: z.enum(facilities).default("user").meta({
        description: "Unless an event has a header `Facility` with its number, as the syslog sources set it.",
      }),
      severity: z.enum(severities).default("info").meta({ description: "Likewise with a header `Severity`." }),
      hostHeader: z.string().min(1).default("host").meta({
        description:
          "The header that holds the host of a message, as the syslog sources set it; an event without it gets this machine's name.",
      }),
      app: pattern("%{stream}", "The application of a message (tag)."),
      structuredData: z.enum(["none", "id", "all"]).default("id").meta({
        description:
          "For RFC 5424: an element with the name `sdId`. id: the event's id, the same whenever it comes, so that a repeat is recognised. all: key and headers as well.",
      }),
      sdId: z
        .string()
        .regex(/^[!#-<>-\\^-~]{1,32}$/, {
          error: 'not a name of structured data: write name@number, as "tailgate@32473"',
        })
        .default("tailgate@32473")
        .meta({ description: "Name of that element; the number is your enterprise's (32473 is the RFCs' example)." }),
      timeZone: z.enum(["local", "utc"]).default("local").meta({ description: "The zone of the times of RFC 3164." }),
      messageBytesMax: byteSize({ min: 480 }).optional().meta({
        description:
          "A longer message is kept as a dead letter, because many servers cut it without a word (rsyslog at 8 KiB, unless its maxMessageSize is larger). Unset: no bound on a connection; a datagram holds 65,507 bytes.",
      }),
      recordsMax: z.int().min(1).max(20_000).default(1_000).meta({ description: "Events of one write." }),
      bytesMax: byteSize({ min: 1 }).prefault("1MiB").meta({ description: "Bytes of one write's bodies." }),
      connectionsMax: z.int().min(1).max(64).default(4).meta({ description: "Connections at the same time." }),
      connectTimeout: duration({ min: 100, max: 300_000 })
        .prefault("20s")
        .meta({ description: "How long it may take until a connection stands." }),
      timeout: duration({ min: 100, max: 600_000 }).prefault("30s").meta({
        description: "Until a write is taken; with `acknowledge: close`, until the server has ended its side.",
      }),
    })
    .refine(({ transport, tls }) => transport === "tcp" || tls === undefined, {
      path: ["tls"],
      error: "there is no TLS over UDP here: leave out one of them",
    })
    .transform((config) => {
      const { transport, messageBytesMax = Number.POSITIVE_INFINITY } = config;
      const bytesMaxThere = transport === "udp" ? datagramBytesMax : Number.POSITIVE_INFINITY;
      return { ...config, messageBytesMax: Math.min(messageBytesMax, bytesMaxThere) };
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
