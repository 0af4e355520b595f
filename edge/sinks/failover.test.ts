import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Fields } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Delivery, LaneDelivery, Sink } from "../core/sink.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { RecordSink } from "../records/record-sink.ts";
import { ArrayReader } from "../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../testing/fakes/component.ts";
import { tryNext } from "../testing/fakes/deliver-next.ts";
import { testBatches, testLane } from "../testing/fakes/test-batches.ts";
import failover from "./failover.ts";
import loadBalance from "./load-balance.ts";

const never = new AbortController().signal;

/** A sink that is away when told, and says nothing about what it has. */
class Plain implements Sink {
  readonly has: number[] = [];
  away = false;
  started = 0;
  stopped = 0;
  tries = 0;

  async start(): Promise<void> {
    this.started++;
  }
  async stop(): Promise<void> {
    this.stopped++;
  }
  status() {
    return { has: this.has.length };
  }
  lane(): LaneDelivery {
    return {
      deliver: async ({ first }: StoredBatch): Promise<Delivery> => {
        this.tries++;
        if (this.away) throw new AppError("EDGE_DESTINATION_AWAY", "away in a test");
        this.has.push(first);
        return { kind: "delivered" };
      },
      mayHave: () => 0,
    };
  }
}

async function groupOf(
  definition: typeof failover,
  sinks: Readonly<Record<string, Sink>>,
  config: Readonly<Record<string, unknown>> = {},
) {
  const said: Fields[] = [];
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const members = Object.entries(sinks).map(([name, sink]) => ({ name, sink }));
  const reading = definition.read({ sinks: Object.keys(sinks), ...config });
  if (!reading.ok) throw new Error("the config is wrong");
  const group = await reading.value.create(
    fakeContext({ name: "pair", members, clock, metrics, report: (_, fields) => void said.push(fields ?? {}) }),
  );
  const reader = new ArrayReader(testLane("driving"));
  const lane = group.lane(reader);
  const step = () => tryNext(lane, reader);
  return { group, lane, reader, clock, metrics, said, step };
}

test("the first that works has it; one that failed rests, longer each time, and is tried again by one lane", async () => {
  const [near, far] = [new Plain(), new Plain()];
  const { reader, clock, step } = await groupOf(failover, { near, far }, { maxPenalty: "4s" });
  reader.put(...testBatches(reader.lane, 12, 1));
  near.away = true;
  await step();
  expect([near.tries, far.has]).toEqual([1, [0]]);
  await step();
  expect(near.tries).toBe(1);
  for (const [ms, tries] of [
    [1_000, 2],
    [1_000, 2],
    [1_000, 3],
    [4_000, 4],
    [4_000, 5],
  ] as const) {
    clock.advance(ms);
    await step();
    expect(near.tries).toBe(tries);
  }
  near.away = false;
  clock.advance(4_000);
  await step();
  await step();
  expect(near.has).toEqual([7, 8]);
});

test("none works: transient, with the words of each and the time when one may be tried again", async () => {
  const [near, far] = [new Plain(), new Plain()];
  const { reader, step } = await groupOf(failover, { near, far });
  reader.put(...testBatches(reader.lane, 1, 1));
  near.away = true;
  far.away = true;
  expect(await step()).toMatchObject({ code: "EDGE_GROUP_AWAY", severity: "transient", retryAfterMs: 1_000 });
  expect(await step()).toMatchObject({ message: expect.stringContaining("near, far rest after a failure") });
});

test("a member whose destination is back is tried at once", async () => {
  const back = Promise.withResolvers<void>();
  const near = new Plain();
  const { lane } = near;
  near.lane = () => ({ ...lane.call(near), back: () => back.promise });
  const group = await groupOf(failover, { near });
  group.reader.put(...testBatches(group.reader.lane, 1, 1));
  near.away = true;
  await group.step();
  const woken = group.lane.back?.(never);
  near.away = false;
  back.resolve();
  await woken;
  expect(await group.step()).toBe("delivered");
});

test("members are started, stopped and shown by their group", async () => {
  const [near, far] = [new Plain(), new Plain()];
  const { group, metrics } = await groupOf(failover, { near, far });
  await group.start();
  expect(group.status()).toMatchObject({ members: { near: { up: true, has: 0 }, far: { up: true } } });
  expect(metrics.render()).toContain('tailgate_group_member_up{member="near",sink="pair"} 1');
  await group.stop();
  expect([near, far].map(({ started, stopped }) => [started, stopped])).toEqual([
    [1, 1],
    [1, 1],
  ]);
});

test("batches are shared in turn, and at random", async () => {
  for (const selector of ["round_robin", "random"]) {
    const [one, other] = [new Plain(), new Plain()];
    const { reader, step } = await groupOf(loadBalance, { one, other }, { selector });
    reader.put(...testBatches(reader.lane, 20, 1));
    while ((await step()) !== "idle");
    expect([...one.has, ...other.has].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, first) => first));
    if (selector === "round_robin") expect(one.has).toHaveLength(10);
    else expect(one.has.length).toBeGreaterThan(2);
  }
});

