import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { noonMs, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

test("shows vehicles with their last state and its age, page by page", async () => {
  await using api = new TestApi();
  await api.put(["a", "b", "c"].map((vehicle, offset) => testRecord({ offset, vehicle, timeMs: noonMs - 5_000 })));
  const first = await api.get("/api/v1/vehicles?limit=2");
  expect(first.vehicles).toMatchObject([
    { vehicle: "a", streams: [{ stream: "drive", events: 1, ageMs: 5_000, value: "value 0" }] },
    { vehicle: "b" },
  ]);
  const second = await api.get(`/api/v1/vehicles?limit=2&cursor=${first.next}`);
  expect(second.vehicles).toMatchObject([{ vehicle: "c" }]);
  expect(second.next).toBeUndefined();
  expect(await api.get("/api/v1/vehicles/b")).toMatchObject({ vehicle: "b" });
});

test("says that a vehicle is not known, as a problem with code and hint", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0 })]);
  const response = await api.request("/api/v1/vehicles/ghost");
  expect(response.status).toBe(404);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  const requestId = response.headers.get("X-Request-Id");
  expect(await response.json()).toMatchObject({
    code: "CENTRAL_NOT_FOUND",
    status: 404,
    hint: expect.stringContaining("/api/v1/vehicles"),
    requestId,
  });
});

testRefusals([
  ["/api/v1/vehicles?limit=5000", "limit"],
  ["/api/v1/vehicles?limit=1e2", "whole number"],
  ["/api/v1/vehicles?limit=", "whole number"],
  ["/api/v1/vehicles?valueBytes=70000", "valueBytes"],
  ["/api/v1/vehicles?cursor=nonsense", "none of this query's"],
  ["/api/v1/vehicles?cursor=YQ", "none of this query's"],
  ["/api/v1/vehicles?cursor=", "none of this query's"],
]);

test("goes on after names of any length: its own cursor is accepted", async () => {
  await using api = new TestApi();
  const names = ["a".repeat(256), "ü".repeat(128), "z".repeat(256)];
  await api.put(names.map((vehicle, offset) => testRecord({ offset, vehicle })));
  const seen: unknown[] = [];
  let next: unknown;
  do {
    const body = await api.get(`/api/v1/vehicles?limit=1${next === undefined ? "" : `&cursor=${next}`}`);
    const [first] = Array.isArray(body.vehicles) ? body.vehicles : [];
    seen.push(first?.vehicle);
    next = body.next;
  } while (next !== undefined);
  expect(seen).toEqual([...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
});

test("finds vehicles whose names a path cannot hold", async () => {
  await using api = new TestApi();
  await api.put([".", "..", "a/b"].map((vehicle, offset) => testRecord({ offset, vehicle })));
  for (const vehicle of [".", "..", "a/b"]) {
    const body = await api.get(`/api/v1/vehicles?vehicle=${encodeURIComponent(vehicle)}`);
    expect(body.vehicles).toMatchObject([{ vehicle, streams: [{ stream: "drive" }] }]);
  }
  expect((await api.get("/api/v1/vehicles?vehicle=ghost")).vehicles).toEqual([]);
});

test("shows the beginning of long states, and how long they are", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0, vehicle: "a", value: "x".repeat(1_000_000) })]);
  const shown = async (query: string) => {
    const body = await api.get(`/api/v1/vehicles${query}`);
    const [vehicle] = Array.isArray(body.vehicles) ? body.vehicles : [];
    const [{ value, valueSize }] = vehicle.streams;
    return [value.length, valueSize];
  };
  expect(await shown("")).toEqual([4_096, 1_000_000]);
  expect(await shown("?valueBytes=10")).toEqual([10, 1_000_000]);
  expect(await api.get("/api/v1/vehicles/a?valueBytes=0")).toMatchObject({
    streams: [{ value: "", valueSize: 1_000_000 }],
  });
});

test("one vehicle with more streams than fit into an answer is cut, and says so", async () => {
  await using api = new TestApi();
  const value = "x".repeat(65_536);
  await api.put(
    Array.from({ length: 100 }, (_, offset) => testRecord({ offset, seq: 0, stream: `s${offset}`, value })),
  );
  const body = await api.get("/api/v1/vehicles/car-1?valueBytes=65536");
  expect(body.streamsCut).toBe(true);
  expect(JSON.stringify(body).length).toBeLessThan(6_000_000);
  expect(await api.get("/api/v1/vehicles/car-1?valueBytes=10")).toMatchObject({ streamsCut: false });
});

test("a page ends at its bytes, whatever the limit, and goes on without a loss", async () => {
  await using api = new TestApi();
  const value = "x".repeat(1_000_000);
  for (let offset = 0; offset < 12; offset++)
    await api.put([testRecord({ offset, seq: offset, vehicle: `v${String(offset).padStart(2, "0")}`, value })]);
  const seen: unknown[] = [];
  let next: unknown;
  do {
    const response = await api.request(
      `/api/v1/vehicles?limit=1000&valueBytes=65536${next === undefined ? "" : `&cursor=${next}`}`,
    );
    const text = await response.text();
    expect(text.length).toBeLessThan(6_000_000);
    const body = JSON.parse(text);
    seen.push(...body.vehicles.map(({ vehicle }: { vehicle: string }) => vehicle));
    next = body.next;
  } while (next !== undefined);
  expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => `v${String(index).padStart(2, "0")}`));
});
