import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { escapeMistake, isTimeZone } from "../../records/escapes.ts";
import { credentialMistake, httpFields, httpUrl } from "../../records/http-fields.ts";

/** The sink's config. */
export const configSchema = () =>
  z
    .strictObject({
      url: httpUrl().meta({ description: "Address of the cluster, without a path." }),
      index: z
        .string()
        .min(1)
        .refine((pattern) => escapeMistake(pattern) === undefined, {
          error: ({ input }) => escapeMistake(String(input)),
        })
        .meta({
          description:
            "Index of an event: a name with %{header}, %{stream}, %{agent} and its time, as in logs-%{stream}-%Y.%m.%d. Large letters become small ones; what an index name must not hold becomes _.",
        }),
      timeZone: z
        .string()
        .refine(isTimeZone, { error: "not a time zone that this system knows" })
        .optional()
        .meta({ description: "Time zone of the index names; UTC when left out." }),
      operation: z.enum(["index", "create"]).default("index").meta({
        description: "index: a repeat overwrites itself. create: a repeat is left as it is; what data streams need.",
      }),
      body: z.enum(["text", "json"]).default("text").meta({
        description:
          "text: the body stands in `message`. json: a body that is a JSON object gives the document's fields; any other stands in `message`.",
      }),
      pipeline: z.string().min(1).optional().meta({ description: "Ingest pipeline of the requests." }),
      recordsMax: z.int().min(1).max(10_000).default(1_000).meta({ description: "Documents of one request." }),
      bytesMax: byteSize({ min: 1 }).prefault("5MiB").meta({ description: "Bytes of one request's bodies." }),
      requestsMax: z.int().min(1).default(4).meta({ description: "Requests under way at the same time." }),
      ...httpFields(),
    })
    .superRefine((config, context) => {
      const mistake = credentialMistake(config);
      if (mistake !== undefined) context.addIssue({ code: "custom", path: ["user"], message: mistake });
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
