import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { limits } from "../../core/limits.ts";
import { refuseStrangers } from "../../listeners/known-senders.ts";
import { listenerFields } from "../../listeners/listener-fields.ts";

/** Where a value of a request is: `query:name`, `header:name`. */
export interface RequestField {
  readonly from: "query" | "header";
  readonly name: string;
}

const requestField = () =>
  z.string().transform((written, context): RequestField => {
    const [, from, name] = /^(query|header):(\S+)$/.exec(written) ?? [];
    if (name !== undefined && from === "query") return { from, name };
    if (name !== undefined && from === "header") return { from, name: name.toLowerCase() };
    context.addIssue({ code: "custom", message: `"${written}": write query:NAME or header:NAME` });
    return z.NEVER;
  });

/** Config of the http source. */
export const configSchema = () =>
  z
    .strictObject({
      ...listenerFields("127.0.0.1:5140"),
      idleTimeout: duration({ min: 100 })
        .prefault("60s")
        .meta({ description: "A connection without a request is closed after this long." }),
      format: z.enum(["flume_json", "ndjson", "lines", "blob", "tailgate"]).default("flume_json").meta({
        description:
          'What a body holds. flume_json: an array of {"headers": {…}, "body": "…"}, as Flume\'s JSONHandler takes it; an event may say its "key" and its "timestamp" (milliseconds) too. ndjson: a JSON value a line, each an event as it is written. lines: each line an event, whatever it holds, without its end (LF, or CR LF). blob: the whole body is one event, as with Flume\'s BlobHandler. tailgate: as the http sink of another agent posts events (its ndjson, or an array of them); each has the id that its agent gave it, and one that is here already is left out, so that between agents each event comes once. Where others reach the address, `tokens` or TLS with `clientCa` must be given: whoever speaks for another agent can make its events look like repeats.',
      }),
      path: z
        .string()
        .regex(/^\/\S*$/, { error: 'not a path: it begins with "/"' })
        .optional()
        .meta({ description: "The only path that is taken; any when left out." }),
      tokens: z.array(secret()).min(1).optional().meta({
        description: "Senders send `Authorization: Bearer` with one of these. Give two while one is replaced.",
      }),
      key: requestField().optional().meta({
        description: "Where in a request the record key of its events is: `query:NAME` or `header:NAME`.",
      }),
      headers: z.record(z.string().min(1), requestField()).default({}).meta({
        description: "Headers of the events, and where in a request their values are: `query:NAME` or `header:NAME`.",
      }),
      queryHeaders: z.boolean().default(false).meta({
        description: "Every parameter of the query becomes a header of the events, as with Flume's BlobHandler.",
      }),
      bodyBytesMax: byteSize({ min: 1024, max: limits.pendingBytesMax })
        .prefault(limits.pendingBytesMax / 2)
        .meta({
          description: "A larger body is refused with 413; the same bound holds for what it is decompressed to.",
        }),
      sendersMax: z.int().min(1).max(100_000).default(1_000).meta({ description: "Requests that may wait at once." }),
      answerWithin: duration({ min: 1 }).prefault("30s").meta({
        description:
          "How long a request waits for room in the channel before it is answered with 503: nothing was taken. 504 says that events may have been taken, and nobody knows (the disk refuses the commit, or the agent ended): sent again they may be there twice.",
      }),
    })
    .superRefine((config, context) => {
      if (config.format === "tailgate") refuseStrangers(config, context);
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
