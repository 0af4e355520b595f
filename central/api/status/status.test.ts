import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { ownPartition } from "../../testing/partitions.ts";
import { testRecord } from "../../testing/records.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

test("sums everything up, lag and speed among it", async () => {
  await using api = new TestApi();
  await api.put(range(0, 10));
  const partitions = [ownPartition(0, { highWatermark: 25, endOffset: 30 })];
  api.snapshot = {
    ...api.snapshot,
    consumer: { ...api.snapshot.consumer, connected: true, partitions, rebalances: 3 },
  };
  await api.status.sample();
  api.clock.advance(2_000);
  await api.put(range(10, 20));
  await api.status.sample();
  expect(await api.get("/api/v1/status")).toMatchObject({
    stored: 20,
    vehicles: 1,
    missing: 0,
    repeated: 0,
    linesPerSecond: 5,
    lag: 5,
    kafkaConnected: true,
    storeAvailable: true,
  });
  expect(await api.get("/api/v1/lag")).toMatchObject({
    lag: 5,
    rebalances: 3,
    partitions: [{ next: 20, highWatermark: 25, lag: 5 }],
  });
  expect(await (await api.request("/metrics")).text()).toContain("tailgate_central_lag 5\n");
});

test("does not know the lag of a partition that another instance has", async () => {
  await using api = new TestApi();
  await api.put(range(0, 10));
  expect(await api.get("/api/v1/lag")).toMatchObject({ lag: null, partitions: [{ highWatermark: null, lag: null }] });
});

test("answers 503 with a hint while there is no store; it lives, and is not ready", async () => {
  await using api = new TestApi();
  const response = await api.request("/api/v1/status");
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("1");
  expect(await response.json()).toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  expect((await api.request("/livez")).status).toBe(200);
  expect((await api.request("/readyz")).status).toBe(503);
});
