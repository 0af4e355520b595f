/**
 * A replay to whoever asks: records of all partitions in the order of time, as fast as they came or so many times as fast, made while
 * they are taken. Nothing of it is kept: who goes away ends it, and asks again from a time. What is in memory is one answer of
 * the broker for each partition, and a part.
 */
import type { Backoff } from "../../shared/async/backoff.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import type { TopicPartition } from "../records/partition.ts";
import type { GoneRange, ReplayPartition } from "../store/replay-port.ts";
import type { Feed } from "./feed.ts";
import { Pace } from "./pace.ts";
import { PartitionQueue, type QueuedRecord } from "./queue.ts";
import { takeDue } from "./take-due.ts";

/** A record, and where it stands. */
export interface LiveRecord {
  readonly at: TopicPartition;
  readonly record: QueuedRecord;
}

/** How far it is, in offsets. */
export interface LiveProgress {
  readonly done: number;
  readonly total: number;
  /** Of the last record that went; undefined: none has. */
  readonly timeMs: number | undefined;
}

/** What comes, one after the other. `done` is the last, and comes only when all was handed out. */
export type LivePart =
  | { readonly kind: "records"; readonly records: readonly LiveRecord[] }
  | ({ readonly kind: "progress" } & LiveProgress)
  | ({ readonly kind: "gone" } & GoneRange)
  | ({ readonly kind: "unreadable"; readonly reason: string } & Omit<GoneRange, "certain">)
  | { readonly kind: "waits"; readonly words: string }
  | ({ readonly kind: "done" } & LiveProgress);

/** What it stands on. */
export interface LiveTools {
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** One for each partition. */
  readonly feed: (at: TopicPartition) => Pick<Feed, "read">;
  /** Aborts when nobody reads any more. */
  readonly signal: AbortSignal;
}

/** Records of a part, at most. */
const recordsMax = 250;
/** Bytes of a part, at most, or one record. */
const bytesMax = 128 * 1024;
/** So often a word comes, also when no record does: a connection without one is cut off. */
const wordEveryMs = 5_000;
/** At the longest between two looks. */
const lookEveryMs = 250;
/** After answers without anything. */
const nothingCameMs = 50;

interface Lane {
  readonly queue: PartitionQueue;
  readonly first: number;
  readonly until: number;
}

/** `speed`: so many times as fast as they came; as fast as they are taken when not given. */
export async function* liveReplay(
  partitions: readonly ReplayPartition[],
  speed: number | undefined,
  { clock, backoff, feed, signal }: LiveTools,
): AsyncGenerator<LivePart> {
  const lanes = partitions.map(({ topic, partition, next, until }) => {
    const at = { topic, partition };
    return { first: next, until, queue: new PartitionQueue(at, { next, until }, feed(at)) };
  });
  const pace = new Pace(speed, clock);
  let timeMs: number | undefined;
  let saidMs = clock.uptimeMs();
  while (!signal.aborted) {
    const open = lanes.filter(({ queue }) => !queue.isDone);
    const before = progressOf(lanes).done;
    try {
      for (const { queue } of open) {
        if (signal.aborted) return;
        yield* newsOf(queue.partition, await queue.fill());
      }
      backoff.reset();
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.severity !== "transient") throw thrown;
      yield { kind: "waits", words: messageOf(thrown) };
      saidMs = clock.uptimeMs();
      await sleep(backoff.nextMs(), signal);
      continue;
    }
    if (open.every(({ queue }) => queue.isDone)) {
      yield { kind: "done", ...progressOf(lanes), timeMs };
      return;
    }
    const heads = open.flatMap(({ queue }) => queue.head ?? []);
    const areReady = open.every(({ queue }) => queue.head !== undefined || queue.isDone);
    const earliestMs = Math.min(...heads.map((head) => head.timeMs));
    if (areReady) pace.begin(earliestMs);
    // Where a partition has shown nothing yet, its next record may be the earliest.
    const records = areReady ? takePart(open, pace.dueMs()) : [];
    timeMs = records.at(-1)?.record.timeMs ?? timeMs;
    if (records.length > 0) yield { kind: "records", records };
    if (clock.uptimeMs() - saidMs >= wordEveryMs) {
      saidMs = clock.uptimeMs();
      yield { kind: "progress", ...progressOf(lanes), timeMs };
    }
    if (records.length > 0) continue;
    if (areReady) await sleep(Math.min(lookEveryMs, Math.max(1, pace.waitMs(earliestMs))), signal);
    else if (progressOf(lanes).done === before) await sleep(nothingCameMs, signal);
  }
}

function* newsOf(at: TopicPartition, news: Awaited<ReturnType<PartitionQueue["fill"]>>): Generator<LivePart> {
  if (news?.gone !== undefined) yield { kind: "gone", ...at, ...news.gone, certain: true };
  for (const { firstOffset, lastOffset, reason } of news?.damaged ?? []) {
    yield { kind: "unreadable", ...at, firstOffset, lastOffset, reason };
  }
}

function takePart(lanes: readonly Lane[], dueMs: number): LiveRecord[] {
  const records: LiveRecord[] = [];
  let bytes = 0;
  for (const { lane, record, size } of takeDue(lanes, dueMs, recordsMax)) {
    records.push({ at: lane.queue.partition, record });
    bytes += size;
    if (bytes >= bytesMax) break;
  }
  return records;
}

function progressOf(lanes: readonly Lane[]): Omit<LiveProgress, "timeMs"> {
  return {
    done: lanes.reduce((sum, { queue, first, until }) => sum + Math.min(queue.next, until) - first, 0),
    total: lanes.reduce((sum, { first, until }) => sum + until - first, 0),
  };
}
