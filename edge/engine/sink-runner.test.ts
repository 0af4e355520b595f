import { describe, expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { type Fields, type Report, silent } from "../../shared/telemetry/log.ts";
import type { LaneSpec } from "../core/lane.ts";
import type { Delivery, Sink } from "../core/sink.ts";
import type { PutBatch, StoredBatch } from "../core/stored-batch.ts";
import { type ArrayChannel, ArrayStore } from "../testing/fakes/array-store.ts";
import { SinkRunner } from "./sink-runner.ts";

type Answer = (batch: StoredBatch) => Delivery | Promise<Delivery>;

function sinkOf(answer: Answer): Sink {
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    status: () => ({}),
    lane: () => ({ deliver: async (batch) => answer(batch) }),
  };
}

function put(store: ArrayStore, channel: ArrayChannel, spec: LaneSpec, counts: readonly number[]): void {
  const lane = channel.lanes().find((made) => Bun.deepEquals({ ...made, ...spec }, made)) ?? channel.createLane(spec);
  let first = channel.nextSeq(lane);
  const batches: PutBatch[] = counts.map((count) => {
    const batch = { lane, kind: "records" as const, first, count, timeMsMin: 0, timeMsMax: 0, recordsCrc: 0 };
    first += count;
    return { ...batch, bytes: Buffer.from("x") };
  });
  store.commit({ batches, positions: [], counters: [] });
}

async function run(
  channel: ArrayChannel,
  answer: Answer,
  until: () => boolean,
  report: Report = silent,
): Promise<SinkRunner> {
  const stop = new AbortController();
  const runner = new SinkRunner({
    channel,
    sinks: [{ name: "sink", sink: sinkOf(answer) }],
    random: seededRandom(1),
    report,
    onInvariant: (error) => {
      throw error;
    },
    ended: () => undefined,
    taken: () => undefined,
  });
  const done = runner.run(stop.signal, stop.signal);
  const deadline = performance.now() + 5_000;
  while (!until() && performance.now() < deadline) await Bun.sleep(1);
  expect(until()).toBe(true);
  stop.abort();
  await done;
  return runner;
}

const agentLane: LaneSpec = { channel: "main", stream: "s", group: "t", part: undefined };
const keyLane = (generation: number, index: number, parts: number): LaneSpec => ({
  ...agentLane,
  part: { index, parts, generation },
});

function channelOf(store: ArrayStore): ArrayChannel {
  return store.channel("main");
}

