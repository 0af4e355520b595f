import { expect, test } from "bun:test";
import type { Report } from "../../shared/telemetry/log.ts";
import { TestApi, testKey } from "../testing/api.ts";

const keys = [testKey("the-key-for-everything"), testKey("the-key-for-numbers", ["metrics"], "prometheus")];

test("a key is good for its scopes alone", async () => {
  await using api = new TestApi({ keys });
  const status = async (path: string, key: string) =>
    (await api.request(path, { Authorization: `Bearer ${key}` })).status;
  expect(await status("/metrics", "the-key-for-numbers")).toBe(200);
  expect(await status("/api/v1/openapi.json", "the-key-for-numbers")).toBe(403);
  expect(await status("/api/v1/gaps", "the-key-for-numbers")).toBe(403);
  expect(await status("/api/v1/openapi.json", "the-key-for-everything")).toBe(200);
  expect(await status("/api/v1/openapi.json", "the-key-for-everythinG")).toBe(401);
  expect(await status("/api/v1/openapi.json", "")).toBe(401);
});

test("the scheme's name may be in any case", async () => {
  await using api = new TestApi({ keys });
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    const response = await api.request("/metrics", { Authorization: `${scheme} the-key-for-numbers` });
    expect(response.status).toBe(200);
  }
  for (const other of ["Basic the-key-for-numbers", "the-key-for-numbers", "Bearerthe-key-for-numbers"]) {
    expect((await api.request("/metrics", { Authorization: other })).status).toBe(401);
  }
});

test("refusals are logged without the key, and slowed; too many at once are turned away", async () => {
  const said: string[] = [];
  const report: Report = (signal, fields) => said.push(JSON.stringify([signal.name, fields]));
  await using api = new TestApi({ keys, report, refusalDelayMs: 60 });
  const startedMs = performance.now();
  const guess = () => api.request("/api/v1/status", { Authorization: "Bearer guess-after-guess" });
  const answers = await Promise.all(Array.from({ length: 100 }, guess));
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(55);
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(32);
  expect(statuses.filter((status) => status === 429)).toHaveLength(68);
  expect(said.join()).toContain("request_refused");
  expect(said.join()).not.toContain("guess-after-guess");
  // The right key is not slowed by those.
  expect((await api.request("/metrics", { Authorization: "Bearer the-key-for-numbers" })).status).toBe(200);
});
