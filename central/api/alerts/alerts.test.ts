import { afterEach, beforeEach, expect, test } from "bun:test";
import { noRulesSnapshot } from "../../ingest/rules-snapshot.ts";
import { parseRules } from "../../rules/file/read.ts";
import { RulesStep } from "../../rules/step.ts";
import { TestApi } from "../../testing/api.ts";
import { noonMs, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

const yaml = `
groups:
  - name: g
    rules:
      - { alert: Jump, streams: [drive], edge: event.speed > 200, minInterval: 0s, value: event.speed, labels: { severity: high } }
      - { alert: Fast, streams: [drive], expr: event.speed > 120 }
`;
let api: TestApi;
let step: RulesStep;

beforeEach(async () => {
  step = new RulesStep(parseRules("rules.yaml", yaml));
  api = new TestApi({ eventRules: { step, targets: [] } });
  const speeds = [10, 210, 10, 220, 10, 230, 240];
  await api.put(speeds.map((speed, offset) => testRecord({ offset, value: JSON.stringify({ speed }) })));
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

test("alerts come newest first, in pages, by vehicle, rule and state", async () => {
  const first = await api.get("/api/v1/alerts?rule=Jump&limit=2");
  expect(first.alerts).toMatchObject([
    { rule: "Jump", state: "occurred", firedMs: noonMs + 5_000, value: "230", labels: { severity: "high" } },
    { rule: "Jump", firedMs: noonMs + 3_000 },
  ]);
  const second = await api.get(`/api/v1/alerts?rule=Jump&limit=2&cursor=${first.next}`);
  expect(second.alerts).toMatchObject([{ firedMs: noonMs + 1_000 }]);
  expect(second.next).toBeUndefined();
  expect((await api.get("/api/v1/alerts?state=firing")).alerts).toMatchObject([{ rule: "Fast" }]);
  expect((await api.get("/api/v1/alerts?vehicle=nobody")).alerts).toEqual([]);
  expect((await api.request(`/api/v1/alerts?rule=Fast&cursor=${first.next}`)).status).toBe(400);
});

test("rules are shown with what they have seen and what is in the store", async () => {
  api.snapshot = { ...api.snapshot, rules: { ...noRulesSnapshot, counts: step.counts } };
  const body = await api.get("/api/v1/rules");
  expect(body).toMatchObject({ file: "rules.yaml", vehicles: 1, vehiclesMax: 20_000, undelivered: 0, dropped: 0 });
  expect(body.rules).toMatchObject([
    { name: "Jump", kind: "edge", alerts: 3, firing: 0, evaluated: 7, late: 0, errors: 0 },
    { name: "Fast", kind: "threshold", expr: "event.speed > 120", firing: 1, forMs: 0 },
  ]);
});

test("without a rules file there are none, and no file is named", async () => {
  await using bare = new TestApi();
  await bare.put([testRecord({ offset: 0 })]);
  const body = await bare.get("/api/v1/rules");
  expect(body.rules).toEqual([]);
  expect(body.file).toBeUndefined();
});

testRefusals([
  ["/api/v1/alerts?limit=-1", "limit"],
  ["/api/v1/alerts?state=loud", "state"],
  ["/api/v1/alerts?cursor=MQ", "none of this query's"],
]);
