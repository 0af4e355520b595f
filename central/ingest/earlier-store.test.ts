import { afterEach, beforeEach, expect, test } from "bun:test";
import { at, IngestGround, range } from "../testing/ingest-ground.ts";

let on: IngestGround;

beforeEach(() => {
  on = IngestGround.open();
});
afterEach(async () => {
  await on.close();
});

const behind = () => on.earlier.behind([at]);

test("an empty store of a group that has committed more is filled from the log's start, and says so until it has got there", async () => {
  expect(await on.assigned(10)).toBe(0);
  expect(behind()).toEqual([{ ...at, next: 0, committed: 10 }]);
  // What the group has committed is all that a later start can tell it by: it is not moved back.
  expect(await on.deliver(range(0, 4))).toEqual({ kind: "done", commit: "later" });
  expect(behind()).toEqual([{ ...at, next: 4, committed: 10 }]);
  await on.assigned(10);
  expect(on.said.filter((name) => name === "store_behind_group")).toHaveLength(1);
  expect(await on.deliver(range(3, 12))).toEqual({ kind: "done" });
  expect(behind()).toEqual([]);
  expect(await on.reader.totals()).toMatchObject({ stored: 12, gaps: 0 });
});

test("what Kafka has deleted before an empty store could be filled is a gap of it", async () => {
  await on.assigned(10);
  const arrival = { firstOffset: 6, logStartOffset: 6 };
  expect(await on.deliver(range(6, 12), arrival)).toEqual({ kind: "done" });
  expect(await on.reader.gaps({ afterId: 0, limit: 9 })).toMatchObject([
    { kind: "retention", firstOffset: 0, lastOffset: 5 },
  ]);
  expect(on.said).toContain("records_lost_to_retention");
});

test("when Kafka holds nothing of it any more, the gap is all that can be told, and it is filled", async () => {
  await on.assigned(10);
  const nothing = { firstOffset: 10, nextOffset: 10, endOffset: 10, logStartOffset: 10, blocks: [] };
  expect(await on.deliver([], nothing)).toEqual({ kind: "done" });
  expect(await on.reader.gaps({ afterId: 0, limit: 9 })).toMatchObject([{ firstOffset: 0, lastOffset: 9 }]);
  expect(behind()).toEqual([]);
});

test("an older copy of the store is said too; what is there goes on where it was", async () => {
  await on.assigned();
  await on.deliver(range(0, 5));
  expect(await on.assigned(9)).toBe(4);
  expect(behind()).toEqual([{ ...at, next: 5, committed: 9 }]);
  expect(await on.deliver(range(4, 9))).toEqual({ kind: "done" });
  expect(behind()).toEqual([]);
});

test("a first start, and a group that has committed no more than is stored, say nothing; an old log has no gap", async () => {
  expect(await on.assigned()).toBe("earliest");
  await on.deliver(range(6, 12), { firstOffset: 6, logStartOffset: 6 });
  await on.assigned(12);
  await on.assigned(7);
  expect(behind()).toEqual([]);
  expect(on.said).toEqual([]);
  expect(await on.reader.totals()).toMatchObject({ stored: 6, gaps: 0 });
});

test("what was committed of a topic that was made anew says nothing of the new one", async () => {
  on.topicId = "one";
  await on.assigned();
  await on.deliver(range(0, 5));
  on.topicId = "two";
  expect(await on.assigned(9)).toBe(0);
  expect(behind()).toEqual([]);
  expect(await on.deliver(range(0, 3, "gw2"))).toEqual({ kind: "done" });
});

test("of a partition that another member has now, that one says it", async () => {
  await on.assigned(10);
  expect(on.earlier.behind([])).toEqual([]);
});
