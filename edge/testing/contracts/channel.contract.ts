/**
 * What every channel must do, whatever it is made of: `channelContract("sqlite", openWorld)`. A model of a few lines is
 * given the same random actions as the real one, and after each they must agree.
 */
import { describe, expect, test } from "bun:test";
import type { VirtualClock } from "../../../shared/clock/clock.ts";
import { IDENTITY_HEADER, parseIdentity } from "../../../shared/identity/identity.ts";
import { type Random, seededRandom } from "../../../shared/random/random.ts";
import { RecordBatchBuilder } from "../../../shared/record-batch/builder.ts";
import { decodeRecords } from "../../../shared/record-batch/records.ts";
import type { Channel, LaneReader } from "../../core/channel.ts";
import type { ChannelChoice } from "../../core/define.ts";
import type { Lane } from "../../core/lane.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";

/** An open channel and the way to put into it. */
export interface OpenChannel {
  readonly channel: Channel;
  put(batches: readonly PutBatch[]): void;
  /** What is acknowledged becomes durable. */
  mark(): void;
  close(): void;
  /** Ends without writing anything more. */
  crash(): void;
}

/** A place where a channel can be opened, and opened again. */
export interface ChannelWorld extends Disposable {
  readonly clock: VirtualClock;
  /** Whether what was put is there after a close or a crash. */
  readonly durable: boolean;
  open(choice?: Partial<ChannelChoice>): OpenChannel;
}

/** A choice with nothing special about it. */
export function plainChoice(type: ChannelChoice["type"], changes: Partial<ChannelChoice> = {}): ChannelChoice {
  return {
    type,
    settings: { compression: "none", identity: true, batchBytesMax: 256 * 1024 },
    bytesMax: 64 * 1024 * 1024,
    full: "block",
    freeBytesMin: 0,
    ttlMs: undefined,
    keptBytes: 64 * 1024,
    ...changes,
  };
}

/** A batch of real records; `size` bytes in all, about, that do not repeat. */
export function makeBatch(
  lane: Lane,
  first: number,
  count: number,
  size = 300,
  random = seededRandom(first),
): PutBatch {
  const builder = new RecordBatchBuilder({
    compression: "none",
    identity: { agent: "agent", epoch: lane.epoch, stream: lane.stream, lane: lane.number },
  });
  builder.begin(first);
  const line = Buffer.alloc(Math.ceil(size / count));
  for (let index = 0; index < count; index++) {
    for (let at = 0; at < line.length; at++) line[at] = 32 + Math.floor(random.next() * 90);
    builder.append(line, 0, line.length, 1_700_000_000_000 + first + index, undefined, noHeaders);
  }
  return { ...builder.seal(), lane, kind: "records", first };
}

const noHeaders = { headerNames: [], headerValues: [] };
const spec = { channel: "main", stream: "driving", topic: "driving", partitioning: { by: "agent" } } as const;

