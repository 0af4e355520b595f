import { expect, test } from "bun:test";
import { until } from "../../../shared/testing/until.ts";
import { operatorLines, TestApi, testKey } from "../../testing/api.ts";
import { testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

const operator = { Authorization: "Bearer a-key-for-operators" };
const keys = [testKey("a-key-for-operators", ["read", "operate"], "ops")];
const range = (from: number, to: number, vehicle = "car-1") =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, vehicle }));

async function said(response: Response | Promise<Response>) {
  const answer = await response;
  return { ...Object(await answer.json()), status: answer.status };
}

test("a job tries those that were chosen, in steps, and says what became of them; each turn is in the log", async () => {
  const acted: unknown[] = [];
  await using api = new TestApi({ keys, report: operatorLines((fields) => acted.push(fields)) });
  await api.store.quarantine("gw1", true);
  // Of one append only the first are kept with their bytes.
  await api.put(range(0, 70));
  await api.put([...range(70, 130), ...range(130, 140, "car-2")]);
  await api.store.quarantine("gw1", false);
  const job = async (id: number) => await (await api.request(`/api/v1/redrives/${id}`, operator)).json();
  const begun = await said(api.post("/api/v1/redrives", operator, { vehicle: "car-1", reason: "quarantine" }));
  expect(begun).toMatchObject({ status: 201, id: 1, state: "running", askedBy: "ops", progress: { letters: 130 } });
  expect(await said(api.post("/api/v1/redrives", operator, { all: true }))).toMatchObject({
    status: 409,
    code: "CENTRAL_REDRIVE_RUNNING",
  });
  api.redrives.start();
  await until("it is done", async () => Object(await job(1)).state === "done");
  expect(await job(1)).toMatchObject({
    choice: { vehicle: "car-1", reason: "quarantine" },
    progress: { letters: 130, fraction: 1 },
    counts: { tried: 130, stored: 130, stayed: 0 },
  });
  expect(await (await api.request("/api/v1/dead-letters/count", operator)).json()).toEqual({
    letters: 10,
    records: 10,
  });
  // One that waits already is taken at once.
  await api.post("/api/v1/redrives", operator, { all: true });
  await until("the rest is done", async () => Object(await job(2)).state === "done");
  expect(await (await api.request("/api/v1/dead-letters/count", operator)).json()).toEqual({ letters: 0, records: 0 });
  expect(await said(api.post("/api/v1/redrives/2/cancel", operator, {}))).toMatchObject({
    status: 409,
    code: "CENTRAL_REDRIVE_STATE",
  });
  const list = await (await api.request("/api/v1/redrives?limit=1", operator)).json();
  const { redrives, next } = Object(list);
  expect(redrives).toMatchObject([{ id: 2, choice: {} }]);
  const rest = await (await api.request(`/api/v1/redrives?limit=1&cursor=${next}`, operator)).json();
  expect(rest).toMatchObject({ redrives: [{ id: 1 }] });
  expect(acted).toMatchObject([
    { verb: "begin redrive", redrive: 1, vehicle: "car-1", reason: "quarantine", letters: 130, key: "ops" },
    { verb: "begin redrive", redrive: 2, letters: 10, key: "ops" },
  ]);
});

test("one that runs is cancelled, and tries nothing more", async () => {
  await using api = new TestApi({ keys });
  await api.store.quarantine("gw1", true);
  await api.put(range(0, 5));
  await api.store.quarantine("gw1", false);
  await api.post("/api/v1/redrives", operator, { all: true });
  expect(await said(api.post("/api/v1/redrives/1/cancel", operator, {}))).toMatchObject({ state: "cancelled" });
  await api.post("/api/v1/redrives", operator, { topic: "charge" });
  api.redrives.start();
  await until("the one after it is done", async () => {
    const answer = await api.request("/api/v1/redrives/2", operator);
    return Object(await answer.json()).state === "done";
  });
  expect(await (await api.request("/api/v1/dead-letters/count", operator)).json()).toEqual({ letters: 5, records: 5 });
});

test("what names nothing begins nothing; a job that is not there is said; a store without them says so", async () => {
  await using api = new TestApi({ keys });
  await api.put(range(0, 1));
  for (const body of [{}, { al: true }, { topic: "" }, { all: false }]) {
    expect((await api.post("/api/v1/redrives", operator, body)).status).toBe(400);
  }
  expect(await said(api.request("/api/v1/redrives/7", operator))).toMatchObject({
    status: 404,
    code: "CENTRAL_REDRIVE_UNKNOWN",
  });
  expect(await said(api.post("/api/v1/redrives/7/cancel", operator, {}))).toMatchObject({ status: 404 });
  await using without = new TestApi({ withoutReplays: true });
  expect(await without.get("/api/v1/redrives")).toMatchObject({ status: 501, code: "CENTRAL_REDRIVE_UNSUPPORTED" });
});

testRefusals([
  ["/api/v1/redrives?limit=101", "limit"],
  ["/api/v1/redrives?cursor=MQ", "none of this query's"],
  ["/api/v1/redrives/x", "a number"],
]);
