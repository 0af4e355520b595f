import { z } from "zod";
import { duration } from "../../shared/config/duration.ts";
import { secret } from "../../shared/config/secret.ts";

/** Where alerts are sent to. */
export function alerts() {
  return z
    .strictObject({
      retention: duration({ min: 3_600_000 })
        .default(90 * 86_400_000)
        .meta({
          description:
            "Alerts that do not fire any more are deleted from the store after this time; those that fire are kept.",
        }),
      webhook: z
        .strictObject({
          url: z.url({ protocol: /^https?$/, error: "write http://… or https://…" }).meta({
            description: "Each change of an alert is sent here with POST, until it is taken (2xx).",
          }),
          authorization: secret().optional().meta({
            description: "The header `Authorization`; `{ file: path }`.",
            secret: true,
          }),
        })
        .optional(),
      topic: z
        .string()
        .regex(/^[\w.-]{1,249}$/, "not a topic's name: letters, digits, dot, dash, underscore")
        .optional()
        .meta({ description: "Kafka topic that alerts are written to; key: the vehicle." }),
    })
    .prefault({});
}
