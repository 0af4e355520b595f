import { expect, test } from "bun:test";
import { Gate } from "../../../shared/async/gate.ts";
import { parseIdentity } from "../../../shared/identity/identity.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import type { Layout } from "../../core/layout.ts";
import { plainLayout } from "../../core/layout.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { ArrayStore } from "../../testing/fakes/array-store.ts";
import { TopicProgress } from "./progress.ts";
import type { TakenLane } from "./taken-lane.ts";
import { TakenTopic } from "./taken-topic.ts";

const settings = { compression: "none", identity: true, batchBytesMax: 1_000 } as const;

/** A topic's partitions as lists of bodies, and what an agent takes of them; it may be killed and started again. */
class World {
  readonly store = new ArrayStore();
  readonly said: { name: string; count: unknown }[] = [];
  readonly partitions: string[][] = [[], []];
  topic: TakenTopic;
  progress: TopicProgress;
  /** What the group was told. */
  groups: (number | undefined)[] = [undefined, undefined];

  constructor(private readonly layout: Layout = plainLayout("main")) {
    ({ topic: this.topic, progress: this.progress } = this.open());
  }

  private open() {
    const report = (signal: { readonly name: string }, fields: { readonly count?: unknown } = {}) =>
      void this.said.push({ name: signal.name, count: fields.count });
    const progress = new TopicProgress(this.store, "kafka/main/t/g", report);
    let id = 0;
    const topic = new TakenTopic({
      channel: "main",
      agent: "gw",
      topic: "t",
      parseAsFlumeEvent: false,
      settings,
      readAheadBytes: 100_000,
      progress,
      epoch: () => this.store.epoch,
      nextId: () => ++id,
      report,
      arrived: new Gate(),
    });
    topic.drainedBy(this.layout);
    return { topic, progress };
  }

  /** Joined: these are ours. Answers where each goes on. */
  join(partitions: readonly number[] = [0, 1]): void {
    this.topic.assigned(partitions);
    for (const partition of partitions) {
      const high = this.partitions[partition]?.length ?? 0;
      this.topic.begins(partition, this.groups[partition], { low: 0, high });
    }
  }

  /** Fetches up to so many records of a partition. */
  fetch(partition: number, count: number): void {
    const log = this.partitions[partition] ?? [];
    const from = this.topic.expected(partition) ?? 0;
    for (const [index, body] of log.slice(from, from + count).entries()) {
      const value = Buffer.from(body);
      const record = { offset: String(from + index), timestamp: "1", key: null, value };
      this.topic.accept(partition, record, log.length);
    }
  }

  /** Killed: what was not written is gone. */
  kill(): void {
    ({ topic: this.topic, progress: this.progress } = this.open());
  }
}

const bodies = (batch: StoredBatch) => [...decodeRecords(batch.bytes)].map(({ value }) => value.toString());
const ids = (batch: StoredBatch) =>
  [...decodeRecords(batch.bytes)].map(({ headers }) => {
    const identity = parseIdentity(headers.find(({ name }) => name === "tg")?.value.toString() ?? "");
    return `${identity?.epoch}.${identity?.lane}/${identity?.first}`;
  });

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "whatever is read, delivered, cut, buried and killed: each once, in order, an identity names one event (seed %d)",
  (seed) => {
    const random = seededRandom(seed);
    const pick = (bound: number) => Math.floor(random.next() * bound);
    // Three groups by what an event says, so that lanes of a partition go on at different offsets.
    const group = (text: string) => `g${text.length % 3}`;
    const layout = { ...plainLayout("g0"), groupsMax: 10, groupFixed: undefined };
    const world = new World({ ...layout, group: (view) => group(view.text()) });
    const named = new Map<string, string>();
    const sent: string[] = [];
    /** As a sink that knows its batches by their numbers: the last one of a lane that it has, known before we know. */
    const has = new Map<string, { first: number; count: number }>();
    world.join();
    const deliver = (lane: TakenLane, isKilled: boolean) => {
      const batch = lane.next();
      if (batch === undefined) return;
      lane.lease(batch);
      for (const [index, id] of ids(batch).entries()) {
        const body = bodies(batch)[index] ?? "";
        expect(named.get(id) ?? body).toBe(body);
        named.set(id, body);
      }
      const key = `${lane.lane.epoch}.${lane.lane.number}`;
      const last = has.get(key);
      if (batch.kind === "records" && (last === undefined || batch.first >= last.first + last.count)) {
        sent.push(...bodies(batch));
        has.set(key, batch);
      } else if (batch.kind === "records") {
        // A repeat: cut as it was, or such a sink would not know it.
        expect([batch.first, batch.count]).toEqual([last?.first ?? -1, last?.count ?? -1]);
      }
      if (isKilled) return;
      lane.acknowledge(batch, `m${batch.first}`);
    };
    const buried: string[] = [];
    for (let step = 0; step < 400; step++) {
      const partition = pick(2);
      const lanes = world.topic.lanes;
      const lane = lanes[pick(Math.max(1, lanes.length))];
      switch (pick(12)) {
        case 0:
        case 1:
          for (let left = pick(20); left > 0; left--) {
            const log = world.partitions[partition] ?? [];
            log.push(`p${partition} ${log.length} ${"x".repeat(pick(200))}`);
          }
          break;
        case 2:
        case 3:
        case 4:
          world.fetch(partition, 1 + pick(15));
          break;
        case 5: {
          const batch = lane?.next();
          if (lane === undefined || batch === undefined || batch.kind === "shed" || pick(4) > 0) break;
          // What its sink has already it does not refuse.
          const last = has.get(`${lane.lane.epoch}.${lane.lane.number}`);
          if (last !== undefined && batch.first < last.first + last.count) break;
          lane.lease(batch);
          buried.push(...bodies(batch));
          lane.bury(batch, "refused");
          const marker = lane.next();
          expect([marker?.kind, marker?.first, marker?.count]).toEqual(["shed", batch.first, batch.count]);
          if (marker !== undefined) lane.acknowledge(marker, undefined);
          world.progress.flush();
          break;
        }
        case 6:
          world.progress.flush();
          break;
        case 7:
          if (pick(4) > 0) break;
          if (lane !== undefined && pick(2) === 0) deliver(lane, true);
          world.kill();
          world.join();
          break;
        default:
          if (lane !== undefined) deliver(lane, false);
          // An acknowledgement is written in the same turn.
          world.progress.flush();
      }
      for (const { put, sent: had, dead, held, shed } of world.topic.lanes.map((each) => each.stat())) {
        expect([put, shed]).toEqual([had + dead + held, 0]);
      }
    }
    for (const partition of [0, 1]) world.fetch(partition, 100_000);
    for (const lane of world.topic.lanes) while (lane.next() !== undefined) deliver(lane, false);
    const all = world.partitions.flat();
    expect([...sent, ...buried].toSorted()).toEqual(all.toSorted());
    for (const partition of [0, 1]) {
      for (const name of ["g0", "g1", "g2"]) {
        const own = (text: string) => text.startsWith(`p${partition} `) && group(text) === name;
        expect(sent.filter(own)).toEqual(all.filter((text) => own(text) && !buried.includes(text)));
      }
    }
    expect([world.topic.heldEvents, world.topic.heldBytes]).toEqual([0, 0]);
  },
);

