import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { otherPartition, ownPartition } from "../../testing/partitions.ts";
import { testRecord } from "../../testing/records.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

test("is ready when the store takes writes, whether Kafka is there or not", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  expect((await api.request("/readyz")).status).toBe(200);
  api.snapshot = { ...api.snapshot, counters: { ...api.snapshot.counters, storeAvailable: false } };
  expect((await api.request("/readyz")).status).toBe(503);
});

test("is not ready while the writing half is silent: what it said last is not what it is", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  api.snapshot = { ...api.snapshot, silentMs: 9_000 };
  expect((await api.request("/readyz")).status).toBe(200);
  api.snapshot = { ...api.snapshot, silentMs: 11_000 };
  const response = await api.request("/readyz");
  expect(response.status).toBe(503);
  expect(await response.text()).toContain("the writing half has been silent for 11 s");
});

test("is not ready while partitions of its topics are read by nobody it knows, stand still, or the group refuses it", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  const { consumer } = api.snapshot;
  const others = [otherPartition(1, { reader: "stranger", highWatermark: 7, unreadForMs: 25_000 })];
  api.snapshot = { ...api.snapshot, consumer: { ...consumer, others } };
  const response = await api.request("/readyz");
  expect(response.status).toBe(503);
  expect(await response.text()).toContain("nobody reads 1 partitions into this store: drive/1");
  expect(await api.get("/api/v1/status")).toMatchObject({ unreadPartitions: 1, lag: 7 });
  expect(await (await api.request("/metrics")).text()).toContain("tailgate_central_unread_partitions 1\n");
  api.snapshot = { ...api.snapshot, consumer: { ...consumer, others: [otherPartition(1)] } };
  expect((await api.request("/readyz")).status).toBe(200);
  api.snapshot = {
    ...api.snapshot,
    consumer: { ...consumer, partitions: [ownPartition(0, { stalledForMs: 31_000 })] },
  };
  expect(await (await api.request("/readyz")).text()).toContain("stand still: drive/0");
  api.snapshot = { ...api.snapshot, consumer: { ...consumer, groupRefused: true } };
  expect(await (await api.request("/readyz")).text()).toContain("does not let this central in");
});

test("is not ready when a broker says, now, that there is more, and the store's position stands still", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  const { consumer } = api.snapshot;
  const shown = async (partition: ReturnType<typeof ownPartition>) => {
    api.snapshot = { ...api.snapshot, consumer: { ...consumer, connected: true, partitions: [partition] } };
    for (let second = 0; second <= 31; second++) {
      await api.status.sample();
      api.clock.advance(1_000);
    }
    return await api.request("/readyz");
  };
  expect((await shown(ownPartition(0, { highWatermark: 1 }))).status).toBe(200);
  const still = await shown(ownPartition(0, { highWatermark: 25_001 }));
  expect(still.status).toBe(503);
  expect(await still.text()).toContain("stand still: drive/0");
  await api.put(range(1, 2));
  expect((await api.request("/readyz")).status).toBe(200);
});

test("is not ready when Kafka answers, but not how far a partition goes; lag is unknown then, and says how old it is", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  const partitions = [ownPartition(0, { highWatermark: 2, untoldForMs: 31_000 })];
  const consumer = { ...api.snapshot.consumer, connected: true, partitions };
  api.snapshot = { ...api.snapshot, consumer };
  // It has answered for a moment only: after an outage it tells within seconds.
  expect((await api.request("/readyz")).status).toBe(200);
  api.clock.advance(31_000);
  const response = await api.request("/readyz");
  expect(response.status).toBe(503);
  expect(await response.text()).toContain("not how far 1 partitions go: drive/0");
  expect(await api.get("/api/v1/status")).toMatchObject({ lag: null, lagUntoldForMs: 31_000 });
  // Kafka is away: another instance would do no better.
  api.snapshot = { ...api.snapshot, consumer: { ...consumer, connected: false } };
  expect((await api.request("/readyz")).status).toBe(200);
  // It is back, and has not told yet.
  api.snapshot = { ...api.snapshot, consumer };
  expect((await api.request("/readyz")).status).toBe(200);
});

test("health and metrics say what they are: text", async () => {
  await using api = new TestApi();
  for (const path of ["/livez", "/readyz", "/metrics"]) {
    expect((await api.request(path)).headers.get("Content-Type")).toStartWith("text/plain");
  }
});