export function channelContract(name: string, openWorld: () => ChannelWorld): void {
  const within = (what: string, body: (world: ChannelWorld) => void) =>
    test(`${name}: ${what}`, () => {
      using world = openWorld();
      body(world);
    });

  describe(`channel contract: ${name}`, () => {
    within("gives batches in the order they were put, byte for byte, each until it is acknowledged", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      const batches = [makeBatch(lane, 0, 3), makeBatch(lane, 3, 1, 9_000), makeBatch(lane, 4, 7)];
      put(batches.slice(0, 2));
      put(batches.slice(2));
      const reader = channel.reader(lane);
      expect(channel.nextSeq(lane)).toBe(11);
      for (const batch of batches) {
        const [given, again] = [reader.next(), reader.next()];
        expect(describeBatch(given)).toEqual(describeBatch(batch));
        expect(describeBatch(again)).toEqual(describeBatch(batch));
        if (given !== undefined) reader.acknowledge(given, undefined);
      }
      expect(reader.next()).toBeUndefined();
      expect(channel.stat()).toMatchObject({ events: 0, batches: 0, bytes: 0 });
      close();
    });

    within("looks ahead behind a batch without moving", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      put([makeBatch(lane, 0, 2), makeBatch(lane, 2, 2)]);
      const reader = channel.reader(lane);
      const first = reader.next();
      const second = reader.next(first);
      expect([first?.first, second?.first, reader.next(second)]).toEqual([0, 2, undefined]);
      expect(reader.next()?.first).toBe(0);
      close();
    });

    within("keeps lanes apart, and numbers of lanes of one stream too", (world) => {
      const { channel, put, close } = world.open();
      const [one, two] = [channel.createLane(spec), channel.createLane(spec)];
      expect([one.number, two.number]).toEqual([0, 1]);
      expect(one.id).not.toBe(two.id);
      put([makeBatch(two, 0, 2), makeBatch(one, 0, 5), makeBatch(two, 2, 2)]);
      expect([channel.nextSeq(one), channel.nextSeq(two)]).toEqual([5, 4]);
      drain(channel.reader(two));
      expect(channel.reader(one).next()?.count).toBe(5);
      expect(channel.lanes()).toEqual([one, two]);
      close();
    });

    within("refuses a batch that leaves a hole, and an end that is out of turn", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      expect(() => put([makeBatch(lane, 1, 1)])).toThrow("from 1");
      put([makeBatch(lane, 0, 2), makeBatch(lane, 2, 2)]);
      const reader = channel.reader(lane);
      const second = reader.next(reader.next());
      expect(() => second && reader.acknowledge(second, undefined)).toThrow("end batch 2");
      close();
    });

    test(`${name}: opens its gates when batches arrive and when there is room`, async () => {
      using world = openWorld();
      const { channel, put, close } = world.open({ bytesMax: 20_000 });
      const lane = channel.createLane(spec);
      const never = new AbortController();
      const arrived = channel.arrived.wait(never.signal);
      put([makeBatch(lane, 0, 2, 30_000)]);
      await arrived;
      expect(channel.admission()).toBe("blocked");
      const room = channel.room.wait(never.signal);
      drain(channel.reader(lane));
      await room;
      expect(channel.admission()).toBe("open");
      close();
    });

    within("drop_newest asks for new events to be dropped while it is full", (world) => {
      const { channel, put, close } = world.open({ bytesMax: 20_000, full: "drop_newest" });
      const lane = channel.createLane(spec);
      put([makeBatch(lane, 0, 2, 30_000)]);
      expect(channel.admission()).toBe("dropping");
      close();
    });

    within("drop_oldest sheds the oldest that was not taken, and one marker names the whole range", (world) => {
      const { channel, put, close } = world.open({ bytesMax: 110_000, full: "drop_oldest" });
      const lane = channel.createLane(spec);
      const reader = channel.reader(lane);
      put([makeBatch(lane, 0, 10, 30_000)]);
      const taken = reader.next();
      expect(taken?.first).toBe(0);
      if (taken !== undefined) reader.lease(taken);
      for (let index = 1; index < 8; index++) put([makeBatch(lane, index * 10, 10, 30_000)]);
      expect(channel.admission()).toBe("open");
      const given = drain(reader);
      const [head, marker, ...rest] = given;
      expect(describeBatch(head)).toEqual(describeBatch(makeBatch(lane, 0, 10, 30_000)));
      expect(marker?.kind).toBe("shed");
      expect(marker?.first).toBe(10);
      expect(rest.every(({ kind }) => kind === "records")).toBe(true);
      expect(marker === undefined ? undefined : identityOf(marker)).toMatchObject({
        kind: "shed",
        agent: "agent",
        stream: "driving",
        first: 10,
        last: (rest[0]?.first ?? 0) - 1,
        reason: "overflow",
      });
      expectContiguous(given, 0, 80);
      const [books] = channel.stat().lanes;
      expect(books).toMatchObject({ put: 80, held: 0, shed: marker?.count, sent: 80 - (marker?.count ?? 0) });
      expect(books?.counters).toEqual({ shed_overflow: marker?.count ?? -1 });
      close();
    });

    within("drop_oldest waits when nothing is left that may be dropped", (world) => {
      const { channel, put, close } = world.open({ bytesMax: 20_000, full: "drop_oldest" });
      const lane = channel.createLane(spec);
      const reader = channel.reader(lane);
      put([makeBatch(lane, 0, 1, 30_000)]);
      const taken = reader.next();
      if (taken !== undefined) reader.lease(taken);
      put([makeBatch(lane, 1, 1, 30_000)]);
      const second = reader.next(taken);
      if (second !== undefined) reader.lease(second);
      put([makeBatch(lane, 2, 1, 30_000)]);
      const third = reader.next(second);
      if (third !== undefined) reader.lease(third);
      put([makeBatch(lane, 3, 1, 30_000)]);
      reader.next(third);
      put([makeBatch(lane, 4, 1, 30_000)]);
      expect(drain(reader).filter(({ kind }) => kind === "records").length).toBeGreaterThanOrEqual(4);
      close();
    });

    within("TTL sheds by uptime; a wall clock that jumps sheds nothing", (world) => {
      const { channel, put, close } = world.open({ ttlMs: 60_000 });
      const lane = channel.createLane(spec);
      const reader = channel.reader(lane);
      put([makeBatch(lane, 0, 4, 30_000)]);
      world.clock.setWall(world.clock.now() + 1e12);
      put([makeBatch(lane, 4, 4, 30_000)]);
      world.clock.setWall(0);
      world.clock.advance(50_000);
      put([makeBatch(lane, 8, 4, 30_000)]);
      expect(channel.stat()).toMatchObject({ events: 12, oldestMs: 50_000 });
      world.clock.advance(20_000);
      put([makeBatch(lane, 12, 4, 30_000)]);
      const given = drain(reader);
      expectContiguous(given, 0, 16);
      expect(given.map(({ kind, first, count }) => [kind, first, count])).toEqual([
        ["shed", 0, 8],
        ["records", 8, 4],
        ["records", 12, 4],
      ]);
      expect(given[0] === undefined ? undefined : identityOf(given[0])).toMatchObject({ reason: "ttl" });
      close();
    });

    within("what is buried is counted as dead and a marker comes in its place; a buried marker just goes", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      put([makeBatch(lane, 0, 2), makeBatch(lane, 2, 3)]);
      const reader = channel.reader(lane);
      const first = reader.next();
      if (first !== undefined) reader.bury(first, "KAFKA_RECORD_REFUSED: too large");
      const marker = reader.next();
      expect(marker).toMatchObject({ kind: "shed", first: 0, count: 2 });
      expect(marker === undefined ? undefined : identityOf(marker)).toMatchObject({ last: 1, reason: "dead" });
      if (marker !== undefined) reader.bury(marker, "KAFKA_RECORD_REFUSED: still");
      expect(reader.next()).toMatchObject({ kind: "records", first: 2 });
      expect(channel.stat().lanes[0]).toMatchObject({ put: 5, dead: 2, held: 3, sent: 0, shed: 0 });
      close();
    });

    within("parts take a batch's place under the same numbers", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      put([makeBatch(lane, 0, 4), makeBatch(lane, 4, 1)]);
      const reader = channel.reader(lane);
      const whole = reader.next();
      const parts = [makeBatch(lane, 0, 3), makeBatch(lane, 3, 1)];
      if (whole !== undefined) {
        expect(() => reader.replace(whole, parts.slice(1))).toThrow("part");
        reader.replace(whole, parts);
      }
      expect(drain(reader).map(({ first, count }) => [first, count])).toEqual([
        [0, 3],
        [3, 1],
        [4, 1],
      ]);
      expect(channel.stat().lanes[0]).toMatchObject({ put: 5, sent: 5, held: 0 });
      close();
    });

    within("keeps a sink's session, mark and counters", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      put([makeBatch(lane, 0, 1)]);
      const reader = channel.reader(lane);
      expect([reader.session("kafka/a"), reader.mark]).toEqual([undefined, undefined]);
      reader.saveSession("kafka/a", "one");
      reader.saveSession("kafka/a", "two");
      const batch = reader.next();
      if (batch !== undefined) reader.acknowledge(batch, "offset 5");
      reader.count("maybe_repeated", 3);
      reader.count("maybe_repeated", 4);
      expect([reader.session("kafka/a"), reader.session("kafka/b"), reader.mark]).toEqual([
        "two",
        undefined,
        "offset 5",
      ]);
      expect(channel.stat().lanes[0]?.counters).toEqual({ maybe_repeated: 7 });
      close();
    });

    for (const seed of [1, 2, 3, 4, 5, 6]) {
      within(`agrees with a model under random actions (seed ${seed})`, (world) => runModel(world, seed));
    }
  });
}