test("another member read on while we were away: its records are not ours, and numbers are given once", () => {
  const world = new World();
  world.partitions[0] = ["a", "b", "c", "d", "e"];
  world.join();
  world.fetch(0, 2);
  const [lane] = world.topic.lanes;
  const batch = lane?.next();
  if (lane === undefined || batch === undefined) return expect.unreachable();
  lane.lease(batch);
  const before = ids(batch);
  world.kill();
  world.groups = [3, undefined];
  world.join();
  world.fetch(0, 10);
  const rest = world.topic.lanes.flatMap((each) => each.next() ?? []);
  expect(rest.flatMap(bodies)).toEqual(["d", "e"]);
  expect(rest.flatMap(ids).filter((id) => before.includes(id))).toEqual([]);
});

test("a partition that goes to another member takes what waits with it; what is under way stays, and is not read again", () => {
  const world = new World();
  world.partitions[0] = ["a", "b", "c"];
  world.join();
  world.fetch(0, 1);
  const [lane] = world.topic.lanes;
  const batch = lane?.next();
  if (lane === undefined || batch === undefined) return expect.unreachable();
  lane.lease(batch);
  world.fetch(0, 2);
  world.join([1]);
  expect([world.topic.heldEvents, world.topic.offsets()]).toEqual([1, []]);
  world.join([0, 1]);
  world.fetch(0, 3);
  lane.acknowledge(batch, undefined);
  expect(lane.next() === undefined ? [] : bodies(lane.next() as StoredBatch)).toEqual(["b", "c"]);
});

test("a topic that was cut back is read from its beginning; what retention deleted is counted", () => {
  const world = new World();
  world.partitions[0] = ["a", "b", "c"];
  world.join();
  world.fetch(0, 3);
  for (const lane of world.topic.lanes) {
    const batch = lane.next();
    if (batch === undefined) continue;
    lane.lease(batch);
    lane.acknowledge(batch, undefined);
  }
  world.progress.flush();
  world.kill();
  world.topic.assigned([0]);
  expect(world.topic.begins(0, undefined, { low: 0, high: 1 })).toBe(0);
  expect(world.said.map(({ name }) => name)).toContain("kafka_channel_topic_anew");
  world.kill();
  world.topic.assigned([0]);
  expect(world.topic.begins(0, 5, { low: 9, high: 20 })).toBe(9);
  expect(world.said.at(-1)).toEqual({ name: "kafka_channel_outrun", count: 4 });
});

test("while the disk takes nothing, nothing is handed out, and it goes on when it does", () => {
  const world = new World();
  world.partitions[0] = ["a"];
  world.join();
  world.fetch(0, 1);
  const [lane] = world.topic.lanes;
  const batch = lane?.next();
  if (lane === undefined || batch === undefined) return expect.unreachable();
  world.store.failures = 1;
  expect(() => lane.lease(batch)).toThrow("disk full");
  expect(world.said.at(-1)?.name).toBe("kafka_channel_progress_not_stored");
  lane.lease(batch);
  // It is known before it is sent, or a kill would have it sent again in another cut.
  expect(new TopicProgress(world.store, "kafka/main/t/g", () => {}).lanes()).toMatchObject([{ leased: 1 }]);
  lane.acknowledge(batch, undefined);
  world.progress.flush();
  world.kill();
  world.join();
  world.fetch(0, 1);
  expect(world.topic.heldEvents).toBe(0);
});
