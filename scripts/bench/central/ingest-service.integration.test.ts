/** Central's writing half in one process with the test, and its benchmark in its shortest form. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { loadConfig } from "../../../central/config/load.ts";
import { startIngest } from "../../../central/ingest/service.ts";
import { TestProducer } from "../../../central/testing/producer.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { runCentralBench } from "./ingest.bench.ts";
import { runReadBench } from "./reads.bench.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

function configOf(topic: string, store: string) {
  const environment = {
    KAFKA_BROKERS: broker.address,
    TAILGATE_TOPICS: topic,
    TAILGATE_GROUP: topic,
    TAILGATE_STORE: store,
  };
  return loadConfig({ file: undefined, environment });
}

test("says what it holds and how far it is, and stops cleanly", async () => {
  using dir = tempDir();
  const store = dir.file("central.db");
  await createTopic(broker.internalAddress, "service", { partitions: 2 });
  await using producer = await TestProducer.connect(broker.address, "service", 2);
  await producer.send(500);
  const service = await startIngest(configOf("service", store), silent, () => {}, new AbortController().signal);
  await until(
    "all to be stored",
    () => service.snapshot(),
    ({ counters }) => counters.stored === 500,
  );
  const { consumer, counters } = service.snapshot();
  expect(consumer.partitions.map(({ highWatermark }) => highWatermark)).toEqual([250, 250]);
  expect(consumer).toMatchObject({ connected: true, rebalances: 1 });
  expect(counters).toMatchObject({ storeAvailable: true, repeated: 0, fenced: 0 });
  await service.stop();
  expect(storeSums(store)).toEqual({ events: 500, counted: 500, received: 500 });
}, 60_000);

test("gives up waiting for a store that cannot be opened when it is told to", async () => {
  const stop = new AbortController();
  const starting = startIngest(configOf("service", "/proc/no/such/place.db"), silent, () => {}, stop.signal);
  stop.abort();
  await expect(starting).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
});

test("the benchmark stores what it sends", async () => {
  const result = await runCentralBench({ brokers: [broker.address], events: 20_000, vehicles: 50 });
  expect(result).toMatchObject({ events: 20_000, missing: 0, repeated: 0 });
  expect(result.storeBytesPerEvent).toBeGreaterThan(0);
}, 60_000);

test("the benchmark of reads asks for whole vehicle-hours", async () => {
  const result = await runReadBench({ brokers: [broker.address], rows: 80_000, events: 10_000, vehicles: 10 });
  expect(result.eventsPerHour).toBe(3_600);
  expect(result.lastState.requests).toBeGreaterThan(0);
}, 60_000);
