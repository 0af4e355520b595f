/** What a store promises to who follows it: each event once, in the order of its partition; what cannot be told is said. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import type { EventFeed, FeedAnswer, FeedPosition } from "../../store/feed-port.ts";
import type { Position, Store } from "../../store/store.ts";
import { noonMs, slicesOf, testRecord } from "../records.ts";
import type { StoreUnderTest } from "./store.contract.ts";

/** A store that can be followed. */
export interface FeedUnderTest extends StoreUnderTest {
  openFeed(bounds: { readonly scanEventsMax: number }): EventFeed;
}

const all = { wants: () => true, eventsMax: 100_000, bytesMax: 1e9 };

/** Runs the suite. */
export function feedContract(name: string, open: () => FeedUnderTest | Promise<FeedUnderTest>): void {
  describe(`feed contract: ${name}`, () => {
    let under: FeedUnderTest;
    let feed: EventFeed;
    const positions = new Map<number, Position>();

    beforeEach(async () => {
      under = await open();
      feed = under.openFeed({ scanEventsMax: 5_000 });
      positions.clear();
    });
    afterEach(async () => {
      feed.rest();
      await under[Symbol.asyncDispose]();
    });

    async function put(records: readonly PlainRecord[], partition = 0, store: Store = under.store): Promise<void> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const next = (before?.offset ?? -1) + 1;
      const at = { topic: "drive", partition, seen: positions.get(partition), next, before, records: slices };
      positions.set(partition, (await store.append({ ...at, dead: [], damaged: [], gap: undefined })).position);
    }

    async function read(after: FeedPosition) {
      const { at, answers } = await feed.read([{ after, ...all }]);
      return { at, answer: answers[0] };
    }

    const offsetsOf = (answer: FeedAnswer | undefined) =>
      answer?.kind === "events" ? answer.events.map(({ row }) => row.position.offset) : answer?.kind;

    const placesOf = (answer: FeedAnswer | undefined) =>
      answer?.kind === "events"
        ? answer.events.map(({ row }) => `${row.partition}/${row.position.offset}`)
        : [String(answer?.kind)];

    /** Vehicles and times are mixed, as in a topic; each lane is a partition's. */
    const range = (from: number, to: number, lane = 0) =>
      Array.from({ length: to - from }, (_, index) => {
        const offset = from + index;
        const chance = createHash("md5").update(`${lane} ${offset}`).digest().readUInt8(0);
        return testRecord({ offset, lane, vehicle: `car-${chance % 7}`, timeMs: noonMs + chance * 1_000_000 });
      });

    const span = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

    test("what comes after a position comes once, in the order of the partition, with all that is known of it", async () => {
      await put(range(0, 5));
      let at = await feed.now();
      for (const [from, to, settle] of [
        [5, 12, false],
        [12, 900, true],
        [900, 910, false],
        [910, 911, true],
      ] as const) {
        await put(range(from, to));
        if (settle) await under.settle();
        const round = await read(at);
        expect(offsetsOf(round.answer)).toEqual(span(from, to));
        ({ at } = round);
      }
      expect(offsetsOf((await read(at)).answer)).toEqual([]);
      await put([testRecord({ offset: 911, vehicle: "car-1", value: "speed" })]);
      const { answer } = await read(at);
      if (answer?.kind !== "events") throw new Error("no events");
      expect(answer.events[0]).toMatchObject({
        vehicle: "car-1",
        row: {
          position: { time: noonMs + 911_000, offset: 911 },
          ...{ stream: "drive", topic: "drive", partition: 0, seq: 911, value: Buffer.from("speed") },
          lane: { agent: "gw1", epoch: "e1", stream: "drive", lane: 0 },
        },
      });
    });

    test("several partitions: each in its order, and one goes on after each event, in the middle of a round too", async () => {
      for (const partition of [0, 1, 2]) await put(range(0, 4, partition), partition);
      const start = await feed.now();
      for (const [from, to] of [
        [4, 9],
        [9, 12],
      ] as const) {
        for (const partition of [2, 0, 1]) await put(range(from, to, partition), partition);
      }
      const { answer } = await read(start);
      const places = placesOf(answer);
      expect(places).toHaveLength(24);
      for (const partition of [0, 1, 2]) {
        const own = places.filter((place) => place.startsWith(`${partition}/`));
        expect(own).toEqual(span(4, 12).map((offset) => `${partition}/${offset}`));
      }
      if (answer?.kind !== "events") throw new Error("no events");
      await put(range(12, 14, 1), 1);
      for (const settled of [false, true]) {
        if (settled) await under.settle();
        for (const [index, { position }] of answer.events.entries()) {
          const rest = placesOf((await read(position)).answer);
          expect(rest.toSorted()).toEqual([...places.slice(index + 1), "1/12", "1/13"].toSorted());
        }
      }
    });

    test("writers of several partitions at once, followed meanwhile: nothing is missed, nothing comes twice", async () => {
      for (const partition of [0, 1, 2]) await put(range(0, 1, partition), partition);
      let at = await feed.now();
      const others = [0, 1, 2].map(() => under.another());
      let over = false;
      const writing = Promise.all(
        others.map(async (store, partition) => {
          for (let from = 1; from < 200; from += 10) {
            await put(range(from, from + 10, partition), partition, store);
            await Bun.sleep(0);
          }
        }),
      ).finally(() => {
        over = true;
      });
      const seen: string[] = [];
      for (let last = false; !last; ) {
        last = over;
        const round = await read(at);
        seen.push(...placesOf(round.answer));
        ({ at } = round);
        await Bun.sleep(1);
      }
      await writing;
      seen.push(...placesOf((await read(at)).answer));
      for (const partition of [0, 1, 2]) {
        const own = seen.filter((place) => place.startsWith(`${partition}/`));
        expect(own).toEqual(span(1, 201).map((offset) => `${partition}/${offset}`));
      }
      for (const store of others) await store.close();
    });

    test("what nobody can tell any more is said, with the offsets that were not shown", async () => {
      await put(range(0, 10));
      const at = await feed.now();
      for (let from = 10; from < 6_010; from += 1_000) await put(range(from, from + 1_000));
      expect((await read(at)).answer).toEqual({
        kind: "lost",
        why: "more than 5000 events have been stored since",
        notShown: [{ topic: "drive", partition: 0, firstOffset: 10, lastOffset: 6_009 }],
      });
      const another = expect.stringContaining("another");
      for (const foreign of [[], [1, 2], [0, 0, 0, 0, 0, 99, 1], at.map((number) => number + 7)]) {
        expect((await read(foreign)).answer).toMatchObject({ kind: "lost", why: another });
      }
    });

    test("more than the bounds is counted and not kept; what is not wanted is neither", async () => {
      await put(range(0, 1));
      const after = await feed.now();
      await put(range(1, 1_001));
      const wanted = range(1, 1_001).filter(({ key }) => key?.toString() === "car-3").length;
      const { answers } = await feed.read([
        { after, ...all, eventsMax: 999 },
        { after, ...all, wants: (vehicle) => vehicle === "car-3" },
        { after, ...all, bytesMax: 50 },
        { after, ...all, wants: () => false },
      ]);
      expect(answers[0]).toEqual({ kind: "events", events: [], skipped: 1_000 });
      expect(answers[1]).toMatchObject({ kind: "events", skipped: 0 });
      expect(offsetsOf(answers[1])).toHaveLength(wanted);
      expect(answers[2]).toEqual({ kind: "events", events: [], skipped: 1_000 });
      expect(answers[3]).toEqual({ kind: "events", events: [], skipped: 0 });
    });

    test("large values, none at all, records without identity, times of long ago and far ahead", async () => {
      await put(range(0, 1));
      const at = await feed.now();
      await put([
        testRecord({ offset: 1, value: "x".repeat(10_000) }),
        testRecord({ offset: 2, value: null }),
        testRecord({ offset: 3, identity: null }),
        testRecord({ offset: 4, timeMs: 1 }),
        testRecord({ offset: 5, timeMs: noonMs + 1_000 * 86_400_000 }),
        testRecord({ offset: 6, seq: 1, value: "x".repeat(10_000) }), // a repeat: no event
      ]);
      const { answer } = await read(at);
      if (answer?.kind !== "events") throw new Error("no events");
      expect(answer.events.map(({ row }) => row.position.offset)).toEqual([1, 2, 3, 4, 5]);
      expect(answer.events.map(({ row }) => row.value?.length).slice(0, 2)).toEqual([10_000, undefined]);
      expect(answer.events[2]?.row.lane).toBeUndefined();
    });

    test("a topic that is made anew is followed on, from its start", async () => {
      await put(range(0, 10));
      const at = await feed.now();
      const seen = positions.get(0);
      if (seen === undefined) throw new Error("no position");
      const gap = { kind: "recreated", firstOffset: 10, lastOffset: undefined } as const;
      const anew = { topic: "drive", partition: 0, seen, gap, next: 0, topicId: undefined };
      positions.set(0, await under.store.startOver(anew));
      await put(range(0, 6, 1));
      expect(offsetsOf((await read(at)).answer)).toEqual(span(0, 6));
    });
  });
}
