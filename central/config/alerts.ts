import { z } from "zod";
import { duration } from "../../shared/config/duration.ts";
import { secret } from "../../shared/config/secret.ts";

/** Where alerts are sent to. */
export function alerts() {
  return z
    .strictObject({
      retention: duration({ min: 3_600_000 }).prefault("90d").meta({
        description:
          "Alerts that do not fire any more are deleted from the store after this time. Those that fire are kept.",
      }),
      webhook: z
        .strictObject({
          url: z.url({ protocol: /^https?$/, error: "write http://… or https://…" }).meta({
            description:
              "URL to which each change of an alert is sent by POST, again and again until the answer is 2xx.",
          }),
          authorization: secret().optional().meta({
            description: "Value of the header `Authorization`; a text or `{ file: path }`.",
            secret: true,
          }),
        })
        .optional(),
      topic: z
        .string()
        .regex(/^[\w.-]{1,249}$/, "not a topic's name: letters, digits, dot, dash, underscore")
        .optional()
        .meta({
          description: "Kafka topic to which each change of an alert is written. The record's key is the vehicle.",
        }),
    })
    .prefault({});
}
