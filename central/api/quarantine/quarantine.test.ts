import { expect, test } from "bun:test";
import type { Report } from "../../../shared/telemetry/log.ts";
import { TestApi, testKey } from "../../testing/api.ts";
import { testRecord } from "../../testing/records.ts";

const reader = { Authorization: "Bearer a-key-to-read-with" };
const operator = { Authorization: "Bearer a-key-to-operate-with" };
const keys = [
  testKey("a-key-to-read-with"),
  testKey("a-key-to-operate-with", ["read", "metrics", "operate"], "operator"),
];

test("an agent is put into quarantine and let in again; who did it is in the log", async () => {
  const said: object[] = [];
  const report: Report = ({ name, level }, fields) => {
    if (level !== "debug") said.push({ name, ...fields });
  };
  await using api = new TestApi({ keys, report });
  const agents = async () => await (await api.request("/api/v1/quarantine", reader)).json();
  const stored = async () => Object(await (await api.request("/api/v1/status", reader)).json());
  expect((await api.request("/api/v1/quarantine/gw1", operator, "PUT")).status).toBe(204);
  expect(await agents()).toEqual({ agents: ["gw1"] });
  await api.put([testRecord({ offset: 0 }), testRecord({ offset: 1, agent: "gw2" })]);
  api.clock.advance(5_000);
  expect(await stored()).toMatchObject({ stored: 1, deadLettered: 1 });
  expect((await api.request("/api/v1/quarantine/gw1", operator, "DELETE")).status).toBe(204);
  expect(await agents()).toEqual({ agents: [] });
  expect(said).toMatchObject([
    { name: "operator_acted", verb: "begin quarantine", agent: "gw1", key: "operator" },
    { name: "operator_acted", verb: "end quarantine", agent: "gw1", key: "operator" },
  ]);
});

test("the books of one lane, then of the whole agent, are closed; events stay", async () => {
  const said: object[] = [];
  await using api = new TestApi({
    keys,
    report: ({ name, level }, fields) => {
      if (level !== "debug") said.push({ name, ...fields });
    },
  });
  await api.put([testRecord({ offset: 0 }), testRecord({ offset: 1, lane: 1, seq: 7 })]);
  const forget = async (query: string) => {
    return await (await api.request(`/api/v1/ledger?${query}`, operator, "DELETE")).json();
  };
  expect(await forget("agent=gw1&stream=drive&lane=1")).toEqual({ lanes: 1 });
  expect(await forget("agent=gw1")).toEqual({ lanes: 1 });
  expect(await forget("agent=gw1")).toEqual({ lanes: 0 });
  const status = await (await api.request("/api/v1/status", reader)).json();
  expect(status).toMatchObject({ stored: 2, missing: 0 });
  expect(said).toMatchObject([{ verb: "forget", agent: "gw1", lane: 1, lanes: 1, key: "operator" }, {}, {}]);
});

const verbs = [
  ["PUT", "/api/v1/quarantine/gw1"],
  ["DELETE", "/api/v1/quarantine/gw1"],
  ["DELETE", "/api/v1/ledger?agent=gw1"],
] as const;

test.each(verbs)("%s %s needs a key of its own, where nobody else is asked for one too", async (method, path) => {
  await using open = new TestApi();
  const refused = await open.request(path, {}, method);
  expect([refused.status, Object(await refused.json()).code]).toEqual([403, "CENTRAL_FORBIDDEN"]);
  await using api = new TestApi({ keys });
  expect((await api.request(path, {}, method)).status).toBe(401);
  expect((await api.request(path, reader, method)).status).toBe(403);
});

test.each([
  ["PUT", "/api/v1/quarantine/topic%20drive"],
  ["DELETE", "/api/v1/ledger"],
  ["DELETE", "/api/v1/ledger?agent=gw1&lane=-1"],
  ["DELETE", "/api/v1/ledger?agent=gw1&stream="],
  ["DELETE", "/api/v1/ledger?agent=gw1&lanes=1"],
  ["DELETE", "/api/v1/ledger?agent=gw1&lane=1&lane=2"],
])("%s %s is refused: a mistake closes no books", async (method, path) => {
  await using api = new TestApi({ keys });
  expect((await api.request(path, operator, method)).status).toBe(400);
});
