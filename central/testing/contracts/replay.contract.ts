/** What a store with the optional port of replay promises. Each implementation's test that has it calls this once. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import {
  noCounts,
  type ReplayDefinition,
  type ReplayPartition,
  type ReplayReader,
  type ReplayStore,
} from "../../store/replay-port.ts";
import type { Append, Position } from "../../store/store.ts";
import { noonMs, slicesOf, testRecord } from "../records.ts";
import type { StoreUnderTest } from "./store.contract.ts";

/** A store that can lose events, in a way that no method of its own has. */
export interface ReplayUnderTest extends StoreUnderTest {
  loseEvents(fromSeq: number, toSeq: number): Promise<void>;
}

/** Runs the suite. */
export function replayContract(name: string, open: () => ReplayUnderTest | Promise<ReplayUnderTest>): void {
  describe(`replay contract: ${name}`, () => {
    const at = { topic: "drive", partition: 0 };
    const definition: ReplayDefinition = { recordsPerSecondMax: 10, into: { kind: "store" } };
    let under: ReplayUnderTest;
    let position: Position | undefined;

    beforeEach(async () => {
      under = await open();
      position = undefined;
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    const range = (from: number, to: number, vehicle = "car-1") =>
      Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, vehicle }));

    function replays(): ReplayStore {
      if (under.store.replays === undefined) throw new Error(`${name} has no replays`);
      return under.store.replays;
    }

    function reading(): ReplayReader {
      if (under.reader.replays === undefined) throw new Error(`${name} has no replays to read`);
      return under.reader.replays;
    }

    async function put(records: readonly PlainRecord[], more: Partial<Append> = {}): Promise<void> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const next = (before?.offset ?? -1) + 1;
      const rest = { dead: [], damaged: [], gap: undefined, ...more };
      position = (await under.store.append({ ...at, seen: position, next, before, records: slices, ...rest })).position;
    }

    async function seqs(vehicle = "car-1"): Promise<number[]> {
      const all = { stream: undefined, fromMs: 0, toMs: noonMs * 2, order: "asc", after: undefined } as const;
      return (await under.reader.events({ ...all, vehicle, limit: 10_000 })).events.map(({ seq }) => seq);
    }

    const partition = (until: number): ReplayPartition => ({ ...at, first: 0, next: until, until, counts: noCounts });

    async function job(owner = "me"): Promise<{ job: number; owner: string }> {
      const id = await replays().createReplay(definition, "somebody");
      await replays().takeReplays(owner, 60_000, 9);
      return { job: id, owner };
    }

    async function replay(records: readonly PlainRecord[], until: number) {
      const nothing = { dead: [], damaged: [] };
      return await replays().backfill({
        ...(await job()),
        partition: partition(until),
        records: slicesOf(records),
        ...nothing,
      });
    }

    test("puts back what was lost, once, and moves neither position nor sums", async () => {
      await put(range(0, 300));
      await under.settle();
      await put(range(300, 340));
      const before = await under.reader.totals();
      await under.loseEvents(290, 310);
      expect(await seqs()).toHaveLength(320);
      const first = await replay(range(0, 340), 340);
      expect(first.partition.counts).toEqual({ ...noCounts, restored: 20, repeated: 320 });
      expect(await seqs()).toEqual(Array.from({ length: 340 }, (_, seq) => seq));
      expect((await replay(range(0, 340), 340)).partition.counts).toEqual({ ...noCounts, repeated: 340 });
      expect(await under.reader.totals()).toEqual(before);
      expect(await under.store.position(at)).toEqual(position);
      expect((await under.reader.vehicle("car-1"))?.streams).toMatchObject([{ events: 340 }]);
    });

    test("what stands at the position or after it is the consumer's: refused, nothing is done", async () => {
      await put(range(0, 5));
      await expect(replay(range(5, 6), 6)).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
      expect(await seqs()).toHaveLength(5);
    });

    test("a conflict and a dead letter are there once, however often they are read", async () => {
      const other = testRecord({ offset: 3, seq: 0, value: "other" });
      const refused = testRecord({ offset: 4, value: "x", timeMs: 9e15 });
      const records = [...range(0, 3), other, refused];
      await put(records);
      const damaged = [{ firstOffset: 5, lastOffset: 6, reason: "bad CRC", bytes: Buffer.from("?") }];
      await put(range(7, 8), { damaged });
      const before = await under.reader.totals();
      expect(before).toMatchObject({ conflicts: 1, deadLettered: 3 });
      const again = { ...(await job()), partition: partition(8), records: slicesOf(records), dead: [], damaged };
      expect((await replays().backfill(again)).partition.counts).toMatchObject({
        repeated: 4,
        conflicts: 0,
        refused: 1,
      });
      expect(await under.reader.totals()).toEqual(before);
      expect(await under.reader.conflicts({ afterId: 0, limit: 9 })).toHaveLength(1);
      expect(await under.reader.deadLetters({ afterId: 0, limit: 9 })).toHaveLength(2);
    });

    test("jobs: taken by one owner at a time, paused, resumed, cancelled; what each may do", async () => {
      const id = await replays().createReplay(definition, "somebody");
      expect(await replays().takeReplays("me", 60_000, 9)).toMatchObject([
        { id, state: "running", askedBy: "somebody" },
      ]);
      expect(await replays().takeReplays("you", 60_000, 9)).toEqual([]);
      const words = { gone: [], notes: ["a note"], trouble: undefined, error: undefined, recordsPerSecond: 7 };
      const report = { id, resolved: true, partitions: [partition(3)], ended: undefined, ...words };
      expect(await replays().reportReplay({ ...report, owner: "me" })).toBe("running");
      await expect(replays().reportReplay({ ...report, owner: "you" })).rejects.toMatchObject({
        code: "CENTRAL_STORE_FENCED",
      });
      await replays().turnReplay(id, "pause");
      expect(await replays().takeReplays("me", 60_000, 9)).toEqual([]);
      await expect(replays().turnReplay(id, "pause")).rejects.toMatchObject({ code: "CENTRAL_REPLAY_STATE" });
      await replays().turnReplay(id, "resume");
      // Whoever paused it has let go of it: another one may go on.
      expect(await replays().takeReplays("you", 60_000, 9)).toMatchObject([
        { id, partitions: [partition(3)], notes: ["a note"] },
      ]);
      expect(await replays().reportReplay({ ...report, owner: "you", ended: "done" })).toBe("done");
      await expect(replays().turnReplay(id, "cancel")).rejects.toMatchObject({ code: "CENTRAL_REPLAY_STATE" });
      await expect(replays().turnReplay(id + 1, "cancel")).rejects.toMatchObject({ code: "CENTRAL_REPLAY_UNKNOWN" });
      expect(await reading().replay(id)).toMatchObject({ id, state: "done", recordsPerSecond: 7 });
      const later = await replays().createReplay(definition, "somebody");
      expect((await reading().replays(undefined, 9)).map((one) => one.id)).toEqual([later, id]);
      expect((await reading().replays(later, 9)).map((one) => one.id)).toEqual([id]);
    });

    test("a job that was paused meanwhile stores nothing", async () => {
      await put(range(0, 5));
      await under.loseEvents(0, 5);
      const mine = await job();
      await replays().turnReplay(mine.job, "pause");
      const backfill = { ...mine, partition: partition(5), records: slicesOf(range(0, 5)), dead: [], damaged: [] };
      expect((await replays().backfill(backfill)).state).toBe("paused");
      expect(await seqs()).toEqual([]);
    });

    test("a replay after a rule was changed stores what was put aside, and takes it from the dead letters", async () => {
      await put(range(0, 2));
      await under.store.quarantine("gw1", true);
      await put(range(2, 4));
      await under.store.quarantine("gw1", false);
      expect((await replay(range(0, 4), 4)).partition.counts).toMatchObject({ stored: 2, repeated: 2 });
      expect(await under.reader.totals()).toMatchObject({ stored: 4, deadLettered: 0 });
      expect(await under.reader.deadLetters({ afterId: 0, limit: 9 })).toEqual([]);
    });

    test("erasure: rows, last state, conflicts and the bytes of dead letters go; the books stay; nothing comes back", async () => {
      await put([...range(0, 200), ...range(200, 210, "car-2")]);
      await under.settle();
      const odd = testRecord({ offset: 213, identity: "gw1/e1/drive.99999999/2@1" });
      await put([...range(210, 212), testRecord({ offset: 212, seq: 0, value: "other" }), odd]);
      const before = await under.reader.totals();
      const sum = { events: 0, deadLetters: 0, conflicts: 0 };
      for (let done = false; !done; ) {
        const step = await replays().erase("car-1", "somebody");
        sum.events += step.events;
        sum.deadLetters += step.deadLetters;
        sum.conflicts += step.conflicts;
        done = step.done;
      }
      expect(sum).toEqual({ events: 202, deadLetters: 1, conflicts: 1 });
      expect(await replays().unfinishedErasures()).toEqual([]);
      expect(await under.reader.vehicle("car-1")).toBeUndefined();
      expect(await seqs()).toEqual([]);
      expect(await under.reader.conflicts({ afterId: 0, limit: 9 })).toEqual([]);
      expect(await under.reader.deadLetters({ afterId: 0, limit: 9 })).toMatchObject([{ key: null, value: null }]);
      const { stored, missing } = await under.reader.totals();
      expect([stored, missing]).toEqual([before.stored, before.missing]);
      await put([...range(214, 216), ...range(216, 217, "car-2")]);
      expect((await replay([...range(0, 200), ...range(210, 212)], 212)).partition.counts).toEqual({
        ...noCounts,
        repeated: 202,
      });
      expect([await seqs(), await seqs("car-2")]).toEqual([
        [],
        [...Array.from({ length: 10 }, (_, n) => 200 + n), 216],
      ]);
      expect(await reading().suppressions("", 9)).toMatchObject([
        { vehicle: "car-1", by: "somebody", events: 202, withheld: 2 },
      ]);
      expect(await replays().unsuppress("car-1")).toBe(true);
      expect(await replays().unsuppress("car-1")).toBe(false);
      for (const [from, to] of [
        [0, 120],
        [120, 200],
      ] as const) {
        expect((await replay(range(from, to), 212)).partition.counts).toMatchObject({ restored: to - from });
      }
      expect((await under.reader.vehicle("car-1"))?.streams).toMatchObject([{ events: 200 }]);
    });

    test("a vehicle that is erased while others store it: nothing of it is left, and the books add up", async () => {
      await put(range(0, 100));
      const others = [1, 2, 3].map(() => under.another());
      const storing = others.map(async (store, index) => {
        let seen: Position | undefined;
        for (let from = 0; from < 100; from += 10) {
          const records = slicesOf(
            range(from, from + 10).map(({ offset }) => testRecord({ offset, lane: index + 1, stream: `s${index}` })),
          );
          const next = {
            topic: "drive",
            partition: index + 1,
            seen,
            next: from + 10,
            before: lastMark(records),
            records,
          };
          seen = (await store.append({ ...next, dead: [], damaged: [], gap: undefined })).position;
          await Bun.sleep(0);
        }
      });
      while (!(await replays().erase("car-1", "somebody")).done) await Bun.sleep(0);
      expect(await seqs()).toEqual([]);
      await Promise.all(storing);
      expect(await seqs()).toEqual([]);
      expect(await under.reader.vehicle("car-1")).toBeUndefined();
      expect(await under.reader.totals()).toMatchObject({ stored: 400, missing: 0, vehicles: 0 });
      const [row] = await reading().suppressions("", 9);
      expect((row?.events ?? 0) + (row?.withheld ?? 0)).toBe(400);
      for (const store of others) await store.close();
    });

    test("put back while the consumers of other partitions go on with the same vehicle: nothing is lost, counted twice or moved back", async () => {
      await put(range(0, 200));
      await under.loseEvents(0, 200);
      const other = under.another();
      const going = async () => {
        let seen: Position | undefined;
        for (let offset = 0; offset < 30; offset++) {
          const records = slicesOf([testRecord({ offset, lane: 1, timeMs: noonMs + 1_000_000 + offset })]);
          const next = { topic: "drive", partition: 1, seen, next: offset + 1, before: lastMark(records), records };
          seen = (await other.append({ ...next, dead: [], damaged: [], gap: undefined })).position;
        }
      };
      const putting = async () => {
        const mine = await job();
        for (let from = 0; from < 200; from += 20) {
          const records = slicesOf(range(from, from + 20));
          await replays().backfill({ ...mine, partition: partition(200), records, dead: [], damaged: [] });
        }
      };
      await Promise.all([going(), putting()]);
      expect(await seqs()).toHaveLength(230);
      expect(await under.reader.totals()).toMatchObject({ stored: 230, missing: 0, conflicts: 0, repeated: 0 });
      const last = { events: 230, timeMs: noonMs + 1_000_029 };
      expect((await under.reader.vehicle("car-1"))?.streams).toMatchObject([last]);
      await other.close();
    });

    test("an erased vehicle that is refused later leaves no bytes either", async () => {
      await put(range(0, 1));
      while (!(await replays().erase("car-1", "somebody")).done);
      await put([testRecord({ offset: 1, identity: "gw1/e1/drive.99999999/2@1" })]);
      expect(await under.reader.deadLetters({ afterId: 0, limit: 9 })).toMatchObject([{ key: null, value: null }]);
    });
  });
}
