import type { z } from "@hono/zod-openapi";
import type { Series } from "../../../api/series/schema.ts";
import { type Answer, ask } from "../central/ask.ts";

/** What is asked for. */
export interface SeriesQuestion {
  readonly vehicle: string;
  readonly stream: string;
  readonly pointer: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly buckets: number;
}

/** The series as central sends it. */
export type SeriesBody = z.infer<typeof Series>;

/** Rounds of a long range that are asked for one after the other; what is after them is not drawn, and said. */
const roundsMax = 5;

/** All buckets of the range; `next` is there when there were more events than five answers hold. */
export async function askSeries(question: SeriesQuestion): Promise<Answer<SeriesBody>> {
  const { vehicle, stream, pointer, toMs, buckets } = question;
  const bucketMs = Math.max(1, Math.ceil((toMs - question.fromMs) / buckets));
  let fromMs = question.fromMs;
  let all: SeriesBody | undefined;
  for (let round = 0; round < roundsMax; round++) {
    const query = new URLSearchParams({ stream, field: pointer, from: String(fromMs), to: String(toMs) });
    const path = `/api/v1/series?vehicle=${encodeURIComponent(vehicle)}&${query}&bucketMs=${bucketMs}`;
    const answer = await ask<SeriesBody>(path, 15_000);
    if (answer.kind !== "body") return answer;
    const { body } = answer;
    all = all === undefined ? body : { ...body, buckets: [...all.buckets, ...body.buckets] };
    if (body.next === undefined) break;
    fromMs = body.next;
  }
  return all === undefined
    ? { kind: "failed", words: "no answer" }
    : { kind: "body", body: all, atMs: performance.now() };
}
