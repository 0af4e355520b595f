import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { refuseStrangers } from "../../listeners/known-senders.ts";
import { listenerFields } from "../../listeners/listener-fields.ts";

const mebibyte = 1024 * 1024;

/** Config of the relay source. */
export const configSchema = () =>
  z
    .strictObject({
      ...listenerFields("127.0.0.1:5142"),
      idleTimeout: duration({ min: 100 })
        .prefault("60s")
        .meta({ description: "A connection without a request is closed after this long." }),
      path: z
        .string()
        .regex(/^\/\S*$/, { error: 'not a path: it begins with "/"' })
        .default("/api/v1/relay")
        .meta({ description: "The path that is taken; a relay sink adds this one when its `url` has none." }),
      tokens: z.array(secret()).min(1).optional().meta({
        description:
          "Senders send one of these (the sink's `token`). Give two while one is replaced. Where others reach the address, these or TLS with `clientCa` must be given: whoever speaks for another agent can make its events look like repeats.",
      }),
      certificateNamesAgent: z.boolean().default(false).meta({
        description:
          "true: a client may bring only records of the agent that the common name of its certificate names, so that none speaks for another. Needs `tls.clientCa`.",
      }),
      take: z.enum(["batches", "events"]).default("batches").meta({
        description:
          "`batches`: each batch goes on as it came, its records keep the numbers that their sender gave them, and a signature stays; its events pass no interceptor. `events`: each record becomes an event of this agent, with the header `origin`.",
      }),
      keepOrigin: z.boolean().default(false).meta({
        description:
          "With `take: events`. true: the senders are aggregators themselves, and the header `origin` of a record that has one stays as it is. Otherwise it becomes the identity that the sender gave the record, whatever the sender says.",
      }),
      bodyBytesMax: byteSize({ min: mebibyte, max: 8 * mebibyte })
        .prefault("4MiB")
        .meta({ description: "A larger body is refused with 413. A batch of an edge is smaller than 1 MiB." }),
      waitingBytesMax: byteSize({ min: 16 * mebibyte, max: 1024 * mebibyte })
        .prefault("64MiB")
        .meta({
          description: "Records, decompressed, that may wait for their commit: further ones are asked to come again.",
        }),
      sendersMax: z.int().min(1).max(100_000).default(1_000).meta({ description: "Requests that may wait at once." }),
      answerWithin: duration({ min: 1 })
        .prefault("30s")
        .meta({ description: "How long a request waits for room in the channel before it is asked to come again." }),
    })
    .superRefine((config, context) => {
      refuseStrangers(config, context);
      const { certificateNamesAgent, tls, take, keepOrigin } = config;
      const refuse = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
      if (certificateNamesAgent && tls?.clientCa === undefined) {
        refuse("certificateNamesAgent", "no certificate is asked for: give tls.clientCa");
      }
      if (keepOrigin && take === "batches") refuse("keepOrigin", "batches stay as they came: it is for `take: events`");
    });

/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