/** The model: an array, and how far it was marked. */
interface Model {
  held: PutBatch[];
  next: number;
  sent: number;
  dead: number;
}

function runModel(world: ChannelWorld, seed: number): void {
  const random = seededRandom(seed);
  const pick = (bound: number) => Math.floor(random.next() * bound);
  let open = world.open();
  let lane = open.channel.createLane(spec);
  const model: Model = { held: [], next: 0, sent: 0, dead: 0 };
  let durable: Model = structuredModel(model);
  for (let step = 0; step < 300; step++) {
    world.clock.advance(pick(300));
    const reader = open.channel.reader(lane);
    switch (pick(10)) {
      case 0:
      case 1:
      case 2: {
        const batches: PutBatch[] = [];
        for (let left = pick(4); left >= 0; left--) {
          const batch = makeBatch(lane, model.next, 1 + pick(5), sizes(random), random);
          model.next += batch.count;
          batches.push(batch);
        }
        open.put(batches);
        model.held.push(...batches);
        durable = structuredModel(model);
        break;
      }
      case 3:
      case 4:
      case 5:
      case 6: {
        const batch = reader.next();
        const expected = model.held.shift();
        expect(describeBatch(batch)).toEqual(describeBatch(expected));
        if (batch === undefined || expected === undefined) break;
        if (expected.kind === "records") model.sent += expected.count;
        reader.acknowledge(batch, undefined);
        break;
      }
      case 7: {
        const batch = reader.next();
        const expected = model.held[0];
        if (batch === undefined || expected === undefined || expected.count < 2) break;
        const parts = [
          makeBatch(lane, expected.first, 1, sizes(random), random),
          makeBatch(lane, expected.first + 1, expected.count - 1, sizes(random), random),
        ];
        reader.replace(batch, parts);
        model.held.splice(0, 1, ...parts);
        durable = structuredModel(model);
        break;
      }
      case 8:
        open.mark();
        durable = structuredModel(model);
        break;
      case 9: {
        if (!world.durable) break;
        const crashed = pick(2) === 0;
        if (crashed) {
          open.crash();
          Object.assign(model, structuredModel(durable));
        } else {
          open.close();
          durable = structuredModel(model);
        }
        open = world.open();
        const again = open.channel.lanes()[0];
        if (again !== undefined) lane = again;
        else lane = open.channel.createLane(spec);
        expect(open.channel.nextSeq(lane)).toBe(model.next);
        expect(open.channel.reader(lane).seqAtStart).toBe(model.next);
        break;
      }
    }
    const held = model.held.reduce((sum, { count }) => sum + count, 0);
    const stat = open.channel.stat();
    expect([stat.events, stat.batches]).toEqual([held, model.held.length]);
    for (const books of stat.lanes) expect(books.put).toBe(books.sent + books.shed + books.dead + books.held);
    expect(stat.bytes === 0).toBe(held === 0);
  }
  const rest = drain(open.channel.reader(lane));
  expect(rest.map(describeBatch)).toEqual(model.held.map(describeBatch));
  open.close();
}

