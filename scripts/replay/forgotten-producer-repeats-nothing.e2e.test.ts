import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import { startBrokerOnLine } from "../drivers/faults/broker-on-line.ts";
import type { FaultProxy } from "../drivers/faults/fault-proxy.ts";
import { kafkaDistribution } from "../drivers/kafka/distribution.ts";
import { readTopic } from "../drivers/kafka/topic.ts";
import { complete } from "./proof/tally.ts";
import { proven, startWorld, type World } from "./world/world.ts";
import { allowToWrite, writeOnlyBroker, writeOnlySasl } from "./world/write-only.ts";

const produce = 0;
/** A broker that forgets a producer two seconds after its last append, and an edge that knows of it. */
const forgetful = { "producer.id.expiration.ms": 2_000, "producer.id.expiration.check.interval.ms": 200 };
const producerIdExpiration = "2s";
const unanswered = 50;

for (const killed of [false, true]) {
  test(`an unanswered batch is looked up before it is sent again${killed ? ", also by the edge's next life" : ""}`, async () => {
    await using both = await startBrokerOnLine({ properties: forgetful });
    const { broker, line: proxy } = both;
    await using world = await startWorld({ broker, changes: { sink: { producerIdExpiration } } });
    const { edge, log } = world;
    await edge.start();
    log.write(500);
    await edge.hasSettled(log.written);
    await batchWithoutAnswer(world, proxy);
    if (killed) await edge.kill();
    await producerIsForgotten(world);
    await proxy.accept();
    if (killed) await edge.start();
    await edge.hasSettled(log.written);
    log.write(500);
    await edge.hasSettled(log.written);
    expect((await edge.book()).maybeRepeated).toBe(0);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}

test("where reading is not allowed it is sent again and counted, and the store holds it once", async () => {
  await using both = await startBrokerOnLine({
    ...writeOnlyBroker,
    properties: { ...writeOnlyBroker.properties, ...forgetful },
  });
  const { broker, line: proxy } = both;
  await using world = await startWorld({
    broker,
    changes: { sink: { producerIdExpiration, sasl: writeOnlySasl } },
    central: { brokers: broker.internalAddress },
  });
  const { edge, log } = world;
  await allowToWrite(broker.internalAddress, world.topic);
  await edge.start();
  log.write(500);
  await edge.hasSettled(log.written);
  const appended = await batchWithoutAnswer(world, proxy);
  await producerIsForgotten(world);
  await proxy.accept();
  await edge.hasSettled(log.written);
  log.write(500);
  await edge.hasSettled(log.written);

  const { maybeRepeated } = await edge.book();
  expect(maybeRepeated).toBe(appended);
  const proof = await world.proof();
  const { ranges: _ranges, ...verdict } = { ...complete, repeated: maybeRepeated };
  expect(proof.topic).toMatchObject(verdict);
  expect(proof.store).toEqual(complete);
  expect((await world.central.status()).repeated).toBe(maybeRepeated);
}, 300_000);

/**
 * The broker has lines, the edge never learns it, and the line is dead from then on. Answers how many the broker has: nearly
 * always all, but what is written at once may be read in two parts, and then the second one was never sent.
 */
async function batchWithoutAnswer({ broker, topic, edge, log }: World, proxy: FaultProxy): Promise<number> {
  const before = log.written;
  const swallowed = proxy.swallowNextAnswer(produce);
  log.write(unanswered);
  await swallowed;
  await proxy.refuse();
  await edge.hasRead(log.written);
  expect((await edge.book()).held).toBe(unanswered);
  const appended = (await readTopic(broker.internalAddress, topic, () => {})) - before;
  expect(appended).toBeGreaterThan(0);
  return appended;
}

/** Waits until the broker itself says that it knows no producer of the topic any more. */
async function producerIsForgotten({ broker, topic }: World): Promise<void> {
  const { classPath } = await kafkaDistribution();
  const tool = ["java", "-cp", classPath, "org.apache.kafka.tools.TransactionsCommand"];
  const command = [...tool, "--bootstrap-server", broker.internalAddress, "describe-producers"];
  const describe = async () => {
    const run = Bun.spawn([...command, "--topic", topic, "--partition", "0"], { stdout: "pipe", stderr: "pipe" });
    const text = await run.stdout.text();
    if ((await run.exited) !== 0) throw new Error(await run.stderr.text());
    return text.trim().split("\n");
  };
  // A heading and no row.
  await until("the broker to forget the producer", describe, (lines) => lines.length === 1, { withinMs: 60_000 });
}
