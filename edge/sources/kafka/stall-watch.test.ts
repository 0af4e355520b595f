import { expect, test } from "bun:test";
import { PartitionPlace } from "./partition-book.ts";
import { StallWatch } from "./stall-watch.ts";

function place(next: string, end: number): PartitionPlace {
  const made = new PartitionPlace("g", "t", 0, next);
  made.end = end;
  return made;
}

test("a partition stands still when records are there, none came between two looks, and the client complains", () => {
  const watch = new StallWatch();
  const stuck = place("5", 9);
  const read = place("9", 9);
  const moving = place("1", 9);
  const all = [stuck, read, moving];
  expect(watch.look(all, "codec")).toEqual([]);
  moving.next = 2;
  expect(watch.look(all, "codec")).toEqual([{ place: stuck, reason: "codec" }]);
  moving.next = 3;
  // Told once; what is said later does not end it.
  expect(watch.look(all, undefined)).toEqual([]);
  expect(watch.now).toEqual([{ place: stuck, reason: "codec" }]);
  stuck.next = 6;
  expect(watch.now).toEqual([]);
});

test("a partition whose end lies ahead does not stand still while the client does not complain", () => {
  const watch = new StallWatch();
  const beforeMarkers = place("5", 6);
  watch.look([beforeMarkers], undefined);
  expect(watch.look([beforeMarkers], undefined)).toEqual([]);
});
