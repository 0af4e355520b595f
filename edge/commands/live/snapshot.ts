import { z } from "zod";

const Lane = z.object({ stream: z.string(), lane: z.number(), epoch: z.string(), group: z.string().default("") });

/** What `top` reads of the status page; an agent that only starts says less. */
const StatusPage = z.object({
  agent: z.string(),
  state: z.string(),
  unready: z.array(z.string()).default([]),
  sources: z.record(z.string(), z.object({ state: z.string().default("") })).default({}),
  channels: z
    .record(
      z.string(),
      z.object({
        events: z.number(),
        bytes: z.number(),
        bytesMax: z.number(),
        oldestMs: z.number().optional(),
        admission: z.string(),
        lanes: z.array(
          z.object({
            lane: z.object({ stream: z.string(), number: z.number(), epoch: z.string() }),
            sent: z.number(),
            held: z.number(),
          }),
        ),
      }),
    )
    .default({}),
  sinks: z
    .record(
      z.string(),
      z.object({
        lanes: z
          .array(Lane.extend({ state: z.object({ kind: z.string(), message: z.string().optional() }) }))
          .default([]),
      }),
    )
    .default({}),
  books: z
    .array(z.object({ stream: z.string(), channel: z.string(), read: z.number(), filtered: z.number() }))
    .default([]),
  filtered: z.record(z.string(), z.record(z.string(), z.number())).default({}),
});

/** A status page, and when it was read. */
export interface Snapshot extends z.output<typeof StatusPage> {
  /** Monotonic. */
  readonly atMs: number;
}

/** Reads a status page; undefined when it is none of ours. */
export function readSnapshot(page: unknown, atMs: number): Snapshot | undefined {
  const parsed = StatusPage.safeParse(page);
  return parsed.success ? { ...parsed.data, atMs } : undefined;
}
