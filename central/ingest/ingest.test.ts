import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { countRecords } from "../records/record-slices.ts";
import { arrivalOf, at, IngestGround, range } from "../testing/ingest-ground.ts";
import { testRecord } from "../testing/records.ts";

describe("ingest", () => {
  let on: IngestGround;

  beforeEach(() => {
    on = IngestGround.open();
  });
  afterEach(async () => {
    await on.close();
  });

  test("begins with what is earliest when nothing is stored, else with the record before the position", async () => {
    expect(await on.assigned()).toBe("earliest");
    expect(await on.deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(await on.assigned()).toBe(9);
  });

  test("leaves out what is stored already: an arrival may begin before the position", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    expect(await on.deliver(range(9, 15))).toEqual({ kind: "done" });
    expect(await on.deliver(range(5, 15))).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 15, repeated: 0, missing: 0 });
  });

  test("a wait that was ended in an outage does not leave the store away for ever", async () => {
    await on.assigned();
    on.store.failures.push("CENTRAL_STORE_UNAVAILABLE");
    const ended = AbortSignal.abort();
    await expect(on.ingest.assigned({ ...at, topicId: on.topicId, committed: undefined }, ended)).rejects.toThrow();
    expect(on.counters.storeAvailable).toBe(false);
    expect(await on.deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(on.counters.storeAvailable).toBe(true);
    expect(on.said).toEqual(["store_away", "store_back"]);
  });

  test("waits for a store that is away, with heartbeats, and drops nothing", async () => {
    await on.assigned();
    on.store.failures.push(...Array.from({ length: 5 }, () => "CENTRAL_STORE_UNAVAILABLE" as const));
    expect(await on.deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(await on.stored()).toBe(10);
    expect(on.heartbeats).toBe(5);
    expect(on.said).toEqual(["store_away", "store_away", "store_away", "store_away", "store_away", "store_back"]);
    expect(on.counters).toMatchObject({ storeAvailable: true, storeFailures: 5, stored: 10 });
  });

  test("a store that is too slow for a large transaction gets smaller ones, and a poison record is found all the same", async () => {
    await on.assigned();
    const sizes: number[] = [];
    on.store.onAppend = (records) => {
      sizes.push(countRecords(records));
      if (countRecords(records) <= 2_000) return;
      on.clock.advance(8_000);
      throw new AppError("CENTRAL_STORE_UNAVAILABLE", "too much for it");
    };
    on.store.poison = ({ offset }) => offset === 7_777;
    expect(await on.deliver(range(0, 10_000))).toEqual({ kind: "done" });
    expect(sizes.slice(0, 3)).toEqual([10_000, 2_500, 625]);
    expect(await on.reader.totals()).toMatchObject({ stored: 9_999, repeated: 0, deadLettered: 1, missing: 1 });
    expect((await on.store.position(at))?.next).toBe(10_000);
  });

  test("a store that takes its time lets no membership run out: heartbeats go on while it works", async () => {
    await on.assigned();
    on.store.appendMs = 1_300;
    expect(await on.deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(on.heartbeats).toBeGreaterThan(0);
  });

  test("an idle store that takes no writes is known within seconds, and again when it does", async () => {
    await on.watch.untilOpen(on.stop.signal);
    on.clock.advance(1_500);
    on.store.failures.push("CENTRAL_STORE_UNAVAILABLE", "CENTRAL_STORE_UNAVAILABLE");
    await on.watch.probeWhenIdle(); // once: another instance may be in the middle of a transaction
    expect(on.counters.storeAvailable).toBe(true);
    await on.watch.probeWhenIdle();
    expect(on.counters.storeAvailable).toBe(false);
    await on.watch.probeWhenIdle();
    expect(on.counters.storeAvailable).toBe(true);
    expect(on.said).toEqual(["store_away", "store_back"]);
  });

  test("before anybody has asked the store nobody says that it takes writes", async () => {
    expect(on.counters.storeAvailable).toBe(false);
    await on.watch.untilOpen(on.stop.signal);
    expect(on.counters.storeAvailable).toBe(true);
    expect(on.said).toEqual([]);
  });

  test("as long as something is refused the store is away, whatever else it takes: a small record fits onto a full disk", async () => {
    await on.watch.untilOpen(on.stop.signal);
    const [tried, room] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const giveUp = new AbortController();
    const refusing = on.watch.untilStored(
      giveUp.signal,
      () => room.promise,
      async () => {
        setTimeout(tried.resolve);
        throw new AppError("CENTRAL_STORE_UNAVAILABLE", "store 500 records: the disk is full");
      },
    );
    await tried.promise;
    const small = () =>
      on.watch.untilStored(
        on.stop.signal,
        async () => {},
        async () => {},
      );
    const expected = { storeAvailable: false, storeAwayBecause: expect.stringContaining("store 500 records") };
    expect(on.counters).toMatchObject(expected);
    await small();
    on.clock.advance(1_500);
    await on.watch.probeWhenIdle();
    expect(on.counters).toMatchObject(expected);
    // The partition goes to another member: nobody tries it here any more.
    giveUp.abort();
    room.resolve();
    await expect(refusing).rejects.toThrow("the disk is full");
    await small();
    expect(on.counters).toMatchObject({ storeAvailable: true, storeAwayBecause: "" });
    expect(on.said.at(-1)).toBe("store_back");
  });

  test("a store that was asked for something a moment ago is not asked again", async () => {
    await on.watch.untilOpen(on.stop.signal);
    on.store.failures.push("CENTRAL_STORE_UNAVAILABLE");
    for (let times = 0; times < 3; times++) await on.watch.probeWhenIdle();
    expect(on.store.failures.length).toBe(1);
  });

  test("another program's file in the store's place is waited out, once the store was open", async () => {
    on.store.failures.push("CENTRAL_STORE_FOREIGN");
    await expect(on.watch.untilOpen(on.stop.signal)).rejects.toMatchObject({ code: "CENTRAL_STORE_FOREIGN" });
    await on.watch.untilOpen(on.stop.signal);
    await on.assigned();
    on.store.failures.push("CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION");
    expect(await on.deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(on.said).toEqual(["store_away", "store_away", "store_back"]);
  });

  test("waits for the store before it says where to begin", async () => {
    on.store.failures.push("CENTRAL_STORE_UNAVAILABLE", "CENTRAL_STORE_UNAVAILABLE");
    expect(await on.assigned()).toBe("earliest");
  });

  test("lets go of an arrival when it is stopped while the store is away", async () => {
    await on.assigned();
    on.store.failures.push(...Array.from({ length: 100 }, () => "CENTRAL_STORE_UNAVAILABLE" as const));
    const waiting = on.deliver(range(0, 10));
    on.stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  });

  test("goes on from the store's position when another instance has moved it", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    const other = on.another();
    await other.assigned({ ...at, topicId: on.topicId, committed: undefined }, on.stop.signal);
    await other.deliver(arrivalOf(range(9, 20)), on.context());
    expect(await on.deliver(range(10, 15))).toEqual({ kind: "seek", start: 19 });
    expect(on.counters.fenced).toBe(1);
    expect(await on.deliver(range(19, 25))).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 25, repeated: 0 });
  });

  test.each([0, 1, 499, 998, 999])("finds a poison record at %d of 1,000 and stores all others", async (bad) => {
    await on.assigned();
    on.store.poison = ({ offset }) => offset === bad;
    expect(await on.deliver(range(0, 1_000))).toEqual({ kind: "done" });
    const missing = bad === 0 || bad === 999 ? 0 : 1;
    expect(await on.reader.totals()).toMatchObject({ stored: 999, deadLettered: 1, missing });
    const [dead] = await on.reader.deadLetters({ afterId: 0, limit: 10 });
    expect(dead).toMatchObject({ firstOffset: bad, lastOffset: bad });
    expect(dead?.reason).toContain("it does not like it");
    expect(on.store.appends).toBeLessThan(30);
    expect(await on.deliver(range(1_000, 1_001))).toEqual({ kind: "done" });
  });

  test("stores everything between several poison records, in order", async () => {
    await on.assigned();
    on.store.poison = ({ offset }) => offset % 7 === 3;
    await on.deliver(range(0, 50));
    expect(await on.reader.totals()).toMatchObject({ stored: 43, deadLettered: 7, missing: 7 });
    const page = await on.reader.events({
      vehicle: "car-1",
      stream: "drive",
      fromMs: 0,
      toMs: 8e15,
      order: "asc",
      after: undefined,
      limit: 100,
    });
    expect(page.events.map(({ seq }) => seq)).toEqual(
      range(0, 50)
        .map(({ offset }) => offset)
        .filter((one) => one % 7 !== 3),
    );
  });

  test("steps over a range that nobody could read, and keeps it", async () => {
    await on.assigned();
    const damaged = [{ firstOffset: 5, lastOffset: 9, reason: "its CRC does not match", bytes: Buffer.from("x") }];
    await on.deliver([...range(0, 5), ...range(10, 15)], { damaged });
    expect(await on.reader.totals()).toMatchObject({ stored: 10, deadLettered: 5, missing: 5 });
    await on.deliver([], {
      firstOffset: 15,
      nextOffset: 20,
      damaged: [{ ...damaged[0], firstOffset: 15, lastOffset: 19, reason: "r", bytes: Buffer.alloc(0) }],
    });
    expect(await on.deliver(range(20, 21))).toEqual({ kind: "done" });
    expect(await on.stored()).toBe(11);
  });

  test("cuts a large arrival into transactions, with heartbeats between them", async () => {
    await on.assigned();
    await on.deliver(range(0, 60_000));
    expect(on.store.appends).toBe(3);
    expect(on.heartbeats).toBe(2);
    expect(await on.stored()).toBe(60_000);
  });

  test.each([100_000, 300_000])(
    "puts %d refused records aside in bulk, a transaction a turn, with heartbeats",
    async (count) => {
      await on.assigned();
      const refused = Array.from({ length: count }, (_, offset) =>
        testRecord({ offset, identity: "gw1/e1/drive.0/1@99999999999999999" }),
      );
      const arrival = arrivalOf([...refused, testRecord({ offset: count, seq: 0 })]);
      let turns = 1;
      while ((await on.ingest.deliver(arrival, on.context())).kind === "again") turns++;
      // 25,000, and then by and by 2,000, 4,000, 8,000 … where it costs no time, as here.
      expect(on.store.appends).toBe(turns);
      expect(turns).toBeLessThan(2 + count / 2_000);
      expect(on.heartbeats).toBe(turns - 1);
      expect(await on.reader.totals()).toMatchObject({ stored: 1, missing: 0, deadLettered: count });
      expect((await on.reader.deadLetters({ afterId: 0, limit: 10_000 })).length).toBeLessThan(2_000);
      expect(on.said).toContain("record_dead_lettered");
    },
    60_000,
  );

  test("an arrival that costs much is broken off between two transactions, so that other partitions get their turn", async () => {
    await on.assigned();
    on.store.onAppend = () => on.clock.advance(on.store.appends === 1 ? 150 : 400);
    expect(await on.deliver(range(0, 100_000))).toEqual({ kind: "seek", start: 49_999 });
    expect(await on.stored()).toBe(50_000);
    expect(on.heartbeats).toBe(2);
    on.store.onAppend = () => on.clock.advance(20);
    expect(await on.deliver(range(49_999, 100_000))).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 100_000, missing: 0, repeated: 0 });
  });

  test("what brings nothing holds up the others for a few milliseconds, and what it is found among is stored", async () => {
    await on.assigned();
    const sizes: number[] = [];
    on.store.onAppend = (records) => {
      sizes.push(countRecords(records));
      on.clock.advance(countRecords(records) / 100);
    };
    const refused = range(0, 40_000).map((record) => ({ ...record, identity: "gw1/e1/drive.0/1@99999999999999999" }));
    const arrival = arrivalOf([...refused, ...range(40_000, 40_010)]);
    let turns = 1;
    for (let step = await on.ingest.deliver(arrival, on.context()); step.kind === "again"; turns++) {
      step = await on.ingest.deliver(arrival, on.context());
    }
    expect(sizes.slice(0, 4)).toEqual([25_000, 400, 400, 400]);
    expect(turns).toBe(sizes.length);
    // The next one begins with little.
    await on.ingest.deliver(arrivalOf(range(40_010, 60_000)), on.context());
    expect(sizes.slice(turns, turns + 2)).toEqual([400, 1_600]);
    expect(await on.reader.totals()).toMatchObject({ stored: 20_000, deadLettered: 40_000 });
  });

  test("a partition full of refused records rests once another one has something to store", async () => {
    await on.assigned();
    await on.ingest.assigned({ ...at, partition: 1, topicId: "one", committed: undefined }, on.stop.signal);
    const flood = (from: number) =>
      Array.from({ length: 100 }, (_, index) =>
        testRecord({ offset: from + index, identity: "gw1/e1/drive.0/1@99999999999999999" }),
      );
    on.store.onAppend = () => on.clock.advance(800);
    for (let from = 0; from < 500; from += 100) expect(await on.deliver(flood(from))).toEqual({ kind: "done" });
    const other = arrivalOf(range(0, 10), { partition: 1 });
    expect(await on.ingest.deliver(other, on.context())).toEqual({ kind: "done" });
    expect(await on.deliver(flood(500))).toEqual({ kind: "done", restMs: 2_000 });
    expect(await on.reader.totals()).toMatchObject({ stored: 10, deadLettered: 600 });
  });

  test("records that cost much come in smaller transactions, and in larger ones again when they cost less", async () => {
    await on.assigned();
    on.store.onAppend = () => on.clock.advance(5_000);
    expect(await on.deliver(range(0, 60_000))).toEqual({ kind: "seek", start: 24_999 });
    on.store.onAppend = () => on.clock.advance(10);
    expect(await on.deliver(range(24_999, 60_000))).toEqual({ kind: "done" });
    // 1,000, 4,000, 16,000, then all that is left.
    expect(on.store.appends).toBe(5);
    expect(await on.reader.totals()).toMatchObject({ stored: 60_000, missing: 0, repeated: 0 });
  });

  test("told to stop in the middle, it ends after the transaction in hand and goes on from there", async () => {
    await on.assigned();
    on.store.onAppend = () => on.stop.abort();
    expect(await on.deliver(range(0, 100_000))).toEqual({ kind: "seek", start: 24_999 });
    expect(on.store.appends).toBe(1);
    expect(await on.stored()).toBe(25_000);
  });

  test("told to stop among many poison records, it ends at once", async () => {
    await on.assigned();
    on.store.poison = ({ offset }) => offset % 2 === 0;
    on.store.onAppend = () => {
      if (on.store.appends === 30) on.stop.abort();
    };
    expect(await on.deliver(range(0, 10_000))).toMatchObject({ kind: "seek" });
    expect(on.store.appends).toBeLessThan(33);
  });

  test("keeps the membership while it looks for poison records: a heartbeat before each try", async () => {
    await on.assigned();
    on.store.poison = ({ offset }) => offset % 50 === 0;
    await on.deliver(range(0, 500));
    expect(on.heartbeats).toBeGreaterThan(on.store.appends / 3);
  });

  test("tells the process when our own assumption is broken", async () => {
    await on.assigned();
    on.store.failures.push("INVARIANT");
    await expect(on.deliver(range(0, 1))).rejects.toMatchObject({ code: "INVARIANT" });
    expect(on.fatal.length).toBe(1);
  });
});
