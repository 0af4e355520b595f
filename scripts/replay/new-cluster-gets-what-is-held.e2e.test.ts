import { expect, test } from "bun:test";
import { startBroker } from "../drivers/kafka/broker.ts";
import { createTopic } from "../drivers/kafka/topic.ts";
import { complete } from "./proof/tally.ts";
import { startWorld } from "./world/world.ts";

test("a cluster wiped and rebuilt on the same address gets all that was held, though its producer ids begin anew", async () => {
  await using broker = await startBroker();
  await using world = await startWorld({ broker });
  const { edge, log, topic } = world;
  await edge.start();
  log.write(3_000);
  await edge.hasSettled(3_000);
  await world.central.hasDone(3_000);
  await broker.wipe();
  log.write(5_000);
  await edge.hasRead(log.written);
  await broker.start();
  await createTopic(broker.internalAddress, topic, { config: { "message.timestamp.type": "LogAppendTime" } });
  // Somebody else gets the producer id that was ours in the cluster before, and uses it in our partition.
  await produceElsewhere(broker.internalAddress, topic, 100);
  await edge.hasSettled(log.written, 40_000);
  log.write(1_000);
  await edge.hasSettled(log.written);

  // The old cluster took its 3,000 with it; of the others, all, once; and what somebody else wrote.
  const { topic: inTopic, holes } = await world.proof((n) => n >= 3_000);
  expect(inTopic).toEqual({ ...complete, foreign: 100 });
  // One jump: from nothing to where the new cluster begins.
  expect(holes).toHaveLength(1);
  // The store has them all.
  expect((await world.proof()).store).toEqual({ ...complete, foreign: 100 });
}, 300_000);

/** An idempotent producer that is not ours (librdkafka). */
async function produceElsewhere(address: string, topic: string, count: number): Promise<void> {
  const command = ["kcat", "-P", "-b", address, "-t", topic, "-p", "0", "-X", "enable.idempotence=true"];
  const kcat = Bun.spawn(command, { stdin: "pipe", stdout: "ignore", stderr: "pipe" });
  kcat.stdin.write(Array.from({ length: count }, (_, n) => `somebody else's ${n}\n`).join(""));
  await kcat.stdin.end();
  const said = await kcat.stderr.text();
  if ((await kcat.exited) !== 0) throw new Error(`produce with kcat: ${said}`);
}
