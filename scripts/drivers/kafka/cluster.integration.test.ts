import { expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { until } from "../../../shared/testing/until.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { growTopic, topicCount } from "./topic.ts";

/** With acks of all in-sync replicas, and no second try. */
async function produce(cluster: Cluster, topic: string, timeoutMs = 10_000): Promise<void> {
  const kafka = new Kafka({ brokers: cluster.address.split(","), logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const producer = kafka.producer();
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, timeout: timeoutMs, messages: [{ value: "a", partition: 0 }] });
  } finally {
    await producer.disconnect();
  }
}

test("three brokers: replicas in sync, elections, reassignment, growth, a disk replaced, an isolated leader", async () => {
  await using cluster = await startCluster();
  await cluster.createTopic("lines", { assignment: [[1, 2, 3]] });
  await produce(cluster, "lines");
  expect((await cluster.leader("lines"))?.id).toBe(1);

  // The leader is killed: another one leads; back, it is preferred again when asked for.
  await cluster.broker(1).kill();
  const second = await cluster.ledByAnother("lines", cluster.broker(1));
  expect(second.id).not.toBe(1);
  await cluster.broker(1).start();
  await cluster.inSync("lines");
  await cluster.elect("preferred", "lines");
  await until("broker 1 to lead", async () => (await cluster.leader("lines"))?.id === 1);

  // Its disk is replaced: it has nothing, and learns all again.
  await cluster.broker(3).replaceDisk();
  await cluster.inSync("lines");
  expect(await cluster.broker(3).logEnd("lines", "replica")).toBe(1);

  await cluster.reassign("lines", () => [2, 3, 1]);
  await cluster.elect("preferred", "lines");
  await until("broker 2 to lead", async () => (await cluster.leader("lines"))?.id === 2);
  await growTopic(cluster.internalAddress, "lines", 3);
  await cluster.inSync("lines");
  expect((await cluster.partitions("lines")).length).toBe(3);
  await cluster.configure("lines", { "min.insync.replicas": "2", "max.message.bytes": "20" });
  await until(
    "a batch to be refused as too large",
    () => produce(cluster, "lines").then(() => false, String),
    (said) => String(said).includes("larger than the max"),
  );
  await cluster.configure("lines", { "min.insync.replicas": "2" });

  // Cut off from all others the leader still takes a batch that only it has, and does not know that it leads no more.
  const end = await cluster.broker(2).logEnd("lines", "replica");
  cluster.isolate(2);
  await until("a batch that only the leader has", async () => {
    await produce(cluster, "lines", 500).catch(() => undefined);
    return (await cluster.broker(2).logEnd("lines", "replica")) > end;
  });
  const next = await cluster.ledByAnother("lines", cluster.broker(2));
  expect((await cluster.leader("lines", 0, cluster.broker(2)))?.id).toBe(2);
  expect(await cluster.broker(2).logEnd("lines", "highWatermark")).toBe(end);
  expect(await next.logEnd("lines", "replica")).toBe(end);
  await cluster.heal();
  await cluster.inSync("lines");
  expect(await cluster.broker(2).logEnd("lines", "replica")).toBe(end);
  expect(await topicCount(cluster.internalAddress, "lines")).toBe(end);
}, 240_000);
