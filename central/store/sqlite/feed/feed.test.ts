/** Whoever follows sees each event once, whatever is folded in between; what cannot be told is said. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { TestApi } from "../../../testing/api.ts";
import { testRecord } from "../../../testing/records.ts";
import type { FeedAnswer, FeedPosition } from "../../feed-port.ts";
import { SqliteFeed } from "./feed.ts";

const all = { wants: () => true, eventsMax: 100_000, bytesMax: 1e9 };

const offsetsOf = (answer: FeedAnswer | undefined) =>
  answer?.kind === "events" ? answer.events.map(({ row }) => row.position.offset) : answer?.kind;

/** Records whose vehicles and times are mixed, as in a topic. */
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => {
    const offset = from + index;
    const vehicle = `car-${createHash("md5").update(String(offset)).digest().readUInt8(0) % 7}`;
    return testRecord({ offset, vehicle });
  });

const span = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

async function ground() {
  const dir = tempDir();
  const path = dir.file("central.db");
  const api = new TestApi({ path });
  const feed = new SqliteFeed(path, { scanEventsMax: 5_000 });
  const read = async (after: FeedPosition) => {
    const { at, answers } = await feed.read([{ after, ...all }]);
    return { at, answer: answers[0] };
  };
  const end = async () => {
    feed.rest();
    await api[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  };
  return { api, feed, read, [Symbol.asyncDispose]: end };
}

test("rows, chunks, and both in one round come once and in the order of the partition", async () => {
  await using ground1 = await ground();
  const { api, feed, read } = ground1;
  await api.put(range(0, 5));
  let at = await feed.now();
  for (const [from, to] of [
    [5, 12],
    [12, 900],
    [900, 910],
  ] as const) {
    await api.put(range(from, to));
    const round = await read(at);
    expect(offsetsOf(round.answer)).toEqual(span(from, to));
    ({ at } = round);
  }
  expect(offsetsOf((await read(at)).answer)).toEqual([]);
});

test("rows that a fold took away before they were read are read out of their chunks, and those seen are not again", async () => {
  await using ground1 = await ground();
  const { api, feed, read } = ground1;
  await api.put(range(0, 10));
  const { at } = await read(await feed.now());
  await api.put(range(10, 20)); // rows, unseen
  await api.put(range(20, 800)); // chunks, unseen
  api.store.fold();
  await api.put(range(800, 830)); // rows of the next generation, more than before: ids begin at 1 again
  const round = await read(at);
  expect(offsetsOf(round.answer)).toEqual(span(10, 830));
  api.store.fold();
  expect(offsetsOf((await read(round.at)).answer)).toEqual([]);
  await api.put(range(830, 835));
  expect(offsetsOf((await read(round.at)).answer)).toEqual(span(830, 835));
});

test("one goes on after each event of a round, with and without a fold after it", async () => {
  await using ground1 = await ground();
  const { api, feed, read } = ground1;
  await api.put(range(0, 4));
  const start = await feed.now();
  await api.put(range(4, 14));
  const { answer } = await read(start);
  if (answer?.kind !== "events") throw new Error("no events");
  await api.put(range(14, 20));
  for (const fold of [false, true]) {
    if (fold) api.store.fold();
    for (const { row, position } of answer.events) {
      expect(offsetsOf((await read(position)).answer)).toEqual(span(row.position.offset + 1, 20));
    }
  }
});

test("what nobody can tell any more is said, with the offsets that were not shown", async () => {
  await using ground1 = await ground();
  const { api, feed, read } = ground1;
  await api.put(range(0, 10));
  const at = await feed.now();
  for (let from = 10; from < 6_010; from += 1_000) await api.put(range(from, from + 1_000));
  expect((await read(at)).answer).toEqual({
    kind: "lost",
    why: "more than 5000 events have been stored since",
    notShown: [{ topic: "drive", partition: 0, firstOffset: 10, lastOffset: 6_009 }],
  });
  await using other = await ground();
  await other.api.put(range(0, 3));
  for (const foreign of [at, [], [1, 2], [0, 0, 0, 0, 0, 99, 1]]) {
    expect((await other.read(foreign)).answer).toMatchObject({ kind: "lost", why: expect.stringContaining("another") });
  }
});

test("more than the bounds is counted and not kept; what is not wanted is neither", async () => {
  await using ground1 = await ground();
  const { api, feed } = ground1;
  await api.put(range(0, 1));
  const after = await feed.now();
  await api.put(range(1, 1_001));
  const wanted = range(1, 1_001).filter(({ key }) => key?.toString() === "car-3").length;
  const { answers } = await feed.read([
    { after, ...all, eventsMax: 999 },
    { after, ...all, wants: (vehicle) => vehicle === "car-3" },
    { after, ...all, bytesMax: 50 },
  ]);
  expect(answers[0]).toEqual({ kind: "events", events: [], skipped: 1_000 });
  expect(answers[1]).toMatchObject({ kind: "events", skipped: 0 });
  expect(offsetsOf(answers[1])).toHaveLength(wanted);
  expect(answers[2]).toEqual({ kind: "events", events: [], skipped: 1_000 });
});

test("large values come whole", async () => {
  await using ground1 = await ground();
  const { api, feed, read } = ground1;
  await api.put(range(0, 1));
  const at = await feed.now();
  await api.put([testRecord({ offset: 1, value: "x".repeat(10_000) }), testRecord({ offset: 2, value: null })]);
  const { answer } = await read(at);
  if (answer?.kind !== "events") throw new Error("no events");
  expect(answer.events.map(({ row }) => row.value?.length)).toEqual([10_000, undefined]);
});
