import { expect, test } from "bun:test";
import { createClient } from "./client.ts";
import { TestApi, testKey } from "./testing/api.ts";
import { noonMs, testRecord } from "./testing/records.ts";

test("a client has the routes' own types: parameters, answers and problems", async () => {
  await using api = new TestApi({ keys: [testKey("a-key-of-some-length")] });
  await api.put([testRecord({ offset: 0 }), testRecord({ offset: 1, vehicle: "car-2" })]);
  const send = Object.assign(
    async (url: string | URL | Request, init?: RequestInit) => await api.api.request(String(url), init),
    {
      preconnect: () => {},
    },
  );
  const central = createClient("http://central", { key: "a-key-of-some-length", fetch: send });
  const page = await central.api.v1.vehicles.$get({ query: { limit: "1" } });
  if (page.status !== 200) throw new Error(`status ${page.status}`);
  const { vehicles, next } = await page.json();
  expect(vehicles.map(({ vehicle, streams }) => [vehicle, streams[0]?.events])).toEqual([["car-1", 1]]);
  const second = await central.api.v1.vehicles.$get({ query: { limit: "1", cursor: next } });
  if (second.status !== 200) throw new Error(`status ${second.status}`);
  expect((await second.json()).vehicles[0]?.vehicle).toBe("car-2");
  const missing = await central.api.v1.vehicles[":vehicle"].$get({ param: { vehicle: "ghost" }, query: {} });
  if (missing.status !== 404) throw new Error(`status ${missing.status}`);
  expect((await missing.json()).code).toBe("CENTRAL_NOT_FOUND");
});

test("a client has the routes that stream, too", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0, value: '{"speed":3}' })]);
  const send = Object.assign(
    async (url: string | URL | Request, init?: RequestInit) => await api.api.request(String(url), init),
    { preconnect: () => {} },
  );
  const central = createClient("http://central", { fetch: send });
  const query = { stream: "drive", field: "/speed", from: String(noonMs), to: String(noonMs + 1_000) };
  const answer = await central.api.v1.vehicles[":vehicle"].series.$get({ param: { vehicle: "car-1" }, query });
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  expect((await answer.json()).buckets[0]?.last).toBe(3);
  const lines = await central.api.v1.events.$get({ query: { vehicle: "car-1", format: "ndjson" } });
  expect(JSON.parse(await lines.text()).offset).toBe(0);
  const feed = await central.api.v1.events.stream.$get({ query: {} });
  const reader = feed.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toStartWith("event: ready\n");
  await reader?.cancel();
});
