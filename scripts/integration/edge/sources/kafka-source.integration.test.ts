/** From topic to topic through an agent that is killed with -9 again and again: each record once, in order, key and headers kept. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKafka } from "../../../../shared/kafka/connection/client.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../../drivers/kafka/broker.ts";
import { createTopic, topicCount, topicRecords } from "../../../drivers/kafka/topic.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");
const dir = tempDir();
let broker: Broker;
let agent: Child | undefined;
let adminPort = 0;

beforeAll(async () => {
  broker = await startBroker();
  adminPort = await freePort();
}, 90_000);

afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

function writeConfig(source: object): void {
  const config = {
    agent: "gw-1",
    dataDir: dir.file("data"),
    linger: "10ms",
    sources: { in: { type: "kafka", brokers: [broker.address], sessionTimeout: "6s", channels: ["main"], ...source } },
    channels: { main: { type: "sqlite", freeDisk: 0 } },
    sinks: { out: { type: "kafka", channel: "main", brokers: [broker.address], topic: "copy", partition: "agent" } },
    admin: { address: `127.0.0.1:${adminPort}` },
  };
  writeFileSync(dir.file("tailgate.yaml"), JSON.stringify(config));
}

async function startAgent(): Promise<void> {
  agent = startChild({ command: [process.execPath, main, "run", dir.file("tailgate.yaml")] });
  const ready = async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
  await until("the agent to be ready", ready, Boolean, { withinMs: 30_000 });
}

async function produce(topic: string, from: number, count: number): Promise<void> {
  const producer = createKafka({
    brokers: [broker.address],
    clientId: "test",
    report: silent,
    component: "test",
  }).producer();
  await producer.connect();
  for (let at = from; at < from + count; at += 1_000) {
    const messages = Array.from({ length: Math.min(1_000, from + count - at) }, (_, index) => ({
      key: `car-${(at + index) % 7}`,
      value: `${topic} ${at + index}`,
      headers: { foreign: `h${at + index}` },
      partition: (at + index) % 2,
    }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

test("killed three times among 20,000 records: none lost, none repeated", async () => {
  for (const topic of ["orders-a", "orders-b", "copy"])
    await createTopic(broker.internalAddress, topic, { partitions: topic === "copy" ? 1 : 2 });
  writeConfig({ topicsPattern: "^orders-", groupId: "copier", commitInterval: "200ms", topicHeader: "from" });
  await produce("orders-a", 0, 10_000);
  await startAgent();
  const producing = produce("orders-b", 0, 10_000);
  for (const share of [0.1, 0.4, 0.7]) {
    await until(
      "some to arrive",
      () => topicCount(broker.internalAddress, "copy"),
      (count) => count > share * 20_000,
      {
        withinMs: 60_000,
        everyMs: 20,
      },
    );
    await agent?.[Symbol.asyncDispose]();
    await startAgent();
  }
  await producing;
  const count = () => topicCount(broker.internalAddress, "copy");
  await until("all of them", count, (seen) => seen >= 20_000, { withinMs: 90_000, everyMs: 200 });
  await Bun.sleep(1_000);
  const records = await topicRecords(broker.internalAddress, "copy");
  const values = records.map(({ value }) => String(value));
  console.log(
    `topic to topic, killed three times: ${values.length} of 20000, repeated ${values.length - new Set(values).size}`,
  );
  expect(values.length).toBe(20_000);
  expect(new Set(values).size).toBe(20_000);
  for (const topic of ["orders-a", "orders-b"]) {
    for (const partition of [0, 1]) {
      const numbers = values
        .filter((value) => value.startsWith(`${topic} `))
        .map((value) => Number(value.split(" ")[1]))
        .filter((number) => number % 2 === partition);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  }
  const [first] = records;
  expect([String(first?.key), first?.headers]).toEqual([
    expect.stringMatching(/^car-\d$/),
    expect.stringMatching(/from=orders-[ab],foreign=h\d+/),
  ]);
}, 300_000);
