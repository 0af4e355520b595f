/** What a store makes of records that claim too much, and of agents that take too much. Beside store.contract.ts. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { bounds } from "../../ledger/limits.ts";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import type { EventRow, LaneRow } from "../../store/reader.ts";
import type { AppendResult, Position } from "../../store/store.ts";
import { noonMs, shedMarker, slicesOf, testRecord } from "../records.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Runs the suite. */
export function claimsContract(name: string, open: OpenStore): void {
  describe(`store contract, claims: ${name}`, () => {
    let under: StoreUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    async function put(records: readonly PlainRecord[], seen: Position | undefined): Promise<AppendResult> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const next = (before?.offset ?? -1) + 1;
      const at = { topic: "drive", partition: 0, dead: [], damaged: [], gap: undefined };
      return await under.store.append({ ...at, seen, next, before, records: slices });
    }

    const range = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

    async function events({ vehicle = "car-1" } = {}): Promise<readonly EventRow[]> {
      const all = {
        stream: undefined,
        fromMs: 0,
        toMs: noonMs * 2,
        order: "asc",
        after: undefined,
        limit: 100,
      } as const;
      return (await under.reader.events({ ...all, vehicle })).events;
    }

    async function lane(): Promise<LaneRow> {
      const [row] = await under.reader.lanes({ agent: undefined, stream: undefined, afterId: 0, limit: 10 });
      if (row === undefined) throw new Error("no lane");
      return row;
    }

    const ranges = async () =>
      (await under.reader.ranges(await lane(), 0, 100)).map(({ first, last, kind }) => `${kind} ${first}-${last}`);

    test.each([
      ["a key longer than any name", testRecord({ offset: 1, vehicle: "x".repeat(300) })],
      ["a number beyond any", testRecord({ offset: 1, identity: "gw1/e1/drive.0/99999999999999999999@1" })],
      ["the greatest whole number", testRecord({ offset: 1, seq: Number.MAX_SAFE_INTEGER, timeMs: 1 })],
      ["a time beyond any calendar", testRecord({ offset: 1, identity: "gw1/e1/drive.0/1@99999999999999999" })],
      ["a time beyond the year 9999", testRecord({ offset: 1, identity: "gw1/e1/drive.0/1@4503599627370497" })],
      ["a time before the year 1", testRecord({ offset: 1, identity: "gw1/e1/drive.0/1@-4503599627370497" })],
      ["a lane beyond any", testRecord({ offset: 1, identity: "gw1/e1/drive.4294967296/1@1" })],
      ["an agent's name of 100 KB", testRecord({ offset: 1, agent: "a".repeat(100_000) })],
      ["an agent's name of 200 bytes", testRecord({ offset: 1, agent: "a".repeat(200) })],
      ["a stream's name of 200 bytes", testRecord({ offset: 1, stream: "a".repeat(200) })],
      ["a marker for 9·10^15 records", shedMarker(1, 1, 9_000_000_000_000_000)],
      ["a marker longer than a lane may jump", shedMarker(1, 1, bounds.jump + 1)],
      ["a jump over more numbers than a lane may", testRecord({ offset: 1, seq: bounds.jump + 2 })],
      ["a marker beyond that jump", shedMarker(1, bounds.jump + 2, bounds.jump + 3)],
      ["a value longer than any line", testRecord({ offset: 1, value: "x".repeat(bounds.valueBytes + 1) })],
      ["Kafka's time beyond any", { ...testRecord({ offset: 1, identity: null }), timeMs: 2 ** 53 }],
    ])("puts %s aside, stores the others, and no lane knows of it", async (_, odd) => {
      const records = [testRecord({ offset: 0 }), odd, testRecord({ offset: 2, seq: 1 })];
      expect(await put(records, undefined)).toMatchObject({ stored: 2, deadLettered: 1, shed: 0 });
      const [dead] = await under.reader.deadLetters({ afterId: 0, limit: 10 });
      expect(dead).toMatchObject({ firstOffset: 1, lastOffset: 1 });
      expect((dead?.value?.length ?? 0) + (dead?.key?.length ?? 0) + (dead?.identity?.length ?? 0)).toBeLessThan(
        200_000,
      );
      expect(await ranges()).toEqual(["received 0-1"]);
      expect(await under.reader.totals()).toMatchObject({ stored: 2, missing: 0, deadLettered: 1, vehicles: 1 });
      expect((await under.reader.lanes({ agent: undefined, stream: undefined, afterId: 0, limit: 10 })).length).toBe(1);
    });

    test("sums of lanes that claim the most never overflow", async () => {
      const at = { lane: 0, seq: bounds.seq, timeMs: noonMs };
      let position: Position | undefined;
      for (let offset = 0; offset < 1_100; offset += 100) {
        const lanes = Array.from({ length: 100 }, (_, index) => offset + index);
        const records = lanes.map((lane) => testRecord({ ...at, offset: lane, lane }));
        const result = await put(records, position);
        expect(result).toMatchObject({ stored: 100 });
        position = result.position;
      }
      const { missing, beforeFirst } = await under.reader.totals();
      expect([missing, beforeFirst]).toEqual([0, Number.MAX_SAFE_INTEGER]);
    });

    test("of a flood of lanes an append opens some and refuses the rest; its neighbours lose nothing", async () => {
      const flood = Array.from({ length: 5_000 }, (_, offset) => testRecord({ offset, lane: offset, seq: 0 }));
      const neighbour = testRecord({ offset: 5_000, agent: "gw2", seq: 0 });
      const { stored, deadLettered, refusals } = await put([...flood, neighbour], undefined);
      expect(stored).toBe(bounds.lanesPerAppend + 1);
      expect(deadLettered).toBe(5_000 - bounds.lanesPerAppend);
      expect(refusals.map(({ records }) => records)).toEqual([deadLettered]);
      // One row for the run of them, beside those that are kept with their bytes.
      expect((await under.reader.deadLetters({ afterId: 0, limit: 10_000 })).length).toBeLessThan(200);
    });

    test("20,000 events of one moment, sent twice, are repeats at once: none is compared with all others", async () => {
      const same = (offset: number) =>
        Array.from({ length: 20_000 }, (_, seq) => testRecord({ offset: offset + seq, seq, timeMs: noonMs }));
      const first = await put(same(0), undefined);
      const before = process.cpuUsage();
      const second = await put(same(20_000), first.position);
      const { user, system } = process.cpuUsage(before);
      expect(second).toMatchObject({ repeated: 20_000, conflicts: 0, stored: 0 });
      // One by one it was a minute; a busy machine is no slower in CPU time.
      expect((user + system) / 1e6).toBeLessThan(5);
      const liar = testRecord({ offset: 40_000, seq: 7, timeMs: noonMs, value: "other" });
      expect(await put([liar, ...same(40_001).slice(0, 20)], second.position)).toMatchObject({
        conflicts: 1,
        repeated: 20,
      });
    });

    test("a lane that begins far out hides no loss of another one: what lies before its first number is counted apart", async () => {
      const liar = testRecord({ offset: 4, agent: "liar", seq: bounds.seq, timeMs: noonMs });
      const { position } = await put([...range(0, 3), testRecord({ offset: 3, seq: 5 }), liar], undefined);
      expect(await under.reader.totals()).toMatchObject({ missing: 2, beforeFirst: bounds.seq });
      // An earlier one comes late: what is between them is missing from then on.
      await put([testRecord({ offset: 5, agent: "liar", seq: bounds.seq - 10, timeMs: noonMs })], position);
      expect(await under.reader.totals()).toMatchObject({ missing: 11, beforeFirst: bounds.seq - 10 });
      await under.store.forget({ agent: "liar" });
      expect(await under.reader.totals()).toMatchObject({ missing: 2, beforeFirst: 0 });
    });

    test("puts 100,000 refused records aside in a few rows, and all others are stored", async () => {
      const records = Array.from({ length: 100_000 }, (_, offset) =>
        offset % 1_000 === 999
          ? testRecord({ offset, seq: Math.floor(offset / 1_000) })
          : testRecord({ offset, identity: "gw1/e1/drive.0/1@99999999999999999" }),
      );
      expect(await put(records, undefined)).toMatchObject({ stored: 100, deadLettered: 99_900 });
      const rows = await under.reader.deadLetters({ afterId: 0, limit: 1_000 });
      expect(rows.length).toBeLessThan(250);
      expect(rows.reduce((sum, { firstOffset, lastOffset }) => sum + lastOffset - firstOffset + 1, 0)).toBe(99_900);
      expect(await lane()).toMatchObject({ received: 100, missing: 0 });
    }, 60_000);

    test("a quarantined agent's records are put aside until it is let in again; the others' are stored", async () => {
      const first = await put(range(0, 2), undefined);
      await under.store.quarantine("gw1", true);
      const both = [testRecord({ offset: 2 }), testRecord({ offset: 3, seq: 0, agent: "gw2" })];
      const second = await put(both, first.position);
      expect(second).toMatchObject({ stored: 1, deadLettered: 1 });
      expect(second.refusals).toEqual([{ reason: "gw1 is quarantined", records: 1 }]);
      await under.store.quarantine("gw1", false);
      expect(await put([testRecord({ offset: 4, seq: 2 })], second.position)).toMatchObject({ stored: 1 });
      expect(await ranges()).toEqual(["received 0-2"]);
    });

    test("forgets the books of an agent or of one lane; events stay, and the next record opens new books", async () => {
      const lanes = [0, 1].map((one) => testRecord({ offset: 5 + one, seq: 1_000_000, lane: one }));
      const first = await put([...range(0, 5), ...lanes, testRecord({ offset: 7, seq: 9, agent: "gw2" })], undefined);
      expect(await under.store.forget({ agent: "gw1", stream: "drive", lane: 1 })).toBe(1);
      expect(await under.store.forget({ agent: "gw1" })).toBe(1);
      expect(await under.store.forget({ agent: "gw1" })).toBe(0);
      expect(await under.reader.totals()).toMatchObject({ missing: 0, beforeFirst: 9, conflicts: 0 });
      expect((await events()).length).toBe(8);
      await put([testRecord({ offset: 8, seq: 5 })], first.position);
      const open = await under.reader.lanes({ agent: "gw1", stream: undefined, afterId: 0, limit: 10 });
      expect(open.filter(({ nextSeq }) => nextSeq > 0)).toMatchObject([
        { epoch: "e1", lane: 0, received: 1, nextSeq: 6 },
      ]);
    });

    test("a conflict makes no vehicle, and a list of vehicles is short only at its end", async () => {
      const first = await put([testRecord({ offset: 0, vehicle: "b" })], undefined);
      const liar = testRecord({ offset: 1, seq: 0, vehicle: "a", value: "other" });
      expect(await put([liar], first.position)).toMatchObject({ conflicts: 1 });
      expect((await under.reader.vehicles("", 1)).map(({ vehicle }) => vehicle)).toEqual(["b"]);
      expect((await under.reader.totals()).vehicles).toBe(1);
    });

    test("keys are bytes: told apart, shown readably, found by what is shown", async () => {
      const keys = [[0xff], [0xfe], [0x61], [...Buffer.from("0xff")], [...Buffer.from("(no key)")], [0x61, 0x0a], []];
      const records = keys.map((key, offset) => ({
        ...testRecord({ offset, identity: null, value: `v${offset}` }),
        key: Buffer.from(key),
      }));
      await put([...records, { ...testRecord({ offset: 7, identity: null, value: "v7" }), key: undefined }], undefined);
      const names = (await under.reader.vehicles("", 100)).map(({ vehicle }) => vehicle);
      expect(names.sort()).toEqual([
        "(no key)",
        "0x",
        "0x286e6f206b657929",
        "0x30786666",
        "0x610a",
        "0xfe",
        "0xff",
        "a",
      ]);
      expect((await events({ vehicle: "0xff" })).map(({ value }) => value?.toString())).toEqual(["v0"]);
      expect((await events({ vehicle: "(no key)" })).map(({ value }) => value?.toString())).toEqual(["v7"]);
    });

    test("ranges that touch and say the same are one, whatever closed the hole", async () => {
      const first = await put([shedMarker(0, 5, 9), shedMarker(1, 0, 2)], undefined);
      const second = await put([shedMarker(2, 3, 4)], first.position);
      expect(await ranges()).toEqual(["shed 0-9"]);
      await put(
        [4, 6, 5].map((seq, index) => testRecord({ offset: 3 + index, seq })),
        second.position,
      );
      expect(await ranges()).toEqual(["shed 0-3", "received 4-6", "shed 7-9"]);
    });
  });
}
