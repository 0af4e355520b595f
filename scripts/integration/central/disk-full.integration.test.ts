import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestProducer } from "../../../central/testing/producer.ts";
import { soonMs } from "../../../shared/testing/soon.ts";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { mountedDisk } from "../../drivers/faults/mounted-disk.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

test("the store's disk is full: it says so, goes on when there is room, and everything is stored once", async () => {
  const topic = "full";
  await createTopic(broker.internalAddress, topic, { partitions: 2 });
  await using producer = await TestProducer.connect(broker.address, topic, 2);
  using disk = mountedDisk(24);
  const store = join(disk.path, "central.db");
  await using central = await launchCentral({ brokers: broker.address, topics: [topic], store });
  await producer.send(2_000);
  await central.stored(2_000);
  const ballast = join(disk.path, "ballast");
  // As another program would: all of it, to the last page.
  for (let bytes = 32 * 1024 * 1024; bytes >= 512; bytes /= 2) {
    try {
      writeFileSync(ballast, Buffer.alloc(bytes), { flag: "a" });
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "ENOSPC" });
    }
  }
  const ready = async () => {
    const answer = await fetch(`${central.url}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  await until("an idle one to say that nothing more can be stored", ready, (said) => /^503 .*disk is full/.test(said));
  let sent = 2_000;
  await until(
    "the store to be away",
    async () => {
      sent = await producer.send(5_000);
      return await central.status();
    },
    ({ storeAvailable }) => !storeAvailable,
    { everyMs: 1_000, withinMs: 30_000 },
  );
  expect((await fetch(`${central.url}/readyz`)).status).toBe(503);
  rmSync(ballast);
  const began = performance.now();
  await until(
    "the store to be back",
    () => central.status(),
    ({ storeAvailable }) => storeAvailable,
    { withinMs: 30_000 },
  );
  expect(performance.now() - began).toBeLessThan(soonMs(2_000));
  expect(await central.stored(sent)).toMatchObject({ stored: sent, missing: 0, repeated: 0, deadLettered: 0 });
  await central.child.stop();
  expect(storeSums(store)).toEqual({ events: sent, counted: sent, received: sent });
}, 90_000);