/** Of a slot's size, of a page's, of many pages'. */
function sizes(random: Random): number {
  const kind = random.next();
  return (
    Math.ceil(kind < 0.4 ? 50 + random.next() * 500 : kind < 0.8 ? random.next() * 5_000 : random.next() * 200_000) + 1
  );
}

function structuredModel(model: Model): Model {
  return { ...model, held: [...model.held] };
}

/** Takes and acknowledges everything; what came before an error is in `given` too. */
export function drain(reader: LaneReader, given: StoredBatch[] = []): StoredBatch[] {
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    given.push(batch);
    reader.acknowledge(batch, undefined);
  }
  return given;
}

/** What must be the same of a batch that is put and one that is given. */
export function describeBatch(batch: PutBatch | undefined) {
  if (batch === undefined) return undefined;
  const { kind, first, count, timeMsMin, timeMsMax, recordsCrc, bytes } = batch;
  return { kind, first, count, timeMsMin, timeMsMax, recordsCrc, bytes: Bun.hash(bytes).toString() };
}

/** The identity that a batch's first record carries. */
export function identityOf(batch: StoredBatch) {
  for (const { headers } of decodeRecords(batch.bytes)) {
    const header = headers.find((candidate) => candidate.name === IDENTITY_HEADER);
    return header === undefined ? undefined : parseIdentity(header.value.toString());
  }
  return undefined;
}

/** Every number from `first` to below `end` once. */
export function expectContiguous(batches: readonly StoredBatch[], first: number, end: number): void {
  let expected = first;
  for (const batch of batches) {
    expect(batch.first).toBe(expected);
    expected += batch.count;
  }
  expect(expected).toBe(end);
}
