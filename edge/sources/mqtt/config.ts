import { z } from "zod";
import { clientTls } from "../../../shared/config/client-tls.ts";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { brokerAddress } from "../../records/mqtt-fields.ts";

const filter = () =>
  z
    .string()
    .min(1)
    .max(65_535)
    .refine((text) => !text.includes("\u0000") && /^(?:[^#+]|(?<=^|\/)\+(?=\/|$)|(?<=^|\/)#$)*$/.test(text), {
      error: "not a topic filter: + stands for one level, # for all at the end",
    });

const tls = () =>
  clientTls().safeExtend({
    verify: z.boolean().default(true).meta({ description: "Off only for tests: anybody can then play the broker." }),
  });

/** Config of the mqtt source. */
export const configSchema = () =>
  z
    .strictObject({
      broker: brokerAddress().meta({ description: "Where the broker listens: host:port." }),
      topics: z.array(filter()).min(1).max(100).meta({
        description:
          "Topic filters to subscribe to. `$share/GROUP/FILTER` shares out the messages among all that name the same group. A filter that is taken out of the list is taken out of the broker's session too; what the broker had kept under it may still come.",
      }),
      qos: z
        .union([z.literal(0), z.literal(1)])
        .default(1)
        .meta({
          description: "1: a message is acknowledged when it is durable. 0: it is not acknowledged, and may be lost.",
        }),
      version: z.enum(["3.1.1", "5"]).default("5").meta({ description: "Of the protocol." }),
      clientId: z.string().min(1).max(200).optional().meta({
        description:
          "The broker keeps the session under this name. No other client may have it, and it must stay the same. tailgate-<agent>-<source> when left out.",
      }),
      username: z.string().optional().meta({ description: "The user name that the broker knows." }),
      password: secret().optional().meta({ description: "Its password: a text or { file: path }." }),
      tls: tls().optional().meta({ description: "Encrypts the connection; {} for the system's certificates." }),
      keepAlive: duration({ min: 1_000, max: 65_535_000 }).prefault("60s").meta({
        description:
          "How often the connection is checked. It is closed when nothing came for one and a half times as long.",
      }),
      sessionExpiry: duration({ min: 1_000, max: 4_294_967_000_000 }).prefault("7d").meta({
        description: "MQTT 5: how long the broker keeps messages while we are away, as far as it is willing to.",
      }),
      inFlightMax: z.int().min(1).max(65_535).default(1_000).meta({
        description: "MQTT 5: messages that the broker may send before they are acknowledged; they share a commit.",
      }),
      topicHeader: z.string().min(1).default("topic").meta({ description: "Name of the header that holds the topic." }),
      key: z.enum(["none", "topic"]).default("none").meta({ description: "What becomes the record key." }),
      connectTimeout: duration({ min: 100, max: 300_000 })
        .prefault("10s")
        .meta({ description: "How long it may take until a connection stands, its login included." }),
    })
    .refine(({ password, username }) => password === undefined || username !== undefined, {
      path: ["username"],
      error: "missing: a password needs it",
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
