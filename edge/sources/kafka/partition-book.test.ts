import { describe, expect, test } from "bun:test";
import { writeFlumeDatum } from "../../records/flume-datum.ts";
import { viewOf } from "../../testing/fakes/component.ts";
import { configSchema } from "./config.ts";
import definition from "./index.ts";
import { PartitionBook, startOffset } from "./partition-book.ts";
import { eventOf } from "./record.ts";

describe("where a partition goes on", () => {
  test.each([
    [undefined, undefined, undefined, "never read"],
    [5, undefined, 5, "the group was never told"],
    [undefined, 7, 7, "another member has read it"],
    [5, 3, 5, "we were killed before the group was told"],
    [5, 9, 9, "another member has read on"],
  ])("ours %p, the group's %p: %p (%s)", (ours, groups, expected) => {
    expect(startOffset(ours, groups)).toBe(expected);
  });

  test("is stored by topic, partition and group", () => {
    const book = new PartitionBook(
      "g",
      new Map([
        ["a/1/g", "42"],
        ["a/1/other", "7"],
      ]),
    );
    expect(book.place("a", 1).next).toBe(42);
    expect(book.place("a", 0).next).toBeUndefined();
    expect(book.place("a", 0).position()).toBeUndefined();
    const place = book.place("a", 1);
    place.next = 43;
    expect([place.key, place.position(), book.place("a", 1) === place]).toEqual(["a/1/g", "43", true]);
    expect(book.snapshot()).toEqual([{ topic: "a", partition: 1, offset: "43" }]);
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
      tg: Buffer.from("gw/1/s.0/7"),
    };
    const event = eventOf({ ...record, headers }, config);
    const view = viewOf("x");
    expect(event.prepare(view)).toBe(0);
    expect([...event.body]).toEqual([0, 255]);
    expect([view.key, view.eventTimeMs]).toEqual(["KA-1", 1_700_000_000_000]);
    expect(Object.fromEntries(view.headerNames.map((name, at) => [name, view.headerValues[at]]))).toEqual({
      topic: "t",
      partition: "3",
      offset: "9",
      a: "1",
      list: "y",
      origin: "gw/1/s.0/7",
    });
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
