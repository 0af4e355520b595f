import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { clientTls } from "../../../shared/config/client-tls.ts";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { mqttText } from "../../../shared/mqtt/packets.ts";
import { escapeMistake } from "../../records/escapes.ts";
import { brokerAddress } from "../../records/mqtt-fields.ts";

/** Config of the mqtt sink. */
export const configSchema = () =>
  z
    .strictObject({
      broker: brokerAddress().meta({ description: "Where the broker listens: host:port." }),
      topic: z
        .string()
        .min(1)
        .superRefine((text, context) => {
          const mistake =
            mqttText(text) !== text || /[+#]/.test(text)
              ? "a topic has no +, no # and no control characters: messages go to one"
              : escapeMistake(text);
          if (mistake !== undefined) context.addIssue({ code: "custom", message: mistake });
        })
        .meta({
          description:
            "Topic of the messages; `%{key}`, `%{stream}`, headers and parts of the time are put in: `vehicles/%{key}/status`. What an event brings fills one level of the topic, and cannot name another.",
        }),
      version: z.enum(["3.1.1", "5"]).default("5").meta({
        description:
          "Of the protocol. Only version 5 has a place for key, time, headers and id, and says why it refuses.",
      }),
      format: z.enum(["body", "json"]).default("body").meta({
        description:
          "What a message holds. body: the event's body. json: an object with id, stream, time, key, headers, body.",
      }),
      properties: z.boolean().default(true).meta({
        description:
          "MQTT 5: id, time, key and headers as user properties. The id is the same whenever the event comes, so that a subscriber recognises a repeat.",
      }),
      retain: z.boolean().default(false).meta({ description: "The broker keeps the last message of each topic." }),
      clientId: z.string().min(1).max(200).optional().meta({
        description: "The broker takes one client of a name. tailgate-<agent>-<sink> when left out.",
      }),
      username: z.string().optional().meta({ description: "The user name that the broker knows." }),
      password: secret().optional().meta({ description: "Its password: a text or { file: path }." }),
      tls: clientTls().optional().meta({ description: "Encrypts the connection; {} for the system's certificates." }),
      keepAlive: duration({ min: 1_000, max: 65_535_000 }).prefault("60s").meta({
        description:
          "How often the connection is checked. It is closed when nothing came for one and a half times as long.",
      }),
      inFlightMax: z.int().min(1).max(65_535).default(1_000).meta({
        description:
          "Messages that are sent before the first is acknowledged, if the broker takes as many. As many may come twice when the connection breaks.",
      }),
      recordsMax: z.int().min(1).max(20_000).default(1_000).meta({ description: "Events of one write." }),
      bytesMax: byteSize({ min: 1 }).prefault("1MiB").meta({ description: "Bytes of one write's bodies." }),
      connectTimeout: duration({ min: 100, max: 300_000 })
        .prefault("10s")
        .meta({ description: "How long it may take until a connection stands, its login included." }),
      timeout: duration({ min: 100, max: 600_000 }).prefault("30s").meta({
        description: "How long the sink waits for an acknowledgement before it closes the connection.",
      }),
    })
    .refine(({ password, username }) => password === undefined || username !== undefined, {
      path: ["username"],
      error: "missing: a password needs it",
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
