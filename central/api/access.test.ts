import { expect, test } from "bun:test";
import type { Report } from "../../shared/telemetry/log.ts";
import { scopes } from "../config/api-key.ts";
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

test("whatever changes something needs the scope operate, and the relay its own: a key for all the rest is refused", async () => {
  const rest = (without: string) => scopes.filter((scope) => scope !== without);
  const others = {
    operate: testKey("a-key-without-operate", rest("operate")),
    relay: testKey("a-key-without-relay", rest("relay")),
  };
  await using api = new TestApi({ keys: [...keys, others.operate, others.relay] });
  const headers = { Authorization: "Bearer the-key-for-everything" };
  const { paths } = Object(await (await api.request("/api/v1/openapi.json", headers)).json());
  const changes = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).flatMap((method) => (method === "get" ? [] : [[method.toUpperCase(), path] as const])),
  );
  expect(changes).toContainEqual(["POST", "/api/v1/dead-letters/redrive"]);
  expect(changes).toContainEqual(["POST", "/api/v1/redrives"]);
  expect(changes).toContainEqual(["DELETE", "/api/v1/vehicles/{vehicle}"]);
  expect(changes).toContainEqual(["POST", "/api/v1/replays/{id}/cancel"]);
  for (const [method, path] of changes) {
    const needed = path === "/api/v1/relay" ? "relay" : "operate";
    const asked = path.replaceAll(/\{\w+\}/g, "1");
    const given = { Authorization: `Bearer a-key-without-${needed}`, "Content-Type": "application/json" };
    const response = await api.request(asked, given, method);
    expect([method, path, response.status]).toEqual([method, path, 403]);
    expect(await response.json()).toMatchObject({ code: "CENTRAL_FORBIDDEN", detail: expect.stringContaining(needed) });
    expect((await api.request(asked, {}, method)).status).toBe(401);
  }
});
