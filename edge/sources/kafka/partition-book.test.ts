import { describe, expect, test } from "bun:test";
import { bytesOfText } from "../../../shared/kafka/record-batch/byte-text.ts";
import { writeFlumeDatum } from "../../records/flume-datum.ts";
import type { FoundPartition } from "../../records/kafka-group.ts";
import { viewOf } from "../../testing/fakes/component.ts";
import { configSchema } from "./config.ts";
import definition from "./index.ts";
import { PartitionBook, whereToBegin } from "./partition-book.ts";
import { eventOf } from "./record.ts";

describe("where a partition goes on", () => {
  const ends = { low: 0, high: 20 };
  const begin = (next?: number, topicId?: string) => ({
    found: (groups: { offset: number; topicId?: string } | undefined, more: Partial<FoundPartition> = {}) =>
      whereToBegin(
        { next, topicId },
        { groups: groups && { topicId: undefined, ...groups }, ends, topicId: "new", ...more },
      ),
  });

  test.each([
    [undefined, undefined, undefined, "never read"],
    [5, undefined, 5, "the group was never told"],
    [undefined, 7, 7, "another member has read it"],
    [5, 3, 5, "we were killed before the group was told"],
    [5, 9, 9, "another member has read on"],
    [5, 21, 5, "the group was told of what the log does not have"],
  ])("ours %p, the group's %p: %p (%s)", (ours, groups, offset) => {
    const found = begin(ours, "new").found(groups === undefined ? undefined : { offset: groups });
    expect(found).toEqual({ offset, anew: undefined, outrun: 0 });
  });

  test("another topic of the name is read from its beginning, whatever was told of the one before", () => {
    const anew = { anew: "another topic", outrun: 0 } as const;
    expect(begin(15, "old").found(undefined)).toEqual({ ...anew, offset: 0 });
    expect(begin(15, "old").found({ offset: 15 })).toEqual({ ...anew, offset: 0 });
    expect(begin(15, "old").found({ offset: 15, topicId: "old" })).toEqual({ ...anew, offset: 0 });
    expect(begin(15, "old").found({ offset: 3, topicId: "new" })).toEqual({ ...anew, offset: 3 });
    expect(begin(15, "old").found(undefined, { ends: { low: 4, high: 9 } })).toEqual({ ...anew, offset: 4 });
    expect(begin().found({ offset: 15, topicId: "old" })).toEqual({ ...anew, offset: 0 });
  });

  test("brokers that tell no id, and a position of a version before that stored none, prove nothing", () => {
    expect(begin(15, "old").found(undefined, { topicId: undefined })).toMatchObject({ offset: 15, anew: undefined });
    expect(begin(15).found(undefined)).toMatchObject({ offset: 15, anew: undefined });
  });

  test("a log that ends before what was read is read from its beginning", () => {
    const shorter = { offset: 0, anew: "a shorter log", outrun: 0 } as const;
    expect(begin(21, "new").found({ offset: 15, topicId: "new" })).toEqual(shorter);
    expect(begin(21).found(undefined)).toEqual(shorter);
    expect(begin().found({ offset: 21 })).toEqual(shorter);
    expect(begin(20, "new").found(undefined)).toMatchObject({ offset: 20, anew: undefined });
  });

  test("what the topic deleted before it was read is counted", () => {
    const found = begin(5, "new").found({ offset: 7 }, { ends: { low: 12, high: 20 } });
    expect(found).toEqual({ offset: 12, anew: undefined, outrun: 5 });
  });

  test("is stored by topic, partition and group, with the topic's id; the group is told of what is ours", () => {
    const book = new PartitionBook(
      "g",
      new Map([
        ["a/1/g", "42"],
        ["a/2/g", "7 old"],
        ["a/1/other", "7"],
      ]),
    );
    expect(book.place("a", 0).position()).toBeUndefined();
    const [place, anew] = [book.place("a", 1), book.place("a", 2)];
    expect([place.next, place.topicId, anew.next, anew.topicId]).toEqual([42, undefined, 7, "old"]);
    const found = { groups: undefined, ends, topicId: "new" };
    for (const each of [place, anew]) each.begin({ ...found, ends: { low: 0, high: 50 } });
    expect([place.key, place.position(), book.place("a", 1) === place]).toEqual(["a/1/g", "42 new", true]);
    expect([anew.position(), anew.lag]).toEqual(["0 new", 50]);
    expect(book.snapshot()).toEqual([]);
    book.assign({ a: [1] });
    expect(book.snapshot()).toEqual([{ topic: "a", partition: 1, offset: "42" }]);
  });
});

test("topics or a pattern, and one of them", () => {
  const valid = (more: object) => configSchema().safeParse({ brokers: ["h:1"], ...more }).success;
  expect([
    valid({}),
    valid({ topics: ["a"] }),
    valid({ topicsPattern: "^a" }),
    valid({ topics: ["a"], topicsPattern: "a" }),
  ]).toEqual([false, true, true, false]);
  expect(definition.read(definition.example)).toMatchObject({ ok: true });
});

