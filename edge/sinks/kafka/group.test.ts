/** Kafka sinks of different clusters in one group: each cluster has a batch once and in order, together they have all. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Random, seededRandom } from "../../../shared/random/random.ts";
import type { LaneDelivery } from "../../core/sink.ts";
import { GroupSink } from "../../groups/group-sink.ts";
import type { Order, PolicyOptions } from "../../groups/group-tools.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import { testBatch, testLane } from "../../testing/fakes/test-batches.ts";
import { configSchema } from "./config.ts";
import { KafkaSink } from "./sink.ts";
import { FakeBroker, type Fault } from "./testing/fake-broker.ts";

const inOrder: Order = (members) => members;
const inTurn: Order = (members, current) => {
  const from = current === undefined ? 0 : members.indexOf(current) + 1;
  return [...members.slice(from), ...members.slice(0, from)];
};
const failover: PolicyOptions = { order: inOrder, inDoubt: "repeat", restMsMax: 30_000, batchesPerTurn: 0 };

class TwoClusters {
  readonly clock = new VirtualClock();
  readonly near = new FakeBroker();
  readonly far = new FakeBroker();
  readonly reader = new ArrayReader(testLane("driving"));
  private next = 0;
  private lane: LaneDelivery;

  constructor(private readonly options: PolicyOptions) {
    this.far.clusterId = "cluster-2";
    for (const broker of [this.near, this.far]) broker.addTopic("driving");
    this.lane = this.make();
  }

  get written(): number {
    return this.next;
  }

  put(count: number): void {
    this.reader.put(testBatch(this.reader.lane, { first: this.next, count, timeMs: this.clock.now() }));
    this.next += count;
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    for (const broker of [this.near, this.far]) broker.timeMs += ms;
  }

  async step(): Promise<string> {
    const batch = this.reader.next();
    if (batch === undefined) return "idle";
    this.reader.lease(batch);
    this.advance(1);
    try {
      const result = await this.lane.deliver(batch, new AbortController().signal);
      this.reader.end(batch, result);
      return result.kind;
    } catch (thrown) {
      if (thrown instanceof AppError) return thrown.code;
      throw thrown;
    }
  }

  async drain(): Promise<void> {
    for (let steps = 0; steps < 2_000; steps++) {
      if ((await this.step()) === "idle") return;
      this.advance(500);
    }
    throw new Error("it never came to an end");
  }

  crash(): void {
    this.reader.crash();
    this.lane = this.make();
  }

  get counted(): number {
    return this.reader.counters.get("maybe_repeated") ?? 0;
  }

  get status(): Readonly<Record<string, unknown>> | undefined {
    return this.lane.status?.();
  }

  private make(): LaneDelivery {
    const { clock } = this;
    const members = (["near", "far"] as const).map((name) => {
      const config = configSchema().parse({ brokers: ["broker:9092"], topic: "driving" });
      return { name, sink: new KafkaSink(config, fakeContext({ name, clock }), this[name]) };
    });
    return new GroupSink(fakeContext({ name: "pair", clock, members }), this.options).lane(this.reader);
  }
}

function numbers(broker: FakeBroker): number[] {
  return broker.values("driving").map((line) => Number(line.slice(5)));
}

function isAscending(found: readonly number[]): boolean {
  return found.every((seq, index) => index === 0 || seq > (found[index - 1] ?? 0));
}

/** What both have. */
function shared(world: TwoClusters): number {
  const far = new Set(numbers(world.far));
  return numbers(world.near).filter((seq) => far.has(seq)).length;
}

function expectAllOnce(world: TwoClusters): void {
  const [near, far] = [numbers(world.near), numbers(world.far)];
  expect(isAscending(near)).toBe(true);
  expect(isAscending(far)).toBe(true);
  expect(new Set([...near, ...far]).size).toBe(world.written);
  expect(shared(world)).toBeLessThanOrEqual(world.counted);
}

test("the preferred cluster has all while it answers", async () => {
  const world = new TwoClusters(failover);
  for (const count of [3, 2, 4]) world.put(count);
  await world.drain();
  expect(numbers(world.near)).toHaveLength(9);
  expect(numbers(world.far)).toHaveLength(0);
});

