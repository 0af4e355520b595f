/** What every store promises of records that came by relay: no offsets of a topic, the same books. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { relayLine } from "../../records/partition.ts";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import type { EventRow } from "../../store/reader.ts";
import type { AppendResult, Position, RelayResult, Store } from "../../store/store.ts";
import { noonMs, shedMarker, slicesOf, testRecord } from "../records.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Runs the suite. */
export function relayedContract(name: string, open: OpenStore): void {
  describe(`store contract, relayed records: ${name}`, () => {
    let under: StoreUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    /** Each list is a batch of its own, numbered from 0 like one that was never in a topic. */
    async function relay(
      batches: readonly (readonly PlainRecord[])[],
      store: Store = under.store,
    ): Promise<RelayResult> {
      return await store.appendRelayed({ records: batches.flatMap((batch) => slicesOf(batch)), dead: [] });
    }

    async function fromTopic(records: readonly PlainRecord[], seen: Position | undefined): Promise<AppendResult> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const at = { topic: "drive", partition: 0, dead: [], damaged: [], gap: undefined };
      return await under.store.append({ ...at, seen, next: (before?.offset ?? -1) + 1, before, records: slices });
    }

    const batch = (fromSeq: number, toSeq: number, agent = "gw1") =>
      Array.from({ length: toSeq - fromSeq }, (_, offset) => testRecord({ offset, seq: fromSeq + offset, agent }));

    async function events(): Promise<readonly EventRow[]> {
      const query = { vehicle: "car-1", stream: undefined, fromMs: 0, toMs: noonMs * 2, after: undefined } as const;
      return (await under.reader.events({ ...query, order: "asc", limit: 10_000 })).events;
    }

    const lanes = () => under.reader.lanes({ agent: undefined, stream: undefined, afterId: 0, limit: 100 });

    test("stores several batches of one transaction, in order, at offsets of its own line", async () => {
      expect(await relay([batch(0, 3), batch(3, 5)])).toMatchObject({ stored: 5, repeated: 0, withoutIdentity: 0 });
      expect(await relay([batch(5, 7)])).toMatchObject({ stored: 2 });
      const found = await events();
      expect(found.map(({ value }) => value?.toString())).toEqual([0, 1, 2, 3, 4, 5, 6].map((seq) => `value ${seq}`));
      expect(found.map(({ position }) => position.offset)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(found[0]).toMatchObject(relayLine);
      expect(await lanes()).toMatchObject([{ agent: "gw1", received: 7, missing: 0, nextSeq: 7 }]);
    });

    test("a batch that comes again, whole, in part or within one transaction, is repeated and not stored", async () => {
      await relay([batch(0, 5)]);
      expect(await relay([batch(0, 5)])).toMatchObject({ stored: 0, repeated: 5, conflicts: 0 });
      await under.settle();
      expect(await relay([batch(3, 8), batch(3, 8)])).toMatchObject({ stored: 3, repeated: 7 });
      expect((await events()).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(await under.reader.totals()).toMatchObject({ stored: 8, missing: 0, repeated: 12 });
    });

    test("a lane goes on from a topic to the relay and back: what came both ways is there once", async () => {
      const { position } = await fromTopic(batch(0, 6), undefined);
      expect(await relay([batch(4, 9)])).toMatchObject({ stored: 3, repeated: 2 });
      const again = batch(7, 12).map((record, index) => ({ ...record, offset: 6 + index }));
      expect(await fromTopic(again, position)).toMatchObject({ stored: 3, repeated: 2 });
      expect((await events()).map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, seq) => seq));
      expect(await lanes()).toMatchObject([{ received: 12, missing: 0, repeated: 4 }]);
    });

    test("moves no topic's position, and meets no fence", async () => {
      const { position } = await fromTopic(batch(0, 2), undefined);
      await relay([batch(2, 4)]);
      expect(await under.store.position({ topic: "drive", partition: 0 })).toEqual(position);
      const other = under.another();
      expect(await relay([batch(4, 6)], other)).toMatchObject({ stored: 2 });
      expect(await relay([batch(6, 8)])).toMatchObject({ stored: 2 });
      await other.close();
      const next = testRecord({ offset: 2, seq: 8 });
      expect(await fromTopic([next], position)).toMatchObject({ stored: 1 });
    });

    test("two writers at once, with the same records and with others: each record is there once", async () => {
      const other = under.another();
      const rounds = Array.from({ length: 10 }, (_, round) => round * 10);
      const write = async (store: Store, agent: string) => {
        for (const from of rounds) await relay([batch(from, from + 10), batch(from, from + 10, agent)], store);
      };
      await Promise.all([write(under.store, "gw2"), write(other, "gw3")]);
      await other.close();
      expect(await under.reader.totals()).toMatchObject({ stored: 300, repeated: 100, conflicts: 0, missing: 0 });
      const offsets = (await events()).map(({ position }) => position.offset);
      expect(new Set(offsets).size).toBe(300);
    });

    test("keeps other bytes under a known identity apart, with where they came from", async () => {
      await relay([batch(0, 3)]);
      const liar = testRecord({ offset: 0, seq: 1, value: "something else" });
      expect(await relay([[liar]])).toMatchObject({ stored: 0, conflicts: 1 });
      const [conflict] = await under.reader.conflicts({ afterId: 0, limit: 10 });
      expect(conflict).toMatchObject({ ...relayLine, seq: 1, offset: 3 });
      expect(conflict?.value?.toString()).toBe("something else");
    });

    test("takes a marker's word for what was shed", async () => {
      expect(await relay([[testRecord({ offset: 0 }), shedMarker(1, 1, 5)]])).toMatchObject({ stored: 1, shed: 5 });
      expect(await lanes()).toMatchObject([{ received: 1, shed: 5, missing: 0, nextSeq: 6 }]);
    });

    test("puts aside what the rules refuse and what it is told is dead, each at an offset of its own", async () => {
      const odd = testRecord({ offset: 1, vehicle: "x".repeat(300) });
      const [poison] = slicesOf([testRecord({ offset: 0, seq: 9, value: "poison" })]);
      if (poison === undefined) throw new Error("no slice");
      const records = [...slicesOf([testRecord({ offset: 0 }), odd]), ...slicesOf([testRecord({ offset: 0, seq: 1 })])];
      const result = await under.store.appendRelayed({ records, dead: [{ ...poison, reason: "too odd" }] });
      expect(result).toMatchObject({ stored: 2, deadLettered: 2 });
      expect(result.refusals).toMatchObject([{ records: 1 }]);
      const rows = await under.reader.deadLetters({ afterId: 0, limit: 10 });
      expect(rows.map(({ topic, firstOffset, lastOffset }) => [topic, firstOffset, lastOffset])).toEqual([
        [relayLine.topic, 1, 1],
        [relayLine.topic, 3, 3],
      ]);
      expect(rows[1]?.value?.toString()).toBe("poison");
      expect(await relay([batch(2, 3)])).toMatchObject({ stored: 1 });
      expect((await events()).map(({ position }) => position.offset)).toEqual([0, 2, 4]);
    });

    test("a part of a batch is that part", async () => {
      const [whole] = slicesOf(batch(0, 10));
      if (whole === undefined) throw new Error("no slice");
      await under.store.appendRelayed({ records: [{ ...whole, from: 4, to: 6 }], dead: [] });
      const found = await events();
      expect(found.map(({ seq, position }) => [seq, position.offset])).toEqual([
        [4, 0],
        [5, 1],
      ]);
    });

    test("an append of nothing changes nothing", async () => {
      expect(await relay([])).toMatchObject({ stored: 0, deadLettered: 0 });
      expect(await under.reader.totals()).toMatchObject({ stored: 0 });
    });

    test("says that it is closed", async () => {
      await under.store.close();
      await expect(relay([batch(0, 1)])).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    });
  });
}
