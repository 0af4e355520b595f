/** What a store promises of dead letters: chosen, counted, tried again, and of the jobs that try many. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import {
  type DeadLetterChoice,
  type KeptLetter,
  nothingRedriven,
  type RedriveReader,
  type RedriveStore,
} from "../../store/redrive-port.ts";
import type { Append, Position, Store } from "../../store/store.ts";
import { noonMs, slicesOf, testRecord } from "../records.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Runs the suite. */
export function redriveContract(name: string, open: OpenStore): void {
  describe(`redrive contract: ${name}`, () => {
    let under: StoreUnderTest;
    const positions = new Map<string, Position>();

    beforeEach(async () => {
      under = await open();
      positions.clear();
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    const range = (from: number, to: number, vehicle = "car-1") =>
      Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, vehicle }));

    function redrives(): RedriveStore {
      if (under.store.redrives === undefined) throw new Error(`${name} has no redrives`);
      return under.store.redrives;
    }

    function reading(): RedriveReader {
      if (under.reader.redrives === undefined) throw new Error(`${name} has no redrives to read`);
      return under.reader.redrives;
    }

    async function put(records: readonly PlainRecord[], more: Partial<Append> = {}, topic = "drive"): Promise<void> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const next = (before?.offset ?? -1) + 1;
      const at = { topic, partition: 0, seen: positions.get(topic), next, before, records: slices };
      const rest = { dead: [], damaged: [], gap: undefined, ...more };
      positions.set(topic, (await under.store.append({ ...at, ...rest })).position);
    }

    async function seqs(vehicle = "car-1"): Promise<number[]> {
      const all = { stream: undefined, fromMs: 0, toMs: noonMs * 2, order: "asc", after: undefined } as const;
      return (await under.reader.events({ ...all, vehicle, limit: 10_000 })).events.map(({ seq }) => seq);
    }

    const vehicleOf = ({ key }: KeptLetter) => key?.toString("utf8") ?? "";
    const tried = (letters: readonly KeptLetter[]) =>
      letters.map((row) => ({
        row,
        records: slicesOf([testRecord({ offset: row.firstOffset, vehicle: vehicleOf(row) })]),
      }));
    const ids = async (choice: DeadLetterChoice = {}) =>
      (await under.reader.deadLetters({ afterId: 0, limit: 10_000, ...choice })).map(({ id }) => id);

    /** Puts so many of one vehicle aside, behind what there is. */
    async function aside(from: number, to: number, vehicle = "car-1"): Promise<void> {
      await under.store.quarantine("gw1", true);
      await put(range(from, to, vehicle));
      await under.store.quarantine("gw1", false);
    }

    test("chosen by topic, by a part of the reason, by vehicle, and by all of them; counted alike", async () => {
      await aside(0, 3);
      await aside(3, 5, "car-2");
      const odd = testRecord({ offset: 5, identity: "gw1/e1/drive.99999999/2@1", vehicle: "car-2" });
      await put([odd]);
      const damaged = [{ firstOffset: 0, lastOffset: 8, reason: "bad CRC", bytes: Buffer.from("?") }];
      await put(range(9, 10), { damaged }, "charge");
      const keyless = { ...testRecord({ offset: 10, identity: "gw9/e1/drive.99999999/2@1" }), key: undefined };
      await put([keyless], {}, "charge");
      const of = async (choice: DeadLetterChoice) => {
        const { letters, records } = await under.reader.countDeadLetters(choice);
        expect(await ids(choice)).toHaveLength(letters);
        return [letters, records];
      };
      expect(await of({})).toEqual([8, 16]);
      expect(await of({ topic: "drive" })).toEqual([6, 6]);
      expect(await of({ topic: "charge" })).toEqual([2, 10]);
      expect(await of({ topic: "driv" })).toEqual([0, 0]);
      expect(await of({ reason: "quarantine" })).toEqual([5, 5]);
      expect(await of({ reason: "%" })).toEqual([0, 0]);
      expect(await of({ vehicle: "car-2" })).toEqual([3, 3]);
      expect(await of({ vehicle: "0x6361722d32" })).toEqual([3, 3]);
      expect(await of({ vehicle: "gw9" })).toEqual([1, 1]);
      expect(await of({ vehicle: "car-2", reason: "quarantine" })).toEqual([2, 2]);
      expect(await of({ vehicle: "car-2", reason: "quarantine", topic: "charge" })).toEqual([0, 0]);
      const page = await under.reader.deadLetters({ afterId: 0, limit: 2, topic: "drive" });
      const rest = await under.reader.deadLetters({ afterId: page[1]?.id ?? 0, limit: 9, topic: "drive" });
      expect([...page, ...rest].map(({ firstOffset }) => firstOffset)).toEqual([0, 1, 2, 3, 4, 5]);
    });

    test("what the rules take now is stored, what they refuse stays with the new reason", async () => {
      await put([...range(0, 2), testRecord({ offset: 2, identity: "gw1/e1/drive.99999999/2@1" })]);
      await under.store.quarantine("gw1", true);
      await put([...range(3, 5), testRecord({ offset: 5, agent: "gw2", identity: null })]);
      expect(await under.reader.totals()).toMatchObject({ stored: 3, deadLettered: 3, missing: 0 });
      const letters = await redrives().lettersOf(await ids({ reason: "quarantine" }));
      expect(letters.map(({ firstOffset }) => firstOffset)).toEqual([3, 4]);
      expect(await redrives().redrive(tried(letters))).toMatchObject({ tried: 2, stored: 0, stayed: 2 });
      await under.store.quarantine("gw1", false);
      expect(await redrives().redrive(tried(letters))).toMatchObject({ tried: 2, stored: 2, stayed: 0 });
      expect(await redrives().redrive(tried(letters))).toMatchObject({ tried: 0 });
      expect(await under.reader.totals()).toMatchObject({ stored: 5, deadLettered: 1, missing: 1 });
      expect(await seqs()).toEqual([0, 1, 3, 4, 0]);
      expect((await under.reader.vehicle("car-1"))?.streams).toMatchObject([{ events: 5 }]);
    });

    test("what came by another way meanwhile is a repeat, or a conflict when it has other bytes", async () => {
      await aside(0, 2);
      await put([
        testRecord({ offset: 2, seq: 0 }),
        testRecord({ offset: 3, seq: 1, value: "other" }),
        testRecord({ offset: 4, identity: null }),
      ]);
      const letters = await redrives().lettersOf(await ids());
      const expected = { ...nothingRedriven, tried: 2, repeated: 1, conflicts: 1 };
      const [first, second] = letters;
      if (first === undefined || second === undefined) throw new Error("no letters");
      const records = [first, second].map((row, seq) => ({
        row,
        records: slicesOf([testRecord({ offset: row.firstOffset, seq })]),
      }));
      expect(await redrives().redrive(records)).toEqual(expected);
      expect(await under.reader.totals()).toMatchObject({ stored: 3, deadLettered: 0, conflicts: 1 });
      expect(await under.reader.conflicts({ afterId: 0, limit: 9 })).toHaveLength(1);
    });

    test("a batch that can be read now leaves, and what of it is refused is put aside record by record", async () => {
      const damaged = [{ firstOffset: 0, lastOffset: 3, reason: "codec 9", bytes: Buffer.from("kept") }];
      await put(range(4, 5), { damaged });
      const [row] = await redrives().lettersOf(await ids());
      if (row === undefined) throw new Error("no letter");
      const odd = testRecord({ offset: 2, identity: "gw1/e1/drive.99999999/2@1" });
      const records = slicesOf([...range(0, 2), odd, ...range(3, 4)]);
      expect(await redrives().redrive([{ row, records }])).toMatchObject({ tried: 1, stored: 3, stayed: 1 });
      expect(await under.reader.totals()).toMatchObject({ stored: 4, deadLettered: 1 });
      expect(await under.reader.deadLetters({ afterId: 0, limit: 9 })).toMatchObject([
        { firstOffset: 2, lastOffset: 2 },
      ]);
    });

    test("one whose bytes are not there stays as it is", async () => {
      await aside(0, 1);
      const [row] = await redrives().lettersOf(await ids());
      if (row === undefined) throw new Error("no letter");
      expect(await redrives().redrive([{ row, records: [] }])).toEqual({ ...nothingRedriven, tried: 1, stayed: 1 });
      expect(await redrives().lettersOf(await ids())).toEqual([row]);
    });

    test("a job: begun with a count, taken by one owner, done step by step; what comes later is none of its letters", async () => {
      await aside(0, 5);
      await aside(5, 7, "car-2");
      const id = await redrives().begin({ vehicle: "car-1" }, "somebody");
      await aside(7, 9);
      const job = await redrives().take("me", 60_000);
      if (job === undefined) throw new Error("it was not taken");
      const begun = { id, state: "running", askedBy: "somebody", letters: 5, choice: { vehicle: "car-1" } };
      expect(job).toMatchObject({ ...begun, counts: nothingRedriven, endedAtMs: undefined });
      const first = await redrives().lettersAfter(job, job.afterId, 3);
      expect(first.map(({ firstOffset }) => firstOffset)).toEqual([0, 1, 2]);
      const step = { job: id, owner: "me", leaseMs: 60_000 };
      const afterId = first.at(-1)?.id ?? 0;
      expect(await redrives().step({ ...step, letters: tried(first), afterId, ended: false })).toBe("running");
      expect(await reading().job(id)).toMatchObject({ afterId, counts: { tried: 3, stored: 3 } });
      const rest = await redrives().lettersAfter(job, afterId, 3);
      expect(rest.map(({ firstOffset }) => firstOffset)).toEqual([3, 4]);
      const last = { ...step, letters: tried(rest), afterId: rest.at(-1)?.id ?? 0, ended: true };
      expect(await redrives().step(last)).toBe("done");
      expect(await redrives().step(last)).toBe("done");
      expect(await redrives().take("me", 60_000)).toBeUndefined();
      const done = await reading().job(id);
      expect(done).toMatchObject({ state: "done", counts: { tried: 5, stored: 5, stayed: 0 } });
      expect(done?.endedAtMs).toBeGreaterThan(0);
      expect(await seqs()).toEqual([0, 1, 2, 3, 4]);
      expect(await under.reader.countDeadLetters({})).toEqual({ letters: 4, records: 4 });
      const second = await redrives().begin({}, "somebody");
      expect((await reading().jobs(undefined, 9)).map((each) => each.id)).toEqual([second, id]);
      expect((await reading().jobs(second, 9)).map((each) => each.id)).toEqual([id]);
      expect(await reading().job(second + 1)).toBeUndefined();
    });

    test("never two at once: a second is refused while one runs, whoever asks and whatever it chooses", async () => {
      await aside(0, 2);
      const id = await redrives().begin({ topic: "drive" }, "somebody");
      const other = under.another();
      await expect(other.redrives?.begin({ topic: "charge" }, "other")).rejects.toMatchObject({
        code: "CENTRAL_REDRIVE_RUNNING",
      });
      await redrives().cancel(id);
      await expect(redrives().cancel(id)).rejects.toMatchObject({ code: "CENTRAL_REDRIVE_STATE" });
      await expect(redrives().cancel(id + 9)).rejects.toMatchObject({ code: "CENTRAL_REDRIVE_UNKNOWN" });
      expect(await other.redrives?.begin({}, "other")).toBeGreaterThan(id);
      await other.close();
    });

    test("of those who begin at the same time one does", async () => {
      const others = Array.from({ length: 4 }, () => under.another());
      const asked = await Promise.allSettled(others.map((each) => each.redrives?.begin({}, "somebody")));
      expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      await Promise.all(others.map((each) => each.close()));
    });

    test("another owner waits for the lease, goes on where it was, and the first one is fenced", async () => {
      await aside(0, 4);
      const id = await redrives().begin({}, "somebody");
      const other = under.another();
      const job = await redrives().take("me", 60_000);
      if (job === undefined) throw new Error("it was not taken");
      expect(await other.redrives?.take("you", 60_000)).toBeUndefined();
      const [one, ...rest] = await redrives().lettersAfter(job, 0, 9);
      if (one === undefined) throw new Error("no letters");
      // Its lease is over at once.
      const step = { job: id, owner: "me", leaseMs: 0, letters: tried([one]), afterId: one.id, ended: false };
      expect(await redrives().step(step)).toBe("running");
      const taken = await other.redrives?.take("you", 60_000);
      expect(taken).toMatchObject({ id, afterId: one.id, counts: { tried: 1, stored: 1 } });
      const late = { ...step, letters: tried(rest), afterId: rest.at(-1)?.id ?? 0, ended: true };
      await expect(redrives().step(late)).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
      expect(await seqs()).toEqual([0]);
      expect(await other.redrives?.step({ ...late, owner: "you" })).toBe("done");
      expect(await seqs()).toEqual([0, 1, 2, 3]);
      await other.close();
    });

    test("a job that was cancelled meanwhile tries nothing", async () => {
      await aside(0, 2);
      const id = await redrives().begin({}, "somebody");
      const job = await redrives().take("me", 60_000);
      if (job === undefined) throw new Error("it was not taken");
      await redrives().cancel(id);
      const letters = tried(await redrives().lettersAfter(job, 0, 9));
      const step = { job: id, owner: "me", leaseMs: 60_000, letters, afterId: 9, ended: true };
      expect(await redrives().step(step)).toBe("cancelled");
      expect(await seqs()).toEqual([]);
      expect(await reading().job(id)).toMatchObject({ state: "cancelled", counts: nothingRedriven });
    });

    test("the same letters by two ways at once are taken once", async () => {
      await aside(0, 40);
      const other = under.another();
      const letters = await redrives().lettersOf(await ids());
      const [a, b] = await Promise.all([redrives().redrive(tried(letters)), other.redrives?.redrive(tried(letters))]);
      expect([a.stored + (b?.stored ?? 0), a.tried + (b?.tried ?? 0)]).toEqual([40, 40]);
      expect(await seqs()).toEqual(Array.from({ length: 40 }, (_, seq) => seq));
      expect(await under.reader.totals()).toMatchObject({ stored: 40, deadLettered: 0, missing: 0 });
      await other.close();
    });

    test("while the consumers of two partitions go on, nothing of either is lost", async () => {
      await aside(0, 60);
      await put([testRecord({ offset: 0, stream: "charge", vehicle: "car-9" })], {}, "charge");
      const other = under.another();
      const going = async (topic: string, store: Store) => {
        let seen = positions.get(topic);
        const first = seen?.next ?? 0;
        for (let offset = first; offset < first + 20; offset++) {
          const records = slicesOf([testRecord({ offset, agent: "gw1", stream: topic, vehicle: "car-9" })]);
          const at = { topic, partition: 0, seen, next: offset + 1, before: lastMark(records), records };
          seen = (await store.append({ ...at, dead: [], damaged: [], gap: undefined })).position;
        }
      };
      const trying = async () => {
        const letters = await redrives().lettersOf(await ids());
        for (let from = 0; from < letters.length; from += 10) {
          await redrives().redrive(tried(letters.slice(from, from + 10)));
        }
      };
      await Promise.all([going("drive", other), going("charge", under.store), trying()]);
      expect(await under.reader.totals()).toMatchObject({ stored: 101, deadLettered: 0, conflicts: 0 });
      expect(await seqs()).toEqual(Array.from({ length: 60 }, (_, seq) => seq));
      await other.close();
    });
  });
}
