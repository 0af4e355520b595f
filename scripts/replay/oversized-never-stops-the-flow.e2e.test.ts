import { expect, test } from "bun:test";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();
const topic = { partitions: 1, config: { "max.message.bytes": "20000" } };
const changes = { channel: { compression: "none" } };

test("the first batch of a session is too large: it goes in parts, and nothing is lost behind it", async () => {
  await using world = await startWorld({ broker: broker(), topic, changes });
  const { edge, log } = world;
  // All there before the start: the very first batch holds a thousand lines.
  log.write(1_000);
  await edge.start();
  await edge.hasSettled(1_000);
  log.write(10);
  await edge.hasSettled(log.written);
  await edge.kill();
  await edge.start();
  log.write(2_000);
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("one record too large between good ones is kept apart, counted, and the good ones arrive", async () => {
  await using world = await startWorld({ broker: broker(), topic, changes });
  const { edge, log } = world;
  await edge.start();
  log.write(300);
  await edge.hasSettled(300);
  log.write(20);
  log.writeBytes(Buffer.from(`${"x".repeat(30_000)}\n`));
  log.write(300);
  await edge.hasSettled(log.written + 1);
  log.write(300);
  await edge.hasSettled(log.written + 1);
  const book = await edge.book();
  expect(book).toMatchObject({ read: log.written + 1, sent: log.written, dead: 1, held: 0 });
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);