describe("the sink runner", () => {
  test("delivers a lane's batches one at a time, in order, and acknowledges each", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, agentLane, [2, 3, 4]);
    const seen: number[] = [];
    let inDelivery = 0;
    await run(
      channel,
      async (batch) => {
        expect(++inDelivery).toBe(1);
        await Bun.sleep(1);
        inDelivery--;
        seen.push(batch.first);
        return { kind: "delivered" };
      },
      () => channel.held.length === 0,
    );
    expect(seen).toEqual([0, 2, 5]);
    expect(channel.acknowledged.map(({ first }) => first)).toEqual([0, 2, 5]);
  });

  test("delivers the same batch again while the destination is away, and nothing behind it", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, agentLane, [1, 1]);
    const seen: number[] = [];
    await run(
      channel,
      (batch) => {
        seen.push(batch.first);
        if (seen.length < 3) throw new AppError("KAFKA_UNREACHABLE", "deliver in a test", { retryAfterMs: 1 });
        return { kind: "delivered" };
      },
      () => channel.held.length === 0,
    );
    expect(seen).toEqual([0, 0, 0, 1]);
  });

  test("buries what is refused for ever and goes on behind it", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, agentLane, [1, 1]);
    await run(
      channel,
      ({ first }) =>
        first === 0 ? { kind: "refused", code: "KAFKA_RECORD_REFUSED", reason: "too large" } : { kind: "delivered" },
      () => channel.held.length === 0,
    );
    expect(channel.buried.map(({ batch, reason }) => [batch.first, reason])).toEqual([
      [0, "KAFKA_RECORD_REFUSED: too large"],
    ]);
    expect(channel.acknowledged.map(({ first }) => first)).toEqual([1]);
  });

  test("delivers the parts in the place of a batch that was split", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, agentLane, [4, 1]);
    const seen: [number, number][] = [];
    await run(
      channel,
      (batch) => {
        seen.push([batch.first, batch.count]);
        if (batch.count < 3) return { kind: "delivered" };
        return {
          kind: "split",
          parts: [
            { ...batch, count: 2 },
            { ...batch, first: batch.first + 2, count: 2 },
          ],
        };
      },
      () => channel.held.length === 0,
    );
    expect(seen).toEqual([
      [0, 4],
      [0, 2],
      [2, 2],
      [4, 1],
    ]);
  });

  test("stops only the lane whose sink cannot go on, and says why", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, keyLane(0, 0, 2), [1]);
    put(store, channel, keyLane(0, 1, 2), [1, 1]);
    const runner = await run(
      channel,
      ({ lane }) => {
        if (lane.number === 0) throw new AppError("KAFKA_SESSION_FENCED", "deliver in a test");
        return { kind: "delivered" };
      },
      () => channel.held.length === 1,
    );
    expect(runner.lanes().map(({ state }) => state.kind)).toEqual(["failed", "idle"]);
    expect(runner.failed).toBe(true);
  });

  test("sends the lanes of a grown topic only after the old ones are drained", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, keyLane(0, 0, 2), [1]);
    put(store, channel, keyLane(0, 1, 2), [1, 1, 1]);
    put(store, channel, keyLane(1, 0, 4), [1]);
    put(store, channel, keyLane(1, 3, 4), [1]);
    const generations: number[] = [];
    await run(
      channel,
      async ({ lane }) => {
        await Bun.sleep(2);
        generations.push(lane.part?.generation ?? -1);
        return { kind: "delivered" };
      },
      () => channel.held.length === 0,
    );
    expect(generations).toEqual([0, 0, 0, 0, 1, 1]);
  });

  test.each([
    ["of a grown topic", 0],
    ["of a new epoch", 1],
  ])("a lane that cannot go on holds up none that come after it: %s; and that is said", async (_, newEpoch) => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, keyLane(0, 0, 2), [1, 1]);
    put(store, channel, keyLane(0, 1, 2), [1]);
    if (newEpoch === 1) store.renewEpoch();
    put(store, channel, keyLane(1, 0, 4), [1, 1]);
    const said: Fields[] = [];
    const seen: number[] = [];
    await run(
      channel,
      async ({ lane }) => {
        // Those that come after look before it has failed.
        if (lane.id === 1) await Bun.sleep(20);
        if (lane.id === 1) throw new AppError("KAFKA_SESSION_FENCED", "deliver in a test");
        seen.push(lane.id);
        return { kind: "delivered" };
      },
      () => channel.held.length === 2,
      (signal, fields) => {
        if (signal.name === "lane_passed") said.push(fields ?? {});
      },
    );
    expect(seen).toEqual([2, 3, 3]);
    const [old, , late] = channel.lanes();
    expect(said).toEqual([
      {
        component: "sink",
        stream: "s",
        lane: late?.number,
        epoch: late?.epoch,
        passedLane: old?.number,
        passedEpoch: old?.epoch,
      },
    ]);
  });

  test("idle lanes leave the thread to the one that others wait for", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    for (const partition of [0, 1, 2]) put(store, channel, keyLane(0, partition, 3), [1]);
    put(store, channel, keyLane(1, 3, 4), [1]);
    let looks = 0;
    const { reader } = channel;
    channel.reader = (lane) => {
      const plain = reader.call(channel, lane);
      const next: typeof plain.next = (after) => {
        // Without an end here, a loop of microtasks would hang the test instead of failing it.
        if (++looks > 1_000) throw new Error("the lanes look for batches without end");
        return plain.next(after);
      };
      return { ...plain, next };
    };
    await run(
      channel,
      async ({ lane }) => {
        if (lane.number === 2) await Bun.sleep(20);
        return { kind: "delivered" };
      },
      () => channel.held.length === 0,
    );
    expect(looks).toBeLessThan(100);
  });

  test("tries again when the channel cannot be read or will not bury, and loses nothing by it", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, agentLane, [1, 1]);
    const [lane] = channel.lanes();
    if (lane === undefined) throw new Error("no lane");
    let refusals = 2;
    const makeReader = channel.reader.bind(channel);
    channel.reader = (which) => {
      const reader = makeReader(which);
      const failing = <A extends unknown[], R>(work: (...given: A) => R) => {
        return (...given: A): R => {
          if (refusals-- > 0) throw new AppError("EDGE_CHANNEL_IO", "read in a test", { retryAfterMs: 1 });
          return work(...given);
        };
      };
      return { ...reader, next: failing(reader.next), bury: failing(reader.bury) };
    };
    await run(
      channel,
      ({ first }) =>
        first === 0 ? { kind: "refused", code: "KAFKA_RECORD_REFUSED", reason: "never" } : { kind: "delivered" },
      () => channel.held.length === 0,
    );
    expect(channel.buried.map(({ batch }) => batch.first)).toEqual([0]);
    expect(channel.acknowledged.map(({ first }) => first)).toEqual([1]);
  });

  test("finds a lane that appears while it runs", async () => {
    const store = new ArrayStore();
    const channel = channelOf(store);
    put(store, channel, agentLane, [1]);
    let later = false;
    await run(
      channel,
      () => {
        if (!later) {
          later = true;
          queueMicrotask(() => put(store, channel, { ...agentLane, stream: "other" }, [1]));
        }
        return { kind: "delivered" };
      },
      () => channel.acknowledged.length === 2,
    );
  });
});
