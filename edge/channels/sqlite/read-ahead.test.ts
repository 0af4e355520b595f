import { expect, test } from "bun:test";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, expectContiguous, identityOf, makeBatch, spec } from "../../testing/contracts/batches.ts";
import { nothing, open } from "./testing/open.ts";

/** A store with a backlog of ten batches that no memory holds, and its first batch handed out. */
function backlog(dir: TempDir, changes: Parameters<typeof open>[2] = {}) {
  const before = open(dir);
  const lane = before.channel("main").createLane(spec);
  for (let at = 0; at < 100; at += 10) before.commit({ ...nothing, batches: [makeBatch(lane, at, 10, 30_000)] });
  before.close();
  const store = open(dir, {}, changes);
  const reader = store.channel("main").reader(lane);
  const head = reader.next();
  if (head === undefined) throw new Error("the backlog is gone");
  reader.lease(head);
  return { store, lane, reader, head };
}

test("what was read ahead needs no file any more", () => {
  using dir = tempDir();
  const { store, reader, head } = backlog(dir);
  reader.readAhead(head)?.();
  expect(reader.readAhead(head)).toBeUndefined();
  store.journal.file.statements.db.exec("UPDATE body SET bytes = x'00' WHERE first = 10");
  reader.acknowledge(head, undefined);
  const next = reader.next();
  expect([next?.kind, next?.first]).toEqual(["records", 10]);
  store.abandon();
});

test("policy may drop what was only read ahead, and its marker is what comes", () => {
  using dir = tempDir();
  const { store, lane, reader, head } = backlog(dir, { full: "drop_oldest", bytesMax: 200_000 });
  reader.readAhead(head)?.();
  store.commit({ ...nothing, batches: [makeBatch(lane, 100, 10, 30_000)] });
  reader.acknowledge(head, undefined);
  const marker = reader.next();
  expect([marker?.kind, marker?.first]).toEqual(["shed", 10]);
  expect(marker === undefined ? undefined : identityOf(marker)).toMatchObject({ reason: "overflow", first: 10 });
  expectContiguous([head, ...drain(reader)], 0, 110);
  store.close();
});

test("damage is left for whoever asks for the batch", () => {
  using dir = tempDir();
  const { store, reader, head } = backlog(dir);
  store.journal.file.statements.db.exec("UPDATE body SET bytes = zeroblob(length(bytes)) WHERE first = 10");
  reader.readAhead(head)?.();
  expect(reader.readAhead(head)).toBeDefined();
  reader.acknowledge(head, undefined);
  const marker = reader.next();
  expect([marker?.kind, marker?.first]).toEqual(["shed", 10]);
  store.close();
});

test("an answer that is quicker than the reading makes it needless; the file may be closed by then, too", () => {
  using dir = tempDir();
  const { store, reader, head } = backlog(dir);
  const late = reader.readAhead(head);
  reader.acknowledge(head, undefined);
  const next = reader.next();
  late?.();
  expect(next?.first).toBe(10);
  const again = next === undefined ? undefined : reader.readAhead(next);
  expect(again).toBeDefined();
  store.close();
  again?.();
});

test("many lanes together read ahead about a batch's worth of memory, not a batch each", () => {
  using dir = tempDir();
  const before = open(dir);
  const lanes = Array.from({ length: 8 }, (_, at) => before.channel("main").createLane({ ...spec, stream: `s${at}` }));
  for (const lane of lanes) {
    for (const first of [0, 10]) before.commit({ ...nothing, batches: [makeBatch(lane, first, 10, 400_000)] });
  }
  before.close();
  const store = open(dir);
  const held = lanes.filter((lane) => {
    const reader = store.channel("main").reader(lane);
    const head = reader.next();
    if (head === undefined) return false;
    reader.readAhead(head)?.();
    return reader.readAhead(head) === undefined;
  });
  expect(held.length).toBe(2);
  store.close();
});