test("away, over to the other, and back: nothing is there twice, and neither cluster is sent what the other has", async () => {
  const world = new TwoClusters(failover);
  world.put(3);
  await world.drain();
  world.near.down = true;
  for (const count of [2, 2, 2]) {
    world.put(count);
    await world.drain();
  }
  world.near.down = false;
  world.advance(60_000);
  world.put(2);
  world.put(1);
  await world.drain();
  expect(numbers(world.near)).toEqual([0, 1, 2, 9, 10, 11]);
  expect(numbers(world.far)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(world.counted).toBe(0);
});

test("an answer that is lost: the other cluster has it too, and that is counted", async () => {
  const world = new TwoClusters(failover);
  world.put(3);
  world.near.faults = ["answer_lost"];
  await world.drain();
  expect(numbers(world.near)).toEqual([0, 1, 2]);
  expect(numbers(world.far)).toEqual([0, 1, 2]);
  expect(world.counted).toBe(3);
});

test("an answer that is lost, and whoever wants no repeat waits", async () => {
  const world = new TwoClusters({ ...failover, inDoubt: "wait" });
  world.put(3);
  world.near.faults = ["answer_lost", "request_lost", "answer_lost"];
  await world.drain();
  expect(numbers(world.near)).toEqual([0, 1, 2]);
  expect(numbers(world.far)).toEqual([]);
  expect(world.counted).toBe(0);
});

test("killed right after it went over: the other cluster goes on, what the first has acknowledged comes to nobody again", async () => {
  const world = new TwoClusters(failover);
  world.put(3);
  await world.step();
  world.near.down = true;
  world.put(2);
  await world.step();
  // Neither acknowledgement was durable.
  world.crash();
  await world.drain();
  expect(numbers(world.near)).toEqual([0, 1, 2]);
  expect(numbers(world.far)).toEqual([3, 4]);
  expect(world.counted).toBe(0);
});

test("a member that cannot go on leaves the lane to the other", async () => {
  const world = new TwoClusters(failover);
  world.put(3);
  await world.drain();
  world.put(3);
  world.near.faults = [{ code: 47 }];
  await world.drain();
  world.put(3);
  await world.drain();
  expect(numbers(world.far)).toEqual([3, 4, 5, 6, 7, 8]);
});

test("the status says whose lane it is", async () => {
  const world = new TwoClusters(failover);
  world.put(3);
  await world.drain();
  expect(world.status).toMatchObject({ member: "near", partition: 0 });
});

const policies: readonly (readonly [string, PolicyOptions])[] = [
  ["failover", failover],
  ["failover that waits", { ...failover, inDoubt: "wait" }],
  ["load balancing", { order: inTurn, inDoubt: "repeat", restMsMax: 30_000, batchesPerTurn: 1 }],
  ["load balancing that waits", { order: inTurn, inDoubt: "wait", restMsMax: 0, batchesPerTurn: 2 }],
];

test.each(policies)("killed, cut off and answered wrongly at random: %s", async (_, options) => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seededRandom(seed);
    const world = new TwoClusters(options);
    for (let turn = 0; turn < 60; turn++) await disturb(world, random);
    for (const broker of [world.near, world.far]) {
      broker.down = false;
      broker.faults = [];
    }
    await world.drain();
    try {
      expectAllOnce(world);
      if (options.inDoubt === "wait") expect(shared(world)).toBe(0);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});

const faults: readonly Fault[] = [
  "request_lost",
  "answer_lost",
  { code: 7 },
  { code: 7, appended: true },
  { code: 19 },
];

async function disturb(world: TwoClusters, random: Random): Promise<void> {
  const pick = (count: number) => Math.floor(random.next() * count);
  const broker = random.next() < 0.5 ? world.near : world.far;
  switch (pick(8)) {
    case 0:
      broker.down = !broker.down;
      break;
    case 1:
    case 2:
      broker.faults.push(faults[pick(faults.length)]);
      break;
    case 3:
      world.crash();
      break;
    case 4:
      world.reader.commit();
      break;
    case 5:
      world.advance(pick(20_000));
      break;
    default:
      world.put(1 + pick(4));
      for (let steps = pick(4); steps > 0; steps--) await world.step();
  }
}
