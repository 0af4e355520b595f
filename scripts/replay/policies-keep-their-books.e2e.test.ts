import { expect, test } from "bun:test";
import type { Book } from "../drivers/edge/edge.ts";
import { complete } from "./proof/tally.ts";
import { pause } from "./world/pause.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();
/** Much more than the channel takes. */
const written = 40_000;
const lines = { lineBytes: 999 };
const small = { capacity: "16MiB", compression: "none" };

function balance(book: Book): number {
  return book.read - book.filtered - book.unselected - book.dropped - book.shed - book.dead - book.sent - book.held;
}

test("block: the log file is the buffer, and nothing is lost", async () => {
  await using world = await startWorld({ broker: broker(), lines, changes: { channel: { ...small, full: "block" } } });
  const { edge, log } = world;
  await broker().stop();
  await edge.start();
  log.write(written);
  await edge.wait("the channel to be full", ({ channels }) => channels.main?.admission === "blocked");
  expect(balance(await edge.book())).toBe(0);
  expect((await edge.book()).read).toBeLessThan(written);
  await edge.kill();
  await broker().start();
  await edge.start();
  await edge.hasSettled(written, 30_000);
  expect(await world.proof()).toMatchObject(proven);
  expect(await edge.book()).toMatchObject({ read: written, sent: written, shed: 0, dropped: 0, dead: 0 });
}, 300_000);

test("drop_oldest: the newest arrive, what was shed is counted and stands in the topic by range", async () => {
  await using world = await startWorld({
    broker: broker(),
    lines,
    changes: { channel: { ...small, full: "drop_oldest" } },
  });
  const { edge, log } = world;
  await edge.start();
  log.write(1_000);
  await edge.hasSettled(1_000);
  await broker().stop();
  log.write(written);
  await edge.hasRead(log.written);
  const held = await edge.book();
  expect(held.shed).toBeGreaterThan(0);
  expect(balance(held)).toBe(0);
  await edge.kill();
  await edge.start();
  expect(balance(await edge.book())).toBe(0);
  await broker().start();
  await edge.hasSettled(log.written, 30_000);

  const book = await edge.book();
  expect(balance(book)).toBe(0);
  const proof = await world.proof();
  // All that is missing was shed by policy, and topic and store themselves tell it from loss.
  const { ranges, ...verdict } = { ...complete, missing: book.shed };
  expect(proof).toMatchObject({ topic: verdict, store: verdict, holes: [], shed: { overflow: book.shed } });
  expect(await world.central.status()).toMatchObject({ missing: 0, shed: book.shed, repeated: 0 });
  // Oldest first: the end of what was written is there.
  expect(proof.topic.ranges).not.toContain(`${log.written - 1}`);
  expect(book.sent).toBe(log.written - book.shed);
}, 300_000);

test("drop_newest: what was held arrives, what found no room is counted", async () => {
  await using world = await startWorld({
    broker: broker(),
    lines,
    changes: { channel: { ...small, full: "drop_newest" } },
  });
  const { edge, log } = world;
  await edge.start();
  log.write(1_000);
  await edge.hasSettled(1_000);
  await broker().stop();
  log.write(written);
  await edge.hasRead(log.written);
  expect(balance(await edge.book())).toBe(0);
  await edge.kill();
  await edge.start();
  await broker().start();
  await edge.hasSettled(log.written, 30_000);
  log.write(1_000);
  await edge.hasSettled(log.written, 30_000);

  const book = await edge.book();
  expect(book.dropped).toBeGreaterThan(0);
  expect(balance(book)).toBe(0);
  const { ranges, ...verdict } = { ...complete, missing: book.dropped };
  // Dropped before they had a number: the books know, the ranges of the ledger have no hole.
  expect(await world.proof()).toMatchObject({ topic: verdict, store: verdict, holes: [] });
}, 300_000);

test("ttl: what grew too old while Kafka was away is shed by range, what is young arrives", async () => {
  await using world = await startWorld({ broker: broker(), changes: { channel: { ttl: "8s", batchSize: "64KiB" } } });
  const { edge, log } = world;
  await edge.start();
  log.write(1_000);
  await edge.hasSettled(1_000);
  await broker().stop();
  log.write(6_000);
  await edge.hasRead(log.written);
  await pause(8_500);
  log.write(2_000);
  await edge.hasRead(log.written);
  await broker().start();
  await edge.hasSettled(log.written, 30_000);

  const book = await edge.book();
  expect(balance(book)).toBe(0);
  // The batch that was about to be sent when the broker went away is not shed: it may have been sent.
  expect(book.shed).toBeGreaterThanOrEqual(1_000);
  const proof = await world.proof((n) => !wasShed(n, book));
  expect(proof).toMatchObject({ ...proven, shed: { ttl: book.shed } });
}, 300_000);

/** Of the old lines (1,000 to 6,999) the last ones were shed. */
function wasShed(n: number, { shed }: Book): boolean {
  return n >= 7_000 - shed && n < 7_000;
}
