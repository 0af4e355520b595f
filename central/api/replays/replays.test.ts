import { expect, test } from "bun:test";
import { operatorLines, TestApi, testKey } from "../../testing/api.ts";
import { testRefusals } from "../../testing/refusals.ts";

const keys = [testKey("a-key-for-reading", ["read"]), testKey("a-key-for-operators", ["read", "operate"], "ops")];
const reader = { Authorization: "Bearer a-key-for-reading" };
const operator = { Authorization: "Bearer a-key-for-operators" };
const intoStore = { into: { kind: "store" } };

test("makes a replay, lists it, turns it, and says so in the log with the key's name", async () => {
  const said: unknown[] = [];
  await using api = new TestApi({ keys, report: operatorLines((fields) => said.push(fields)) });
  await api.store.probe();
  const made = await api.post("/api/v1/replays", operator, { ...intoStore, topics: ["drive"], from: { offset: 3 } });
  expect(made.status).toBe(201);
  const body = await made.json();
  expect(body).toMatchObject({
    id: 1,
    state: "running",
    definition: { topics: ["drive"], from: { offset: 3 }, recordsPerSecondMax: 10_000, into: { kind: "store" } },
    askedBy: "ops",
    progress: { resolved: false, done: 0, total: 0, fraction: 0 },
    gone: [],
  });
  expect(body).not.toHaveProperty("uid");
  expect(said).toMatchObject([{ verb: "begin replay", replay: 1, into: "store", key: "ops" }]);
  const list = await (await api.request("/api/v1/replays", reader)).json();
  expect(list).toEqual({ replays: [body] });
  const turn = async (verb: string) => await api.post(`/api/v1/replays/1/${verb}`, operator, undefined);
  expect(await (await turn("pause")).json()).toMatchObject({ state: "paused" });
  expect(await (await turn("resume")).json()).toMatchObject({ state: "running" });
  expect(await (await turn("cancel")).json()).toMatchObject({ state: "cancelled", endedAtMs: expect.any(Number) });
  const late = await turn("pause");
  expect([late.status, await late.json()]).toMatchObject([409, { code: "CENTRAL_REPLAY_STATE" }]);
  expect(said).toHaveLength(4);
});

test("pages go from the newest to the oldest", async () => {
  await using api = new TestApi();
  for (let count = 0; count < 5; count++) {
    await api.store.replays.createReplay({ recordsPerSecondMax: 1, into: { kind: "store" } }, "me");
  }
  const ids = (page: Record<string, unknown>) =>
    JSON.parse(JSON.stringify(page.replays)).map((one: { id: number }) => one.id);
  const first = await api.get("/api/v1/replays?limit=3");
  expect(ids(first)).toEqual([5, 4, 3]);
  const second = await api.get(`/api/v1/replays?limit=3&cursor=${first.next}`);
  expect([ids(second), second.next]).toEqual([[2, 1], undefined]);
  expect(await api.get("/api/v1/replays/9")).toMatchObject({ status: 404, code: "CENTRAL_REPLAY_UNKNOWN" });
});

test.each([
  ["no target", {}],
  ["another word", { ...intoStore, form: { offset: 1 } }],
  ["a bound of two kinds", { ...intoStore, from: { offset: 1, timeMs: 2 } }],
  ["no topic", { ...intoStore, topics: [] }],
  ["a topic that cannot be", { ...intoStore, topics: ["a b"] }],
  ["a speed of 0", { into: { kind: "topic", topic: "copy", speed: 0 } }],
  ["no rate", { ...intoStore, recordsPerSecondMax: 0 }],
  ["into what central stores: it would read what it writes", { into: { kind: "topic", topic: "drive" } }],
  ["into what it reads", { topics: ["x"], into: { kind: "topic", topic: "x" } }],
])("refuses %s", async (_, body) => {
  await using api = new TestApi({ keys });
  await api.store.probe();
  const response = await api.post("/api/v1/replays", operator, body);
  expect([response.status, await response.json()]).toMatchObject([400, { hint: expect.any(String) }]);
});

test("a bound that is none: what is wanted is said", async () => {
  await using api = new TestApi({ keys });
  await api.store.probe();
  const response = await api.api.request("/api/v1/replays", {
    method: "POST",
    headers: { ...operator, "Content-Type": "application/json" },
    body: JSON.stringify({ from: "start", into: { kind: "store" } }),
  });
  expect(await response.json()).toMatchObject({
    status: 400,
    detail: 'read the parameters: from: write { "offset": N } or { "timeMs": N }',
  });
});

test("a key without the scope makes, turns, redrives and erases nothing", async () => {
  await using api = new TestApi({ keys });
  await api.store.probe();
  for (const path of ["/api/v1/replays", "/api/v1/replays/1/cancel", "/api/v1/dead-letters/redrive"]) {
    expect((await api.post(path, reader, { ...intoStore, all: true })).status).toBe(403);
  }
  expect((await api.request("/api/v1/vehicles/car-1", reader, "DELETE")).status).toBe(403);
  expect((await api.request("/api/v1/suppressions/car-1", reader, "DELETE")).status).toBe(403);
});

test("a store without replay says so, and keeps to what it has", async () => {
  await using api = new TestApi({ keys, withoutReplays: true });
  for (const path of ["/api/v1/replays", "/api/v1/replays/1", "/api/v1/suppressions"]) {
    const response = await api.request(path, reader);
    expect([response.status, await response.json()]).toMatchObject([501, { code: "CENTRAL_REPLAY_UNSUPPORTED" }]);
  }
  expect((await api.request("/api/v1/vehicles/car-1", operator, "DELETE")).status).toBe(501);
});

testRefusals([
  ["/api/v1/replays?limit=x", "limit"],
  ["/api/v1/replays?cursor=MQ", "none of this query's"],
  ["/api/v1/replays/one", "a number"],
  ["/api/v1/suppressions?limit=0", "limit"],
]);
