import { expect, test } from "bun:test";
import { ourHosts } from "../shared/http/our-host.ts";
import { renderOpenApi } from "./openapi.ts";
import { TestApi, testKey } from "./testing/api.ts";
import { testRecord } from "./testing/records.ts";

test("asks for a key everywhere but for health and for the page, which hold no data: each route says so", async () => {
  await using api = new TestApi({ keys: [testKey("a-key-of-some-length")] });
  await api.put([testRecord({ offset: 0 })]);
  const refused = await api.request("/api/v1/vehicles");
  expect(refused.status).toBe(401);
  expect(refused.headers.get("WWW-Authenticate")).toBe("Bearer");
  const open = ["/", "/livez", "/readyz", "/assets/{file}"];
  const paths = new Set(
    api.api.routes
      .filter(({ method }) => method === "GET")
      .map(({ path }) => path.replace(":vehicle", "car-1").replace(":id", "1")),
  );
  paths.delete("/assets/:file"); // of a name that the page knows: page.test.ts
  expect(paths.size).toBe(39);
  for (const path of [...paths, "/api/v1/nowhere"]) {
    expect([path, (await api.request(path)).status]).toEqual([path, open.includes(path) ? 200 : 401]);
  }
  const document: { paths: Record<string, Record<string, { security?: object[] }>> } = JSON.parse(renderOpenApi());
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const { security } of Object.values(methods)) {
      expect([path, security?.length]).toEqual([path, open.includes(path) ? 0 : 1]);
    }
  }
});

test("its document names every route and is what the running service hands out", async () => {
  await using api = new TestApi();
  const document = JSON.parse(renderOpenApi());
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths).sort()).toEqual([
    "/",
    "/api/v1/alerts",
    "/api/v1/books",
    "/api/v1/completeness",
    "/api/v1/conflicts",
    "/api/v1/dead-letters",
    "/api/v1/dead-letters/count",
    "/api/v1/dead-letters/redrive",
    "/api/v1/events",
    "/api/v1/events/stream",
    "/api/v1/fleet",
    "/api/v1/gaps",
    "/api/v1/lag",
    "/api/v1/lake",
    "/api/v1/lake/files",
    "/api/v1/lake/snapshots",
    "/api/v1/ledger",
    "/api/v1/outages",
    "/api/v1/quarantine",
    "/api/v1/quarantine/{agent}",
    "/api/v1/redrives",
    "/api/v1/redrives/{id}",
    "/api/v1/redrives/{id}/cancel",
    "/api/v1/relay",
    "/api/v1/replays",
    "/api/v1/replays/stream",
    "/api/v1/replays/{id}",
    "/api/v1/replays/{id}/cancel",
    "/api/v1/replays/{id}/pause",
    "/api/v1/replays/{id}/resume",
    "/api/v1/rules",
    "/api/v1/series",
    "/api/v1/status",
    "/api/v1/suppressions",
    "/api/v1/suppressions/{vehicle}",
    "/api/v1/vehicles",
    "/api/v1/vehicles/{vehicle}",
    "/api/v1/vehicles/{vehicle}/series",
    "/assets/{file}",
    "/iceberg/v1/config",
    "/iceberg/v1/namespaces",
    "/iceberg/v1/namespaces/{namespace}",
    "/iceberg/v1/namespaces/{namespace}/tables",
    "/iceberg/v1/namespaces/{namespace}/tables/{table}",
    "/livez",
    "/metrics",
    "/readyz",
  ]);
  expect(await api.get("/api/v1/openapi.json")).toEqual(document);
});

test("has a problem for a page that does not exist", async () => {
  await using api = new TestApi();
  expect(await api.get("/api/v1/nowhere")).toMatchObject({ status: 404, code: "CENTRAL_NOT_FOUND" });
});

test("every operation has a name of its own, and no parameter is nullable", () => {
  const document: {
    paths: Record<string, Record<string, { operationId: string; parameters?: { schema: { type: unknown } }[] }>>;
  } = JSON.parse(renderOpenApi());
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const names = operations.map(({ operationId }) => operationId);
  expect(names.every((name) => /^[a-z][A-Za-z]+$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
  for (const { schema } of operations.flatMap(({ parameters = [] }) => parameters)) {
    expect(["string", "integer"]).toContain(String(schema.type));
  }
});

test("a path that exists tells other methods what it takes, with and without a key", async () => {
  await using api = new TestApi({ keys: [testKey("a-key-of-some-length")] });
  for (const path of ["/", "/livez", "/metrics", "/api/v1/status", "/api/v1/books", "/api/v1/openapi.json"]) {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const response = await api.request(path, {}, method);
      expect(response.status).toBe(405);
      expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
      expect(await response.json()).toMatchObject({ code: "CENTRAL_METHOD" });
    }
    const options = await api.request(path, {}, "OPTIONS");
    expect([options.status, options.headers.get("Allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
  }
});

test("a request for a name that is not ours is refused, the page and health too", async () => {
  await using api = new TestApi({ isOurHost: ourHosts([]) });
  for (const path of ["/", "/livez", "/api/v1/status"]) {
    const response = await api.request(path, { Host: "evil.example:8080" });
    expect(response.status).toBe(421);
    expect(await response.json()).toMatchObject({ code: "CENTRAL_HOST_REFUSED" });
  }
  expect((await api.request("/livez", { Host: "127.0.0.1:8080" })).status).toBe(200);
});

test("nothing is cached, and nothing is sniffed", async () => {
  await using api = new TestApi();
  for (const path of ["/livez", "/api/v1/status", "/api/v1/nowhere", "/metrics"]) {
    const { headers } = await api.request(path);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("X-Request-Id")).toBeString();
  }
});
