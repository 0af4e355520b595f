import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../shared/clock/clock.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { type Report, type Signal, silent } from "../../shared/telemetry/log.ts";
import { type TempDir, tempDir } from "../../shared/testing/temp-dir.ts";
import type { Delivery } from "../consumer/consumer.ts";
import { blockOf, type PlainRecord } from "../records/record-block.ts";
import { SqliteReader } from "../store/sqlite/reader.ts";
import { SqliteStore } from "../store/sqlite/store.ts";
import { FaultyStore } from "../testing/faulty-store.ts";
import { testRecord } from "../testing/records.ts";
import { Ingest } from "./ingest.ts";

const at = { topic: "drive", partition: 0 };

describe("ingest", () => {
  let dir: TempDir;
  let store: FaultyStore;
  let reader: SqliteReader;
  let ingest: Ingest;
  let said: string[];
  let heartbeats: number;
  let topicId: string | undefined;
  let stop: AbortController;
  const fatal: unknown[] = [];

  beforeEach(() => {
    dir = tempDir("tailgate-ingest-");
    const path = dir.file("central.db");
    store = new FaultyStore(new SqliteStore({ path, clock: systemClock, report: silent }));
    reader = new SqliteReader(path);
    said = [];
    heartbeats = 0;
    topicId = undefined;
    stop = new AbortController();
    const report: Report = (signal: Signal) => void said.push(signal.name);
    ingest = new Ingest({
      store,
      clock: systemClock,
      random: seededRandom(1),
      report,
      fatal: (thrown) => fatal.push(thrown),
    });
  });

  afterEach(async () => {
    await reader.close();
    await store.close();
    dir[Symbol.dispose]();
  });

  function delivery(records: readonly PlainRecord[], more: Partial<Delivery> = {}): Delivery {
    const firstOffset = records[0]?.offset ?? 0;
    const nextOffset = (records.at(-1)?.offset ?? -1) + 1;
    return {
      ...at,
      blocks: [blockOf(records)],
      damaged: [],
      hidden: [],
      firstOffset,
      nextOffset,
      endOffset: nextOffset,
      logStartOffset: 0,
      ...more,
    };
  }

  const range = (from: number, to: number, agent = "gw1") =>
    Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, agent }));

  const context = () => ({
    signal: stop.signal,
    heartbeat: async () => {
      heartbeats++;
    },
    topicId: async () => topicId,
  });

  const deliver = (records: readonly PlainRecord[], more: Partial<Delivery> = {}) =>
    ingest.deliver(delivery(records, more), context());

  const assigned = () => ingest.assigned({ ...at, topicId }, stop.signal);
  const stored = async () => (await reader.totals()).stored;

  test("begins with what is earliest when nothing is stored, else with the record before the position", async () => {
    expect(await assigned()).toBe("earliest");
    expect(await deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(await assigned()).toBe(9);
  });

  test("leaves out what is stored already: a delivery may begin before the position", async () => {
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    expect(await deliver(range(9, 15))).toEqual({ kind: "done" });
    expect(await deliver(range(5, 15))).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 15, repeated: 0, missing: 0 });
  });

  test("a wait that was ended in an outage does not leave the store away for ever", async () => {
    await assigned();
    store.failures.push("CENTRAL_STORE_UNAVAILABLE");
    const ended = AbortSignal.abort();
    await expect(ingest.assigned({ ...at, topicId }, ended)).rejects.toThrow();
    expect(ingest.counters.storeAvailable).toBe(false);
    expect(await deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(ingest.counters.storeAvailable).toBe(true);
    expect(said).toEqual(["store_away", "store_back"]);
  });

  test("waits for a store that is away, with heartbeats, and drops nothing", async () => {
    await assigned();
    store.failures.push(...Array.from({ length: 5 }, () => "CENTRAL_STORE_UNAVAILABLE" as const));
    expect(await deliver(range(0, 10))).toEqual({ kind: "done" });
    expect(await stored()).toBe(10);
    expect(heartbeats).toBe(5);
    expect(said).toEqual(["store_away", "store_away", "store_away", "store_away", "store_away", "store_back"]);
    expect(ingest.counters).toMatchObject({ storeAvailable: true, storeFailures: 5, stored: 10 });
  });

  test("waits for the store before it says where to begin", async () => {
    store.failures.push("CENTRAL_STORE_UNAVAILABLE", "CENTRAL_STORE_UNAVAILABLE");
    expect(await assigned()).toBe("earliest");
  });

  test("lets go of a delivery when it is stopped while the store is away", async () => {
    await assigned();
    store.failures.push(...Array.from({ length: 100 }, () => "CENTRAL_STORE_UNAVAILABLE" as const));
    const waiting = deliver(range(0, 10));
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  });

  test("goes on from the store's position when another instance has moved it", async () => {
    await assigned();
    await deliver(range(0, 10));
    const other = new Ingest({ store, clock: systemClock, random: seededRandom(2), report: silent, fatal: () => {} });
    await other.assigned({ ...at, topicId }, stop.signal);
    await other.deliver(delivery(range(9, 20)), context());
    expect(await deliver(range(10, 15))).toEqual({ kind: "seek", start: 19 });
    expect(ingest.counters.fenced).toBe(1);
    expect(await deliver(range(19, 25))).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 25, repeated: 0 });
  });

  test.each([0, 1, 499, 998, 999])("finds a poison record at %d of 1,000 and stores all others", async (bad) => {
    await assigned();
    store.poison = ({ offset }) => offset === bad;
    expect(await deliver(range(0, 1_000))).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 999, deadLettered: 1, missing: bad === 999 ? 0 : 1 });
    const [dead] = await reader.deadLetters({ afterId: 0, limit: 10 });
    expect(dead).toMatchObject({ firstOffset: bad, lastOffset: bad });
    expect(dead?.reason).toContain("it does not like it");
    expect(store.appends).toBeLessThan(30);
    expect(await deliver(range(1_000, 1_001))).toEqual({ kind: "done" });
  });

  test("stores everything between several poison records, in order", async () => {
    await assigned();
    store.poison = ({ offset }) => offset % 7 === 3;
    await deliver(range(0, 50));
    expect(await reader.totals()).toMatchObject({ stored: 43, deadLettered: 7, missing: 7 });
    const page = await reader.events({
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
    await assigned();
    const damaged = [{ firstOffset: 5, lastOffset: 9, reason: "its CRC does not match", bytes: Buffer.from("x") }];
    await deliver([...range(0, 5), ...range(10, 15)], { damaged });
    expect(await reader.totals()).toMatchObject({ stored: 10, deadLettered: 5, missing: 5 });
    await deliver([], {
      firstOffset: 15,
      nextOffset: 20,
      damaged: [{ ...damaged[0], firstOffset: 15, lastOffset: 19, reason: "r", bytes: Buffer.alloc(0) }],
    });
    expect(await deliver(range(20, 21))).toEqual({ kind: "done" });
    expect(await stored()).toBe(11);
  });

  test("notices by the record before the position that the topic is another one, grown past it", async () => {
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    const others = range(0, 30, "gw2");
    expect(await deliver(others.slice(9))).toEqual({ kind: "seek", start: 0 });
    expect(await deliver(others)).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 40, missing: 0, gaps: 1 });
    expect(said).toContain("topic_recreated");
  });

  test("notices that the topic is another one when it is shorter than the position", async () => {
    await assigned();
    await deliver(range(0, 10));
    const others = range(0, 4, "gw2");
    expect(await deliver(others)).toEqual({ kind: "seek", start: 0 });
    expect(await deliver(others)).toEqual({ kind: "done" });
    expect(await stored()).toBe(14);
  });

  test.each([
    ["a control record", [{ firstOffset: 9, lastOffset: 9 }]],
    ["a transaction that was rolled back", [{ firstOffset: 7, lastOffset: 9 }]],
  ])("notices that the topic is another one by %s where the record before the position stood", async (_, hidden) => {
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    const others = [...range(0, 9, "gw2"), ...range(10, 30, "gw2")];
    expect(await deliver(others.slice(9), { firstOffset: 9, hidden })).toEqual({ kind: "seek", start: 0 });
    expect(await deliver(others, { hidden })).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 39, gaps: 1 });
    expect(said).toContain("topic_recreated");
  });

  test("a topic that has another id is another one, whatever its records look like", async () => {
    topicId = "one";
    await assigned();
    await deliver(range(0, 10));
    topicId = "two";
    expect(await assigned()).toBe(0);
    expect(said).toContain("topic_recreated");
    expect(await deliver(range(0, 12))).toEqual({ kind: "done" });
    // The same ones again and two more: whoever copied them, they are in the store once.
    expect(await reader.totals()).toMatchObject({ stored: 12, repeated: 10, gaps: 1 });
    expect(await store.position(at)).toMatchObject({ next: 12, generation: 1, topicId: "two" });
    expect(await assigned()).toBe(11);
  });

  test("an id of an earlier topic comes from a broker that is behind: it changes nothing", async () => {
    topicId = "one";
    await assigned();
    await deliver(range(0, 10));
    topicId = "two";
    await assigned();
    await deliver(range(0, 12, "gw2"));
    topicId = "one";
    expect(await assigned()).toBe(11);
    expect(await deliver(range(11, 13, "gw2"))).toEqual({ kind: "done" });
    expect(await store.position(at)).toMatchObject({ next: 13, generation: 1, topicId: "two" });
  });

  test("a store without an id takes the one that it is told, once the record before was seen, also on an idle topic", async () => {
    await assigned();
    await deliver(range(0, 10));
    topicId = "one";
    await assigned();
    expect(await store.position(at)).toMatchObject({ topicId: undefined });
    expect(await deliver(range(9, 10))).toEqual({ kind: "done" });
    expect(await store.position(at)).toMatchObject({ next: 10, before: { offset: 9 }, topicId: "one" });
    topicId = undefined; // The brokers do not answer now.
    expect(await assigned()).toBe(9);
    topicId = "two";
    expect(await assigned()).toBe(0);
  });

  test("noticed by its record, the new topic's id is asked for then, not remembered", async () => {
    topicId = "one";
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    topicId = "two"; // Since then.
    expect(await deliver(range(0, 30, "gw2").slice(9))).toEqual({ kind: "seek", start: 0 });
    expect(await store.position(at)).toMatchObject({ generation: 1, topicId: "two" });
  });

  test("the same topic with another log was cut short: it says so, and keeps its id", async () => {
    topicId = "one";
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    expect(await deliver(range(0, 30, "gw2").slice(9))).toEqual({ kind: "seek", start: 0 });
    expect(said).toContain("log_cut_short");
    expect(await assigned()).toBe(0);
    await deliver(range(0, 30, "gw2"));
    expect(await store.position(at)).toMatchObject({ next: 30, generation: 1, topicId: "one" });
    expect(await assigned()).toBe(29);
    await deliver(range(32, 35, "gw2"));
    expect(said).not.toContain("topic_unproved");
  });

  test.each([
    ["says so when nobody can tell whether it is the same topic", undefined, ["topic_unproved"]],
    ["takes the topic's id for proof", "one", []],
  ])("when compaction took the record before the position it %s", async (_, id, words) => {
    topicId = id;
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    expect(await deliver(range(12, 15), { firstOffset: 12 })).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 13, gaps: 0 });
    expect(said).toEqual(words);
  });

  test("sent back to the start of the same log it goes to where it was", async () => {
    await assigned();
    await deliver(range(0, 10));
    expect(await deliver(range(0, 4), { endOffset: 12 })).toEqual({ kind: "seek", start: 9 });
    expect(await deliver(range(9, 12))).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 12, repeated: 0, gaps: 0 });
  });

  test("records what retention has deleted before it was stored", async () => {
    await assigned();
    await deliver(range(0, 10));
    await assigned();
    expect(await deliver(range(25, 30), { logStartOffset: 25 })).toEqual({ kind: "done" });
    const [gap] = await reader.gaps({ afterId: 0, limit: 10 });
    expect(gap).toMatchObject({ kind: "retention", firstOffset: 10, lastOffset: 24 });
    expect(await reader.totals()).toMatchObject({ stored: 15, missing: 15, gaps: 1 });
    expect(said).toContain("records_lost_to_retention");
  });

  test("takes holes between offsets for what they are: compaction and control records, no gaps", async () => {
    await assigned();
    await deliver(range(0, 10));
    const later = [testRecord({ offset: 14, seq: 10 }), testRecord({ offset: 17, seq: 11 })];
    expect(await deliver(later, { nextOffset: 19 })).toEqual({ kind: "done" });
    expect(await reader.totals()).toMatchObject({ stored: 12, missing: 0, gaps: 0 });
    expect(await store.position(at)).toMatchObject({ next: 19, before: { offset: 17 } });
  });

  test("cuts a large delivery into transactions, with heartbeats between them", async () => {
    await assigned();
    await deliver(range(0, 60_000));
    expect(store.appends).toBe(3);
    expect(heartbeats).toBe(2);
    expect(await stored()).toBe(60_000);
  });

  test.each([100_000, 300_000])(
    "puts %d refused records aside in bulk, in few transactions, with heartbeats",
    async (count) => {
      await assigned();
      const refused = Array.from({ length: count }, (_, offset) =>
        testRecord({ offset, identity: "gw1/e1/drive.0/1@99999999999999999" }),
      );
      expect(await deliver([...refused, testRecord({ offset: count, seq: 0 })])).toEqual({ kind: "done" });
      expect(store.appends).toBe(Math.ceil((count + 1) / 25_000));
      expect(heartbeats).toBe(store.appends - 1);
      expect(await reader.totals()).toMatchObject({ stored: 1, missing: 0, deadLettered: count });
      expect((await reader.deadLetters({ afterId: 0, limit: 10_000 })).length).toBeLessThan(2_000);
      expect(said).toContain("record_dead_lettered");
    },
  );

  test("told to stop in the middle, it ends after the transaction in hand and goes on from there", async () => {
    await assigned();
    store.onAppend = () => stop.abort();
    expect(await deliver(range(0, 100_000))).toEqual({ kind: "seek", start: 24_999 });
    expect(store.appends).toBe(1);
    expect(await stored()).toBe(25_000);
  });

  test("told to stop among many poison records, it ends at once", async () => {
    await assigned();
    store.poison = ({ offset }) => offset % 2 === 0;
    store.onAppend = () => {
      if (store.appends === 30) stop.abort();
    };
    expect(await deliver(range(0, 10_000))).toMatchObject({ kind: "seek" });
    expect(store.appends).toBeLessThan(33);
  });

  test("keeps the membership while it looks for poison records: a heartbeat before each try", async () => {
    await assigned();
    store.poison = ({ offset }) => offset % 50 === 0;
    await deliver(range(0, 500));
    expect(heartbeats).toBeGreaterThan(store.appends / 3);
  });

  test("tells the process when our own assumption is broken", async () => {
    await assigned();
    store.failures.push("INVARIANT");
    await expect(deliver(range(0, 1))).rejects.toMatchObject({ code: "INVARIANT" });
    expect(fatal.length).toBe(1);
  });
});
