import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { at, IngestGround, range } from "../testing/ingest-ground.ts";
import { testRecord } from "../testing/records.ts";

/** What ingest makes of logs that do not go on where they were: topics made anew, cut short, outrun by retention. */
describe("continuity", () => {
  let on: IngestGround;

  beforeEach(() => {
    on = IngestGround.open();
  });
  afterEach(async () => {
    await on.close();
  });

  test("notices by the record before the position that the topic is another one, grown past it", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    const others = range(0, 30, "gw2");
    expect(await on.deliver(others.slice(9))).toEqual({ kind: "seek", start: 0 });
    expect(await on.deliver(others)).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 40, missing: 0, gaps: 1 });
    expect(on.said).toContain("topic_recreated");
  });

  test("notices that the topic is another one when it is shorter than the position", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    const others = range(0, 4, "gw2");
    expect(await on.deliver(others)).toEqual({ kind: "seek", start: 0 });
    expect(await on.deliver(others)).toEqual({ kind: "done" });
    expect(await on.stored()).toBe(14);
  });

  test.each([
    ["a control record", [{ firstOffset: 9, lastOffset: 9 }]],
    ["a transaction that was rolled back", [{ firstOffset: 7, lastOffset: 9 }]],
  ])("notices that the topic is another one by %s where the record before the position stood", async (_, hidden) => {
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    const others = [...range(0, 9, "gw2"), ...range(10, 30, "gw2")];
    expect(await on.deliver(others.slice(9), { firstOffset: 9, hidden })).toEqual({ kind: "seek", start: 0 });
    expect(await on.deliver(others, { hidden })).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 39, gaps: 1 });
    expect(on.said).toContain("topic_recreated");
  });

  test("a topic that has another id is another one, whatever its records look like", async () => {
    on.topicId = "one";
    await on.assigned();
    await on.deliver(range(0, 10));
    on.topicId = "two";
    expect(await on.assigned()).toBe(0);
    expect(on.said).toContain("topic_recreated");
    expect(await on.deliver(range(0, 12))).toEqual({ kind: "done" });
    // The same ones again and two more: whoever copied them, they are in the store once.
    expect(await on.reader.totals()).toMatchObject({ stored: 12, repeated: 10, gaps: 1 });
    expect(await on.store.position(at)).toMatchObject({ next: 12, generation: 1, topicId: "two" });
    expect(await on.assigned()).toBe(11);
  });

  test("an id of an earlier topic comes from a broker that is behind: it changes nothing", async () => {
    on.topicId = "one";
    await on.assigned();
    await on.deliver(range(0, 10));
    on.topicId = "two";
    await on.assigned();
    await on.deliver(range(0, 12, "gw2"));
    on.topicId = "one";
    expect(await on.assigned()).toBe(11);
    expect(await on.deliver(range(11, 13, "gw2"))).toEqual({ kind: "done" });
    expect(await on.store.position(at)).toMatchObject({ next: 13, generation: 1, topicId: "two" });
  });

  test("a store without an id takes the one that it is told, once the record before was seen, also on an idle topic", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    on.topicId = "one";
    await on.assigned();
    expect(await on.store.position(at)).toMatchObject({ topicId: undefined });
    expect(await on.deliver(range(9, 10))).toEqual({ kind: "done" });
    expect(await on.store.position(at)).toMatchObject({ next: 10, before: { offset: 9 }, topicId: "one" });
    on.topicId = undefined; // The brokers do not answer now.
    expect(await on.assigned()).toBe(9);
    on.topicId = "two";
    expect(await on.assigned()).toBe(0);
  });

  test("noticed by its record, the new topic's id is asked for then, not remembered", async () => {
    on.topicId = "one";
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    on.topicId = "two"; // Since then.
    expect(await on.deliver(range(0, 30, "gw2").slice(9))).toEqual({ kind: "seek", start: 0 });
    expect(await on.store.position(at)).toMatchObject({ generation: 1, topicId: "two" });
  });

  test("the same topic with another log was cut short: it says so, and keeps its id", async () => {
    on.topicId = "one";
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    expect(await on.deliver(range(0, 30, "gw2").slice(9))).toEqual({ kind: "seek", start: 0 });
    expect(on.said).toContain("log_cut_short");
    expect(await on.assigned()).toBe(0);
    await on.deliver(range(0, 30, "gw2"));
    expect(await on.store.position(at)).toMatchObject({ next: 30, generation: 1, topicId: "one" });
    expect(await on.assigned()).toBe(29);
    await on.deliver(range(32, 35, "gw2"));
    expect(on.said).not.toContain("topic_unproved");
  });

  test.each([
    ["says so when nobody can tell whether it is the same topic", undefined, ["topic_unproved"]],
    ["takes the topic's id for proof", "one", []],
  ])("when compaction took the record before the position it %s", async (_, id, words) => {
    on.topicId = id;
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    expect(await on.deliver(range(12, 15), { firstOffset: 12 })).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 13, gaps: 0 });
    expect(on.said).toEqual(words);
  });

  test("sent back to the start of the same log it goes to where it was", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    expect(await on.deliver(range(0, 4), { endOffset: 12 })).toEqual({ kind: "seek", start: 9 });
    expect(await on.deliver(range(9, 12))).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 12, repeated: 0, gaps: 0 });
  });

  test("records what retention has deleted before it was stored", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    expect(await on.deliver(range(25, 30), { logStartOffset: 25 })).toEqual({ kind: "done" });
    const [gap] = await on.reader.gaps({ afterId: 0, limit: 10 });
    expect(gap).toMatchObject({ kind: "retention", firstOffset: 10, lastOffset: 24 });
    expect(await on.reader.totals()).toMatchObject({ stored: 15, missing: 15, gaps: 1 });
    expect(on.said).toContain("records_lost_to_retention");
  });

  test("records it on an idle topic too, once: the log begins after the position and brings nothing", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    await on.assigned();
    const nothing = { firstOffset: 25, nextOffset: 25, endOffset: 25, logStartOffset: 25 };
    expect(await on.deliver([], nothing)).toEqual({ kind: "done" });
    expect(await on.deliver([], nothing)).toEqual({ kind: "done" });
    const [gap, ...more] = await on.reader.gaps({ afterId: 0, limit: 10 });
    expect([gap, more]).toMatchObject([{ kind: "retention", firstOffset: 10, lastOffset: 24 }, []]);
    expect(await on.assigned()).toBe(9);
    expect(await on.deliver(range(25, 30), { logStartOffset: 25 })).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 15, missing: 15, gaps: 1 });
  });

  test("takes holes between offsets for what they are: compaction and control records, no gaps", async () => {
    await on.assigned();
    await on.deliver(range(0, 10));
    const later = [testRecord({ offset: 14, seq: 10 }), testRecord({ offset: 17, seq: 11 })];
    expect(await on.deliver(later, { nextOffset: 19 })).toEqual({ kind: "done" });
    expect(await on.reader.totals()).toMatchObject({ stored: 12, missing: 0, gaps: 0 });
    expect(await on.store.position(at)).toMatchObject({ next: 19, before: { offset: 17 } });
  });
});
