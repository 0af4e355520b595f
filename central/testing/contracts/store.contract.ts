/** What every store promises, to its writer and to its readers. Each implementation's test calls this once. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import type { EventPosition, EventRow, LaneRow, StoreReader } from "../../store/reader.ts";
import type { Append, AppendResult, Position, Store } from "../../store/store.ts";
import { noonMs, shedMarker, slicesOf, testRecord } from "../records.ts";

/** A store on fresh ground, and how to open another one on the same data. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  readonly reader: StoreReader;
  /** Another instance on the same data, as a second process would be. */
  another(): Store;
  /** Moves what waits into its long-lived form, where the store has two. */
  settle(): Promise<void>;
}

/** Makes a store that nobody else has, for one test. */
export type OpenStore = () => StoreUnderTest | Promise<StoreUnderTest>;

/** Runs the suite; what records may claim is in claims.contract.ts. */
export function storeContract(name: string, open: OpenStore): void {
  describe(`store contract: ${name}`, () => {
    let under: StoreUnderTest;
    const topic = "drive";

    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    async function put(
      records: readonly PlainRecord[],
      seen: Position | undefined,
      more: Partial<Append> = {},
      store = under.store,
    ): Promise<AppendResult> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const next = (before?.offset ?? -1) + 1;
      const rest = { dead: [], damaged: [], gap: undefined, ...more };
      return await store.append({ topic, partition: 0, seen, next, before, records: slices, ...rest });
    }

    const range = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

    async function events(
      more: { limit?: number; order?: "asc" | "desc"; vehicle?: string } = {},
    ): Promise<EventRow[]> {
      const all: EventRow[] = [];
      let after: EventPosition | undefined;
      for (;;) {
        const { vehicle = "car-1", order = "asc", limit = 100 } = more;
        const query = { vehicle, stream: undefined, fromMs: 0, toMs: noonMs * 2, order, after, limit };
        const page = await under.reader.events(query);
        all.push(...page.events);
        if (!page.more) return all;
        after = page.events.at(-1)?.position;
      }
    }

    async function lane(): Promise<LaneRow> {
      const [row] = await under.reader.lanes({ agent: undefined, stream: undefined, afterId: 0, limit: 10 });
      if (row === undefined) throw new Error("no lane");
      return row;
    }

    const ranges = async () =>
      (await under.reader.ranges(await lane(), 0, 100)).map(({ first, last, kind }) => `${kind} ${first}-${last}`);

    test("an empty store's sums are nothing", async () => {
      await under.store.probe();
      const nothing = { stored: 0, withoutIdentity: 0, missing: 0, beforeFirst: 0, repeated: 0, conflicts: 0 };
      expect(await under.reader.totals()).toEqual({ ...nothing, shed: 0, deadLettered: 0, gaps: 0, vehicles: 0 });
    });

    test("gives back what was stored, in order, with its identity", async () => {
      await put(range(0, 3), undefined);
      const found = await events();
      expect(found.map(({ value }) => value?.toString())).toEqual(["value 0", "value 1", "value 2"]);
      expect(found[1]).toMatchObject({ topic, partition: 0, stream: "drive", seq: 1 });
      expect(found[1]?.lane).toEqual({ agent: "gw1", epoch: "e1", stream: "drive", lane: 0 });
    });

    test("remembers the position and the record before it", async () => {
      const { position } = await put(range(0, 5), undefined);
      expect(position.next).toBe(5);
      expect(await under.store.position({ topic, partition: 0 })).toEqual(position);
      expect(position.before?.offset).toBe(4);
      expect(await under.store.position({ topic, partition: 1 })).toBeUndefined();
    });

    test("refuses a writer whose position has been moved by another, and stores nothing of it", async () => {
      const { position } = await put(range(0, 5), undefined);
      const other = under.another();
      await put(range(5, 8), position, {}, other);
      await expect(put(range(5, 8), position)).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
      await other.close();
      expect((await events()).length).toBe(8);
      expect((await under.reader.totals()).stored).toBe(8);
    });

    test("refuses a writer that believes a partition is new when it is not", async () => {
      await put(range(0, 5), undefined);
      await expect(put(range(0, 5), undefined)).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
    });

    test("counts a record that comes again with the same bytes, and does not store it again", async () => {
      const first = await put(range(0, 5), undefined);
      const again = [
        testRecord({ offset: 5, seq: 3 }),
        testRecord({ offset: 6, seq: 4 }),
        testRecord({ offset: 7, seq: 5 }),
      ];
      const result = await put(again, first.position);
      expect(result).toMatchObject({ stored: 1, repeated: 2, conflicts: 0 });
      expect((await events()).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await lane()).toMatchObject({ received: 6, repeated: 2, missing: 0, nextSeq: 6 });
    });

    test("recognises a repeat within one append, and in settled data", async () => {
      const first = await put([...range(0, 3), testRecord({ offset: 3, seq: 1 })], undefined);
      expect(first).toMatchObject({ stored: 3, repeated: 1 });
      await under.settle();
      const second = await put([testRecord({ offset: 4, seq: 2 })], first.position);
      expect(second).toMatchObject({ stored: 0, repeated: 1 });
    });

    test("keeps a record apart that comes under a known identity with other bytes", async () => {
      const first = await put(range(0, 3), undefined);
      const liar = testRecord({ offset: 3, seq: 1, value: "something else" });
      const result = await put([liar], first.position);
      expect(result).toMatchObject({ stored: 0, repeated: 0, conflicts: 1 });
      const [conflict] = await under.reader.conflicts({ afterId: 0, limit: 10 });
      expect(conflict).toMatchObject({ seq: 1, agent: "gw1", offset: 3, vehicle: "car-1" });
      expect(conflict?.value?.toString()).toBe("something else");
      expect((await events())[1]?.value?.toString()).toBe("value 1");
    });

    test("takes the same identity for another vehicle or time as a conflict, whatever the bytes", async () => {
      const first = await put(range(0, 3), undefined);
      const moved = testRecord({ offset: 3, seq: 1, vehicle: "car-2", value: "value 1" });
      const late = testRecord({ offset: 4, seq: 1, timeMs: noonMs, value: "value 1" });
      expect(await put([moved, late], first.position)).toMatchObject({ stored: 0, conflicts: 2 });
    });

    test("shows a hole as missing, and closes it when it is filled later", async () => {
      const first = await put([...range(0, 3), testRecord({ offset: 3, seq: 6 })], undefined);
      expect(await ranges()).toEqual(["received 0-2", "missing 3-5", "received 6-6"]);
      expect((await lane()).missing).toBe(3);
      const filled = [4, 3, 5].map((seq, index) => testRecord({ offset: 4 + index, seq }));
      await put(filled, first.position);
      expect(await ranges()).toEqual(["received 0-6"]);
      expect(await lane()).toMatchObject({ missing: 0, received: 7, nextSeq: 7 });
    });

    test("tells what lies before the first record that came from what is missing", async () => {
      await put([testRecord({ offset: 0, seq: 10 })], undefined);
      expect(await ranges()).toEqual(["before-first 0-9", "received 10-10"]);
    });

    test("takes a marker's word for what was shed, once", async () => {
      const first = await put([...range(0, 2), shedMarker(2, 2, 9), testRecord({ offset: 3, seq: 10 })], undefined);
      expect(first.shed).toBe(8);
      expect(await ranges()).toEqual(["received 0-1", "shed 2-9", "received 10-10"]);
      const second = await put([shedMarker(4, 2, 9)], first.position);
      expect(second.shed).toBe(0);
      expect(await lane()).toMatchObject({ received: 3, shed: 8, missing: 0 });
    });

    test("counts a record as received that a marker had called shed", async () => {
      const first = await put([shedMarker(0, 0, 4)], undefined);
      await put([testRecord({ offset: 1, seq: 2 })], first.position);
      expect(await ranges()).toEqual(["shed 0-1", "received 2-2", "shed 3-4"]);
      expect(await lane()).toMatchObject({ received: 1, shed: 4, missing: 0 });
    });

    test("never lets a marker cover what was received", async () => {
      await put([testRecord({ offset: 0, seq: 3 }), shedMarker(1, 0, 6)], undefined);
      expect(await ranges()).toEqual(["shed 0-2", "received 3-3", "shed 4-6"]);
      expect(await lane()).toMatchObject({ received: 1, shed: 6, missing: 0 });
    });

    test("stores records of other producers outside the ledger", async () => {
      const foreign = testRecord({ offset: 0, identity: null, vehicle: "truck", value: "hello" });
      const odd = testRecord({ offset: 1, identity: "not one of ours", vehicle: "truck", value: "again" });
      const result = await put([foreign, odd], undefined);
      expect(result).toMatchObject({ stored: 2, withoutIdentity: 2 });
      const found = await events({ vehicle: "truck" });
      expect(found.map(({ stream, lane, value }) => [stream, lane, value?.toString()])).toEqual([
        [topic, undefined, "hello"],
        [topic, undefined, "again"],
      ]);
      expect(await under.reader.lanes({ agent: undefined, stream: undefined, afterId: 0, limit: 1 })).toEqual([]);
    });

    test("keeps null, empty and binary values apart", async () => {
      const binary = { ...testRecord({ offset: 2 }), value: Buffer.from([0, 255, 128, 10]) };
      await put([testRecord({ offset: 0, value: null }), testRecord({ offset: 1, value: "" }), binary], undefined);
      const before = await events();
      await under.settle();
      const after = await events();
      for (const found of [before, after]) {
        expect(found.map(({ value }) => value && [...value])).toEqual([null, [], [0, 255, 128, 10]]);
      }
    });

    const state = async () => (await under.reader.vehicle("car-1"))?.streams[0]?.value?.toString();

    test("the last state is the event with the greatest time, then with the greatest number: a late line moves nothing", async () => {
      const first = await put([testRecord({ offset: 0, seq: 5, value: "now" })], undefined);
      const late = testRecord({ offset: 1, seq: 6, timeMs: noonMs - 3_600_000, value: "an hour late" });
      const second = await put([late], first.position);
      expect(await state()).toBe("now");
      const same = testRecord({ offset: 2, seq: 7, timeMs: noonMs + 5_000, value: "same time, next number" });
      const third = await put([same], second.position);
      expect(await state()).toBe("same time, next number");
      await put(
        [testRecord({ offset: 3, seq: 0, lane: 1, timeMs: noonMs + 6_000, value: "other lane" })],
        third.position,
      );
      expect(await state()).toBe("other lane");
    });

    test.each(["2099-01-01", "9999-12-31"])(
      "a record dated %s does not freeze the last state, and is flagged",
      async (day) => {
        const flag = async () => (await under.reader.vehicle("car-1"))?.streams[0]?.clockAhead;
        const ahead = testRecord({ offset: 0, timeMs: Date.parse(day), value: "ahead" });
        const first = await put([ahead], undefined);
        expect([await state(), await flag()]).toEqual(["ahead", true]);
        await Bun.sleep(5);
        const right = testRecord({ offset: 1, timeMs: systemClock.now(), value: "right" });
        const second = await put([right], first.position);
        expect([await state(), await flag()]).toEqual(["right", false]);
        await Bun.sleep(5);
        // A vehicle whose clock is always ahead moves on all the same.
        await put([testRecord({ offset: 2, timeMs: Date.parse(day), value: "ahead again" })], second.position);
        expect(await state()).toBe("ahead again");
      },
    );

    test("puts dead records aside with their bytes, and leaves their numbers to whoever they belong to", async () => {
      const [slice] = slicesOf([testRecord({ offset: 1, seq: 1, value: "poison" })]);
      if (slice === undefined) throw new Error("no slice");
      const result = await put([testRecord({ offset: 0 })], undefined, {
        dead: [{ ...slice, reason: "too odd" }],
        next: 2,
      });
      expect(result).toMatchObject({ stored: 1, deadLettered: 1 });
      const [dead] = await under.reader.deadLetters({ afterId: 0, limit: 10 });
      expect(dead).toMatchObject({ firstOffset: 1, lastOffset: 1, reason: "too odd" });
      expect(dead?.value?.toString()).toBe("poison");
      expect(await ranges()).toEqual(["received 0-0"]);
      expect(await put([testRecord({ offset: 2, seq: 1 })], result.position)).toMatchObject({
        stored: 1,
        conflicts: 0,
      });
    });

    test("puts an unreadable range aside with its bytes", async () => {
      const damaged = { firstOffset: 0, lastOffset: 9, reason: "its CRC does not match", bytes: Buffer.from("junk") };
      await put([testRecord({ offset: 10, seq: 0 })], undefined, { damaged: [damaged] });
      const [dead] = await under.reader.deadLetters({ afterId: 0, limit: 10 });
      expect(dead).toMatchObject({ firstOffset: 0, lastOffset: 9, reason: "its CRC does not match", key: null });
    });

    test("books are of one state, whatever is written while they are read", async () => {
      const both = (from: number, to: number) =>
        Array.from({ length: 2 * (to - from) }, (_, index) =>
          testRecord({ offset: 2 * from + index, seq: from + (index >> 1), agent: index % 2 === 0 ? "a" : "b" }),
        );
      const { position } = await put(both(0, 5), undefined);
      let writing: Promise<unknown> | undefined;
      const seen: [string, number, number][] = [];
      const query = { agent: undefined, stream: undefined, afterId: 0, limit: 10, fromSeq: 0, rangesMax: 10 };
      await under.reader.books(query, (row, found) => {
        writing ??= put(both(5, 9), position);
        seen.push([row.agent, row.nextSeq, (found.at(-1)?.last ?? -1) + 1]);
        return true;
      });
      await writing;
      expect(seen).toEqual([
        ["a", 5, 5],
        ["b", 5, 5],
      ]);
    });

    test("keeps a gap as an alert with the rows that follow it", async () => {
      await put(range(50, 52), undefined, { gap: { kind: "retention", firstOffset: 10, lastOffset: 49 } });
      const [gap] = await under.reader.gaps({ afterId: 0, limit: 10 });
      expect(gap).toMatchObject({ topic, partition: 0, kind: "retention", firstOffset: 10, lastOffset: 49 });
    });

    test("pages are the same whatever their size, in both orders, settled or not, with records that came late", async () => {
      const random = seededRandom(7);
      const records = Array.from({ length: 400 }, (_, offset) =>
        testRecord({ offset, timeMs: noonMs + Math.floor(random.next() * 4 * 3_600_000) }),
      );
      const first = await put(records.slice(0, 300), undefined);
      await under.settle();
      await put(records.slice(300), first.position);
      const expected = records
        .map(({ timeMs, offset }) => ({ timeMs, offset }))
        .sort((a, b) => a.timeMs - b.timeMs || a.offset - b.offset);
      for (const limit of [7, 100, 1_000]) {
        const up = await events({ limit });
        expect(up.map(({ position }) => position.offset)).toEqual(expected.map(({ offset }) => offset));
        const down = await events({ limit, order: "desc" });
        expect(down.map(({ position }) => position.offset)).toEqual(expected.map(({ offset }) => offset).reverse());
      }
    });

    test("a cursor goes on rightly while events are added and settled behind it", async () => {
      const first = await put(range(0, 10), undefined);
      const query = { vehicle: "car-1", stream: "drive", fromMs: 0, toMs: noonMs * 2, order: "asc", limit: 4 } as const;
      const page = await under.reader.events({ ...query, after: undefined });
      await under.settle();
      await put(range(10, 12), first.position);
      const rest = await under.reader.events({ ...query, limit: 100, after: page.events.at(-1)?.position });
      expect([...page.events, ...rest.events].map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    });

    test("answers for a time range: from inclusive, to exclusive", async () => {
      await put(range(0, 10), undefined);
      const query = { vehicle: "car-1", stream: undefined, order: "asc", after: undefined, limit: 100 } as const;
      const page = await under.reader.events({ ...query, fromMs: noonMs + 2_000, toMs: noonMs + 5_000 });
      expect(page.events.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    });

    test("lists vehicles in the order of their names, page by page", async () => {
      const records = ["b", "a", "c"].map((vehicle, offset) => testRecord({ offset, vehicle }));
      await put(records, undefined);
      expect((await under.reader.vehicles("", 2)).map(({ vehicle }) => vehicle)).toEqual(["a", "b"]);
      expect((await under.reader.vehicles("b", 2)).map(({ vehicle }) => vehicle)).toEqual(["c"]);
      expect(await under.reader.vehicle("d")).toBeUndefined();
    });

    test("the books balance against a model, whatever comes in whatever order", async () => {
      const random = seededRandom(20_261_121);
      const pick = (below: number) => Math.floor(random.next() * below);
      const model = new Map<number, "received" | "shed">();
      let seen: Position | undefined;
      let offset = 0;
      let repeated = 0;
      for (let round = 0; round < 60; round++) {
        const records: PlainRecord[] = [];
        for (let count = 1 + pick(12); count > 0; count--) {
          const seq = pick(200);
          if (pick(10) === 0) {
            const last = seq + pick(8);
            for (let one = seq; one <= last; one++) if (!model.has(one)) model.set(one, "shed");
            records.push(shedMarker(offset++, seq, last));
          } else {
            if (model.get(seq) === "received") repeated++;
            model.set(seq, "received");
            records.push(testRecord({ offset: offset++, seq }));
          }
        }
        seen = (await put(records, seen)).position;
        if (pick(5) === 0) await under.settle();
      }
      const received = [...model]
        .filter(([, kind]) => kind === "received")
        .map(([seq]) => seq)
        .sort((a, b) => a - b);
      const nextSeq = Math.max(...model.keys()) + 1;
      const beforeFirst = Math.min(...model.keys());
      const shed = model.size - received.length;
      expect(await lane()).toMatchObject({
        received: received.length,
        shed,
        repeated,
        nextSeq,
        beforeFirst,
        missing: nextSeq - beforeFirst - model.size,
      });
      expect((await events()).map(({ seq }) => seq)).toEqual(received);
      const expanded = new Map<number, string>();
      for (const { first, last, kind } of await under.reader.ranges(await lane(), 0, 1_000)) {
        for (let seq = first; seq <= last; seq++) expanded.set(seq, kind);
      }
      for (let seq = 0; seq < nextSeq; seq++)
        expect(expanded.get(seq)).toBe(model.get(seq) ?? (seq < beforeFirst ? "before-first" : "missing"));
    });

    test("says that it is closed, and stays so", async () => {
      await under.store.close();
      await under.store.close();
      await expect(put(range(0, 1), undefined)).rejects.toBeInstanceOf(AppError);
    });
  });
}
