import { z } from "@hono/zod-openapi";
import type { ReplayCounts, ReplayDefinition, ReplayJob } from "../../store/replay-port.ts";
import { noCounts } from "../../store/replay-port.ts";

const topicName = z.string().regex(/^[\w.-]{1,249}$/, "not a topic's name: letters, digits, dot, dash, underscore");
const offset = z.int().min(0);
/** What a JavaScript date can hold, from 1970 on. */
const timeMs = z.int().min(0).max(8.64e15);

const words = 'write { "offset": N } or { "timeMs": N }';
const Bound = z
  .union([z.strictObject({ offset }), z.strictObject({ timeMs })], { error: words })
  .openapi("ReplayBound", {
    description: "An offset, or a time: Kafka's time of the record, milliseconds since 1970.",
  });

const Target = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("store") }),
    z.strictObject({
      kind: z.literal("topic"),
      topic: topicName.openapi({ description: "Made when it is not there, with as many partitions." }),
      speed: z
        .number()
        .min(0.01)
        .max(10_000)
        .optional()
        .openapi({ description: "So many times as fast as it came; as fast as allowed when not given." }),
    }),
  ])
  .openapi("ReplayTarget");

/** What is asked for. */
export const Definition = z
  .strictObject({
    topics: z
      .array(topicName)
      .min(1)
      .max(1_000)
      .optional()
      .openapi({ description: "All of the store's when not given." }),
    partitions: z.array(z.int().min(0).max(100_000)).min(1).max(10_000).optional(),
    from: Bound.optional(),
    to: Bound.optional().openapi({ description: "Exclusive; what is committed now when not given." }),
    vehicle: z.string().min(1).max(1_024).optional(),
    stream: z.string().min(1).max(256).optional(),
    recordsPerSecondMax: z.int().min(1).max(1_000_000).default(10_000),
    into: Target,
  })
  .openapi("ReplayDefinition");

const count = () => z.int();
const Counts = z
  .object({
    read: count(),
    matched: count(),
    stored: count(),
    restored: count().openapi({ description: "In the books, lost by the store, put back." }),
    repeated: count(),
    conflicts: count(),
    refused: count(),
    suppressed: count().openapi({ description: "Of erased vehicles: not stored." }),
    produced: count().openapi({ description: "Written into another topic." }),
  })
  .openapi("ReplayCounts");

/** A job on the wire. */
export const Replay = z
  .object({
    id: z.int(),
    state: z.enum(["running", "paused", "done", "failed", "cancelled"]),
    definition: Definition,
    askedBy: z.string().openapi({ description: "Name of the key." }),
    askedAtMs: z.int(),
    changedAtMs: z.int(),
    endedAtMs: z.int().optional(),
    progress: z.object({
      resolved: z.boolean().openapi({ description: "Kafka has told where the range begins and ends." }),
      done: z.int().openapi({ description: "Offsets." }),
      total: z.int(),
      fraction: z.number(),
      recordsPerSecond: z.number(),
      etaMs: z.int().optional().openapi({ description: "How long it still takes at this rate." }),
    }),
    counts: Counts,
    partitions: z.array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        first: z.int(),
        next: z.int(),
        until: z.int(),
        counts: Counts,
      }),
    ),
    gone: z
      .array(
        z.object({
          topic: z.string(),
          partition: z.int(),
          firstOffset: z.int(),
          lastOffset: z.int(),
          certain: z
            .boolean()
            .openapi({ description: "False: a time was asked for, and nobody knows the times of what is gone." }),
        }),
      )
      .openapi({ description: "Asked for, and no longer in Kafka." }),
    notes: z.array(z.string()),
    trouble: z.string().optional().openapi({ description: "What it waits for now." }),
    error: z.string().optional().openapi({ description: "Why it has failed." }),
  })
  .openapi("Replay");

/** As it goes over the wire. */
export function replayBody({ uid: _, resolved, recordsPerSecond, ...job }: ReplayJob): z.infer<typeof Replay> {
  const { partitions, endedAtMs, trouble, error, gone, notes, definition, ...rest } = job;
  const done = partitions.reduce((sum, { first, next }) => sum + next - first, 0);
  const total = partitions.reduce((sum, { first, until }) => sum + until - first, 0);
  const counts = partitions.reduce((sum, each) => plus(sum, each.counts), noCounts);
  const isRunning = job.state === "running";
  const rate = isRunning ? recordsPerSecond : 0;
  const fraction = resolved && total > 0 ? done / total : Number(resolved || job.state === "done");
  return {
    ...rest,
    definition: definitionBody(definition),
    progress: {
      ...{ resolved, done, total, fraction, recordsPerSecond: rate },
      ...(rate > 0 ? { etaMs: Math.ceil(((total - done) * 1_000) / rate) } : {}),
    },
    counts,
    partitions: partitions.map((partition) => ({ ...partition })),
    gone: gone.map((range) => ({ ...range })),
    notes: [...notes],
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    ...(trouble === undefined ? {} : { trouble }),
    ...(error === undefined ? {} : { error }),
  };
}

function definitionBody({ topics, partitions, ...rest }: ReplayDefinition): z.infer<typeof Definition> {
  return {
    ...rest,
    ...(topics === undefined ? {} : { topics: [...topics] }),
    ...(partitions === undefined ? {} : { partitions: [...partitions] }),
  };
}

function plus(a: ReplayCounts, b: ReplayCounts): ReplayCounts {
  return {
    read: a.read + b.read,
    matched: a.matched + b.matched,
    stored: a.stored + b.stored,
    restored: a.restored + b.restored,
    repeated: a.repeated + b.repeated,
    conflicts: a.conflicts + b.conflicts,
    refused: a.refused + b.refused,
    suppressed: a.suppressed + b.suppressed,
    produced: a.produced + b.produced,
  };
}
