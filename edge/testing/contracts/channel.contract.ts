/**
 * What every channel must do, whatever it is made of: `channelContract("sqlite", openWorld)`. A model of a few lines is
 * given the same random actions as the real one, and after each they must agree.
 */
import { describe, expect, test } from "bun:test";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { describeBatch, drain, expectContiguous, identityOf, makeBatch, spec } from "./batches.ts";
import { type ChannelWorld, runModel } from "./channel-model.ts";

/** Holds a channel to its promises; `openWorld` makes a fresh place for each test. */
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

    within("says where what is not acknowledged begins, and its time", (world) => {
      const { channel, put, close } = world.open();
      const lane = channel.createLane(spec);
      expect(channel.oldest(lane)).toEqual({ from: 0, timeMs: undefined });
      const batches = [makeBatch(lane, 0, 3), makeBatch(lane, 3, 1)];
      put(batches);
      expect(channel.oldest(lane)).toEqual({ from: 0, timeMs: batches[0]?.timeMsMin });
      const reader = channel.reader(lane);
      for (const batch of batches) {
        const given = reader.next();
        expect(channel.oldest(lane)).toEqual({ from: batch.first, timeMs: batch.timeMsMin });
        if (given !== undefined) reader.acknowledge(given, undefined);
      }
      expect(channel.oldest(lane)).toEqual({ from: 4, timeMs: undefined });
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

    within("a batch of another agent keeps its name: handed out, cut, buried, after a start", (world) => {
      const [whole, cut, refused] = ["gw-1/e9/driving.0/7-9", "gw-2/e9/driving.3/40-43", "gw-1/e9/driving.0/10-11"];
      const opened = world.open();
      const lane = opened.channel.createLane({ ...spec, carries: true });
      const named = (first: number, count: number, carried: string) => ({ ...makeBatch(lane, first, count), carried });
      opened.put([named(0, 3, whole), named(3, 4, cut), named(7, 2, refused), named(9, 1, whole)]);
      const reader = opened.channel.reader(lane);
      const names: (string | undefined)[] = [];
      const end = (act: (batch: StoredBatch) => void) => {
        const batch = reader.next();
        names.push(batch?.carried);
        if (batch !== undefined) act(batch);
      };
      end((batch) => reader.acknowledge(batch, undefined));
      const parts = ["gw-2/e9/driving.3/40-40", "gw-2/e9/driving.3/41-43"] as const;
      end((batch) => reader.replace(batch, [named(3, 1, parts[0]), named(4, 3, parts[1])]));
      for (let part = 0; part < 2; part++) end((batch) => reader.acknowledge(batch, undefined));
      end((batch) => reader.bury(batch, "KAFKA_RECORD_REFUSED: in a test"));
      const marker = reader.next();
      expect(marker).toMatchObject({ kind: "shed", first: 7, count: 2 });
      expect(marker && identityOf(marker)).toMatchObject({ agent: "gw-1", epoch: "e9", first: 10, last: 11 });
      expect(names).toEqual([whole, cut, ...parts, refused]);
      opened.close();
      if (opened.channel.keeping === "memory") return;
      const { channel, close } = world.open();
      const [again] = channel.lanes().filter(({ stream }) => stream === spec.stream);
      expect(again?.carries).toBe(true);
      const held = again === undefined ? [] : drain(channel.reader(again));
      expect(
        held.map((batch) => [batch.kind, batch.kind === "shed" ? identityOf(batch)?.last : batch.carried]),
      ).toEqual([
        ["shed", 11],
        ["records", whole],
      ]);
      close();
    });

    within("what policy sheds of other agents is named agent by agent", (world) => {
      const { channel, put, close } = world.open({ bytesMax: 20_000, full: "drop_oldest" });
      const lane = channel.createLane({ ...spec, carries: true });
      const names = ["gw-1/e9/driving.0/0-1", "gw-2/e9/driving.0/0-1", "gw-1/e9/driving.0/2-3"];
      for (const [index, carried] of names.entries()) put([{ ...makeBatch(lane, index * 2, 2, 15_000), carried }]);
      const given = drain(channel.reader(lane));
      const shed = given.filter(({ kind }) => kind === "shed").map((batch) => identityOf(batch));
      expect(shed.map((marker) => marker && `${marker.agent} ${marker.first}-${marker.last}`)).toEqual([
        "gw-1 0-1",
        "gw-2 0-1",
      ]);
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