describe("a record", () => {
  const config = { topicHeader: "topic", partitionHeader: "partition", offsetHeader: "offset" };
  const record = {
    topic: "t",
    partition: 3,
    offset: "9",
    key: Buffer.from("KA-1"),
    value: Buffer.from([0, 255]),
    timestamp: "1700000000000",
  };

  test("keeps key, time, bytes and foreign headers", () => {
    const headers = {
      a: Buffer.from("1"),
      list: ["x", Buffer.from("y")],
      nothing: undefined,
      empty: null,
      tg: Buffer.from("gw/1/s.0/7"),
    };
    const event = eventOf({ ...record, headers }, config);
    const view = viewOf("x");
    expect(event.prepare(view)).toBe(0);
    expect([...event.body]).toEqual([0, 255]);
    expect([view.key, view.eventTimeMs]).toEqual(["KA-1", 1_700_000_000_000]);
    expect(view.headerNames.map((name, at) => [name, view.headerValues[at]])).toEqual([
      ["topic", "t"],
      ["partition", "3"],
      ["offset", "9"],
      ["a", "1"],
      ["list", "x"],
      ["list", "y"],
      ["empty", ""],
      ["origin", "gw/1/s.0/7"],
    ]);
    expect([event.withoutValue, view.header("list")]).toEqual([1, "y"]);
  });

  test("with a key and headers of any bytes is another event than one whose bytes differ", () => {
    const keys = [0x80, 0x81].map((byte) => {
      const view = viewOf("x");
      eventOf({ ...record, key: Buffer.from([byte]), headers: { b: Buffer.from([255, byte]) } }, config).prepare(view);
      return [bytesOfText(view.key ?? ""), bytesOfText(view.header("b") ?? "")].map((bytes) => [...bytes]);
    });
    expect(keys).toEqual([
      [[0x80], [255, 0x80]],
      [[0x81], [255, 0x81]],
    ]);
  });

  test.each(["tg origin", "origin tg"])("a record cannot say itself whose it was before (%s)", (order) => {
    const texts: Readonly<Record<string, string>> = { tg: "gw/1/s.0/7", origin: "somebody/9/s.0/1" };
    const headers = Object.fromEntries(order.split(" ").map((name) => [name, Buffer.from(texts[name] ?? "")]));
    const view = viewOf("x");
    eventOf({ ...record, headers }, config).prepare(view);
    expect(view.header("origin")).toBe("gw/1/s.0/7");
  });

  test("without a key, a value, a time or headers is an empty event, marked", () => {
    const event = eventOf({ ...record, key: null, value: null, timestamp: "-1" }, { topicHeader: "topic" });
    const view = viewOf("x", 5);
    event.prepare(view);
    expect([event.body.length, view.key, view.eventTimeMs, view.header("tombstone")]).toEqual([
      0,
      undefined,
      5,
      "true",
    ]);
  });

  describe("as Flume's event", () => {
    const rules = { topicHeader: "topic", useFlumeEventFormat: true };
    const prepared = (event: ReturnType<typeof eventOf>) => {
      const view = viewOf("x");
      event.prepare(view);
      return Object.fromEntries(view.headerNames.map((name, at) => [name, view.headerValues[at]]));
    };

    test("is its body and its headers, and those of the record", () => {
      const value = Buffer.from(
        writeFlumeDatum(
          [
            ["kind", "bus"],
            ["topic", "its own"],
          ],
          Buffer.from([0, 255]),
        ),
      );
      const headers = { tg: Buffer.from("gw/1/s.0/7"), kind: Buffer.from("of the record") };
      const event = eventOf({ ...record, value, headers }, rules);
      expect([[...event.body], event.isAsExpected]).toEqual([[0, 255], true]);
      // An event says itself what its headers are; a Flume that has a topic header keeps it too.
      expect(prepared(event)).toEqual({ topic: "its own", kind: "bus", origin: "gw/1/s.0/7" });
    });

    test("is none: it is taken as it stands, and marked", () => {
      const event = eventOf({ ...record, value: Buffer.from("a line") }, rules);
      expect([event.body.toString(), event.isAsExpected]).toEqual(["a line", false]);
      expect(prepared(event)).toEqual({ topic: "t", not_flume_event: "true" });
    });

    test("a record without a value stays a deleted key", () => {
      const event = eventOf({ ...record, value: null }, rules);
      expect([event.body.length, event.isAsExpected]).toEqual([0, true]);
      expect(prepared(event)).toEqual({ topic: "t", tombstone: "true" });
    });
  });

  test("with more headers than an event may have says how many were left out", () => {
    const headers = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`h${index}`, Buffer.from("v")]));
    expect(eventOf({ ...record, headers }, { topicHeader: "topic" }).prepare(viewOf("x"))).toBe(50 + 1 - 32);
  });
});
