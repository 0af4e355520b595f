import { createRoute, z } from "@hono/zod-openapi";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { type StreamEnd, streamed } from "../../../shared/http/streamed.ts";
import { relayLine } from "../../records/partition.ts";
import { codes as replayCodes } from "../../replay/codes.ts";
import { exportCut } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { problems, problemsWithNotFound } from "../errors.ts";
import { nameParameter, timeDescription, timeParameter } from "../parameters.ts";
import { RequestSlots } from "../slots.ts";
import { replayLines } from "./lines.ts";

const description = `A line of JSON each. Records are \`Event\`s under Kafka's time, over all partitions in the order of it. What is about the
replay is an object of one field, \`replay\`, with a \`kind\`: \`begins\` (which offsets), \`gone\` (asked for, and no longer in Kafka),
\`unreadable\`, \`note\`, \`waits\` (Kafka does not answer; it goes on by itself), \`progress\` (every five seconds), and \`done\`, the
last line. An answer that ends without it is not whole.

The next part is made when the client has taken the one before: a client that is slower than the pace gets it later, and
nothing is left out. Erased vehicles are not in it.`;

/** Of any text, as far as types go: by its name alone it would be taken for JSON. */
const ndjson: string = "application/x-ndjson";

const speedWords = "write a number from 0.01 to 10000, or max";

const follow = createRoute({
  method: "get",
  operationId: "streamReplay",
  ...withScope("read"),
  path: "/api/v1/replays/stream",
  summary: "Plays records of topics to the client, as fast as they came or N times as fast, for trying a consumer",
  request: {
    query: z.object({
      topic: nameParameter("All that the store has when not given.").optional(),
      vehicle: nameParameter("All vehicles when not given.").optional(),
      stream: nameParameter("All streams when not given.").optional(),
      from: timeParameter
        .optional()
        .openapi(timeDescription("Inclusive, by Kafka's time; the log's start when not given.")),
      to: timeParameter.optional().openapi(timeDescription("Exclusive; what is committed now when not given.")),
      speed: z
        .string()
        .regex(/^(max|\d{1,5}(\.\d{1,3})?)$/, speedWords)
        .refine((text) => text === "max" || (Number(text) >= 0.01 && Number(text) <= 10_000), speedWords)
        .default("1")
        .openapi({ description: "So many times as fast as it came. max: as fast as it is taken." }),
    }),
  },
  responses: {
    200: {
      description,
      content: {
        [ndjson]: {
          schema: z.string().openapi({ description: "An `Event` a line, and words about it." }),
        },
      },
    },
    ...problems,
    404: problemsWithNotFound[404],
    409: { ...problemsWithNotFound[404], description: "There is no Kafka." },
  },
});

/** At once; each costs its share of the thread that answers. */
const streamsMax = 4;
/** A client that takes not even the word of each five seconds. */
const stallMs = 60_000;

/** GET /api/v1/replays/stream */
export function replayStream({ liveReplays, reader, report }: ApiDependencies) {
  const slots = new RequestSlots(streamsMax, replayCodes.CENTRAL_REPLAY_STREAMS);
  return resource().openapi(follow, async (context) => {
    const { topic, vehicle, stream, from, to, speed } = context.req.valid("query");
    if (from !== undefined && to !== undefined && from >= to) {
      throw new AppError(codes.CENTRAL_BAD_REQUEST, "replay to a client: `from` is not before `to`");
    }
    if (liveReplays === undefined) {
      throw new AppError(replayCodes.CENTRAL_REPLAY_NO_KAFKA, "replay to a client: there is no Kafka");
    }
    const stored = new Set((await reader.positions()).map((position) => position.topic));
    stored.delete(relayLine.topic);
    if (topic !== undefined && !stored.has(topic)) {
      throw new AppError(replayCodes.CENTRAL_REPLAY_TOPIC, `replay topic ${topic}: nothing of it is stored here`);
    }
    const gone = new AbortController();
    const free = slots.take("replay to a client");
    const { requestId, traceId } = context.var;
    const ended = (end: StreamEnd) => {
      gone.abort();
      free();
      if (end.kind === "whole" || end.kind === "gone") return;
      const error = end.kind === "failed" ? messageOf(end.error) : "the client took nothing";
      report(exportCut, { requestId, traceId, error });
    };
    try {
      const bound = (timeMs: number | undefined) => (timeMs === undefined ? undefined : { timeMs });
      const topics = topic === undefined ? [...stored].sort() : [topic];
      const pace = speed === "max" ? undefined : Number(speed);
      const definition = { topics, from: bound(from), to: bound(to), vehicle, stream, speed: pace };
      const replay = await liveReplays.open(definition, gone.signal);
      const parts = replayLines(replay, reader.replays);
      return context.body(streamed({ parts, stallMs, ended }), 200, {
        "Content-Type": `${ndjson}; charset=utf-8`,
        // Proxies that gather an answer before they pass it on would hold it for ever.
        "X-Accel-Buffering": "no",
      });
    } catch (thrown) {
      free();
      throw thrown;
    }
  });
}
