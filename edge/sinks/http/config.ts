import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { pattern } from "../../../shared/config/pattern/pattern.ts";
import { credentialMistake, httpFields, httpUrl } from "../../records/http-fields.ts";

/** The sink's config. */
export const configSchema = () =>
  z
    .strictObject({
      url: httpUrl().meta({ description: "Where events are posted to." }),
      format: z.enum(["ndjson", "json", "lines"]).default("ndjson").meta({
        description:
          "ndjson: an object a line with id, stream, time, key, headers, body. json: the same objects as one array. lines: the bodies alone, a line each.",
      }),
      gzip: z.boolean().default(false).meta({ description: "Compress what is posted." }),
      headers: z.record(z.string(), z.string()).default({}).meta({ description: "More headers of each request." }),
      recordsMax: z.int().min(1).default(1_000).meta({ description: "Events of one request." }),
      bytesMax: byteSize({ min: 1 }).prefault("1MiB").meta({ description: "Bytes of one request's bodies." }),
      requestsMax: z.int().min(1).default(4).meta({ description: "Requests under way at the same time." }),
      answerMatches: pattern().optional().meta({
        description: "The answer's text must match this too: for servers that answer 200 to what they did not take.",
      }),
      ...httpFields(),
    })
    .superRefine((config, context) => {
      const mistake = credentialMistake(config);
      if (mistake !== undefined) context.addIssue({ code: "custom", path: ["user"], message: mistake });
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