test("a lane stays with a member for a turn", async () => {
  const [one, other] = [new Plain(), new Plain()];
  const { reader, step } = await groupOf(loadBalance, { one, other }, { batchesPerTurn: 3 });
  reader.put(...testBatches(reader.lane, 9, 1));
  while ((await step()) !== "idle");
  expect(one.has).toEqual([0, 1, 2, 6, 7, 8]);
  expect(other.has).toEqual([3, 4, 5]);
});

test("a record sink that had a part of a batch: the other one gets all of it, and the part is counted", async () => {
  const got: Record<string, number[]> = { near: [], far: [] };
  let isAway = false;
  const sinkOf = (name: "near" | "far") =>
    new RecordSink(fakeContext(), {
      recordsMax: 4,
      destination: {
        write: async (records) => {
          if (name === "near" && isAway) throw new AppError("EDGE_DESTINATION_AWAY", "away in a test");
          got[name]?.push(...records.map(({ seq }) => seq));
          isAway = true;
        },
        status: () => ({}),
      },
    });
  const { reader, step, group } = await groupOf(failover, { near: sinkOf("near"), far: sinkOf("far") });
  reader.put(...testBatches(reader.lane, 1, 12));
  expect(await step()).toBe("delivered");
  expect(got.near).toEqual([0, 1, 2, 3]);
  expect(got.far).toHaveLength(12);
  // Four that it has, and four whose answer never came.
  expect(reader.counters.get("maybe_repeated")).toBe(8);
  expect(group.status()).toMatchObject({ switches: 1 });
});

/** Away, it may have what it was sent. */
class Doubtful extends Plain {
  constructor(readonly knowsRepeats = false) {
    super();
  }
  override lane(): LaneDelivery {
    return { ...super.lane(), mayHave: ({ count }) => count };
  }
}

/** Batch 1 may be at both members: neither answered, and between the two tries `far` brought what came before. */
async function bothMayHave(make: () => Doubtful) {
  const [near, far] = [make(), make()];
  const world = await groupOf(failover, { near, far }, { maxPenalty: "1s" });
  world.reader.put(...testBatches(world.reader.lane, 3, 1));
  near.away = true;
  expect(await world.step()).toBe("delivered");
  world.clock.advance(1_000);
  far.away = true;
  expect(await world.step()).toMatchObject({ code: "EDGE_GROUP_AWAY" });
  return { ...world, near, far };
}

test("a batch that both may have goes to the one that is back, where destinations know repeats", async () => {
  const { near, far, clock, step } = await bothMayHave(() => new Doubtful(true));
  near.away = false;
  clock.advance(1_000);
  expect(await step()).toBe("delivered");
  expect([near.has, far.has]).toEqual([[1], [0]]);
});

test("where they do not, it waits for the last one, as long as that rests: nobody asks in a circle", async () => {
  const { near, far, clock, step } = await bothMayHave(() => new Doubtful());
  near.away = false;
  clock.advance(1_000);
  expect(await step()).toMatchObject({ code: "EDGE_GROUP_AWAY", retryAfterMs: 1_000 });
  expect(await step()).toMatchObject({ code: "EDGE_GROUP_AWAY", retryAfterMs: 1_000 });
  expect(near.has).toEqual([]);
  far.away = false;
  clock.advance(1_000);
  expect(await step()).toBe("delivered");
  expect(far.has).toEqual([0, 1]);
});

test("with inDoubt: wait the same: the one that is waited for says how long", async () => {
  const [near, far] = [new Doubtful(), new Doubtful()];
  const { reader, said, step } = await groupOf(failover, { near, far }, { inDoubt: "wait" });
  reader.put(...testBatches(reader.lane, 1, 1));
  near.away = true;
  for (let turn = 0; turn < 2; turn++) {
    expect(await step()).toMatchObject({
      retryAfterMs: 1_000,
      message: expect.stringMatching(/near: it may have the batch, so the lane waits for it$/),
      hint: expect.stringContaining("bring that member back"),
    });
  }
  expect(far.tries).toBe(0);
  expect(said.map(({ member, then }) => [member, then])).toEqual([
    ["near", "it may have the batch, so the lane waits for it"],
  ]);
});

test("whoever fails, it is said what comes then", async () => {
  const [near, far] = [new Plain(), new Plain()];
  const { reader, said, step } = await groupOf(failover, { near, far });
  reader.put(...testBatches(reader.lane, 1, 1));
  near.away = true;
  far.away = true;
  await step();
  expect(said.flatMap(({ member, then }) => (then === undefined ? [] : [[member, then]]))).toEqual([
    ["near", "far is tried"],
    ["far", "no other can be tried now"],
  ]);
});

test("members that never rest are tried with the runner's own patience", async () => {
  const [one, other] = [new Plain(), new Plain()];
  const { reader, step } = await groupOf(loadBalance, { one, other }, { backoff: false });
  reader.put(...testBatches(reader.lane, 1, 1));
  one.away = true;
  other.away = true;
  const thrown = await step();
  expect(thrown).toMatchObject({ code: "EDGE_GROUP_AWAY" });
  expect(thrown).toHaveProperty("retryAfterMs", undefined);
});

test("the config names members", () => {
  expect(mistakes(failover, { sinks: [] })).toHaveLength(1);
  expect(mistakes(loadBalance, { sinks: ["a"], selector: "fastest" })).toHaveLength(1);
});
