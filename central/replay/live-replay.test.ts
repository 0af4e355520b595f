import { expect, test } from "bun:test";
import { Backoff } from "../../shared/async/backoff.ts";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { seededRandom } from "../../shared/random/random.ts";
import type { TopicPartition } from "../records/partition.ts";
import { noCounts } from "../store/replay-port.ts";
import { noonMs, slicesOf, testRecord } from "../testing/records.ts";
import { codes } from "./codes.ts";
import type { FeedPart, FeedRange } from "./feed.ts";
import { type LivePart, liveReplay } from "./live-replay.ts";

/** Partitions of records at such seconds after noon, three an answer. */
class Ground {
  readonly clock = new VirtualClock(noonMs);
  readonly gone = new AbortController();
  /** What the next reads throw, one each. */
  readonly failures: AppError[] = [];
  reads = 0;

  constructor(private readonly seconds: readonly (readonly number[])[]) {}

  parts(speed: number | undefined): AsyncGenerator<LivePart> {
    const partitions = this.seconds.map((each, partition) => {
      const at = { topic: "drive", partition };
      return { ...at, first: 0, next: 0, until: each.length, counts: noCounts };
    });
    const backoff = new Backoff({ initialMs: 1, maxMs: 2 }, seededRandom(1));
    const feed = (at: TopicPartition) => ({ read: (range: FeedRange) => this.read(at.partition, range) });
    return liveReplay(partitions, speed, { clock: this.clock, backoff, feed, signal: this.gone.signal });
  }

  private async read(partition: number, { next, until }: FeedRange): Promise<FeedPart> {
    this.reads++;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const to = Math.min(until, next + 3);
    const records = (this.seconds[partition] ?? []).slice(next, to).map((second, index) => {
      const offset = next + index;
      return { ...testRecord({ offset, vehicle: `car-${partition}` }), timeMs: noonMs + second * 1_000 };
    });
    return { slices: slicesOf(records), read: records.length, damaged: [], next: to, gone: undefined };
  }
}

const secondsOf = (part: LivePart) =>
  part.kind === "records" ? part.records.map(({ record }) => (record.timeMs - noonMs) / 1_000) : [];

async function all(parts: AsyncGenerator<LivePart>): Promise<LivePart[]> {
  const found: LivePart[] = [];
  for await (const part of parts) found.push(part);
  return found;
}

test("records of all partitions come in the order of time, and the end is said", async () => {
  const on = new Ground([[0, 3, 6, 9, 12, 15, 18], [1, 2, 20], [4]]);
  const parts = await all(on.parts(undefined));
  expect(parts.flatMap(secondsOf)).toEqual([0, 1, 2, 3, 4, 6, 9, 12, 15, 18, 20]);
  expect(parts.at(-1)).toEqual({ kind: "done", done: 11, total: 11, timeMs: noonMs + 20_000 });
});

test("a late record goes at its turn in its partition", async () => {
  const on = new Ground([[5, 1, 6], [3]]);
  expect((await all(on.parts(undefined))).flatMap(secondsOf)).toEqual([3, 5, 1, 6]);
});

test.each([
  [1, [0, 1, 2, 10]],
  [10, [0, 100, 200]],
  [0.5, [0, 1]],
])("at %d times the speed a record is due at its distance from the first one", async (speed, seconds) => {
  const on = new Ground([seconds]);
  const parts = on.parts(speed);
  const beganMs = on.clock.uptimeMs();
  const came: number[] = [];
  const span = seconds.at(-1) ?? 0;
  const reading = (async () => {
    for await (const part of parts) {
      for (const second of secondsOf(part)) came.push(second);
    }
  })();
  let over = false;
  void reading.then(() => (over = true));
  while (!over) {
    const due = seconds.filter((second) => second <= ((on.clock.uptimeMs() - beganMs) / 1_000) * speed);
    expect(came.length).toBeLessThanOrEqual(due.length);
    on.clock.advance(((span * 1_000) / speed) * 0.1);
    await Bun.sleep(5);
  }
  expect(came).toEqual([...seconds]);
});

test("nothing is read ahead of who takes it: one answer of each partition", async () => {
  const on = new Ground([Array.from({ length: 100 }, (_, second) => second)]);
  const parts = on.parts(undefined);
  const first = await parts.next();
  expect([on.reads, first.value?.kind]).toEqual([1, "records"]);
  await parts.next();
  expect(on.reads).toBe(2);
  await parts.return(undefined);
  expect(on.reads).toBe(2);
});

test("while nothing is due a word comes every five seconds, so that nobody takes the silence for an end", async () => {
  const on = new Ground([[0, 3_600]]);
  const parts = on.parts(1);
  expect(secondsOf((await parts.next()).value)).toEqual([0]);
  const next = parts.next();
  on.clock.advance(5_000);
  expect((await next).value).toEqual({ kind: "progress", done: 1, total: 2, timeMs: noonMs });
  await parts.return(undefined);
});

test("who goes away while nothing is due ends it", async () => {
  const on = new Ground([[0, 3_600]]);
  const parts = on.parts(1);
  await parts.next();
  const next = parts.next();
  on.gone.abort();
  expect(await next).toEqual({ value: undefined, done: true });
});

test("a broker that does not answer is said, and waited for; what cannot be cured ends it", async () => {
  const on = new Ground([[0, 1]]);
  on.failures.push(new AppError(codes.CENTRAL_REPLAY_KAFKA, "read drive-0"));
  const parts = await all(on.parts(undefined));
  expect(parts.map(({ kind }) => kind)).toEqual(["waits", "records", "done"]);
  on.failures.push(new AppError(codes.CENTRAL_REPLAY_TARGET, "no"));
  await expect(all(on.parts(undefined))).rejects.toMatchObject({ code: "CENTRAL_REPLAY_TARGET" });
});
