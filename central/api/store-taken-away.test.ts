import { expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { applicationId } from "../store/sqlite/schema.ts";
import { TestApi } from "../testing/api.ts";
import { noonMs, testRecord } from "../testing/records.ts";

const ends = ["", "-wal", "-shm"];

/** Answered without the store: the page, health, what is kept elsewhere or in memory. */
const withoutStore = [
  "/",
  "/assets/:file",
  "/livez",
  "/readyz",
  "/metrics",
  "/api/v1/openapi.json",
  "/api/v1/lake",
  "/api/v1/lake/files",
  "/api/v1/lake/snapshots",
  "/api/v1/relay",
  "/api/v1/replays/stream",
  "/iceberg/v1/config",
  "/iceberg/v1/namespaces",
  "/iceberg/v1/namespaces/:namespace",
  "/iceberg/v1/namespaces/:namespace/tables",
  "/iceberg/v1/namespaces/:namespace/tables/:table",
];

const series = "stream=drive&field=/speed&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";

/** What a route cannot do without. */
const parameters: Readonly<Record<string, string>> = {
  "/api/v1/events": "?vehicle=car-1",
  "/api/v1/series": `?vehicle=car-1&${series}`,
  "/api/v1/vehicles/:vehicle/series": `?${series}`,
};

const oddThings: Readonly<Record<string, (path: string) => void>> = {
  nothing: () => {},
  "a folder": (path) => mkdirSync(path),
  "a FIFO": (path) => void Bun.spawnSync(["mkfifo", path]),
  "a device": (path) => symlinkSync("/dev/null", path),
  "an empty file": (path) => writeFileSync(path, ""),
  "a text": (path) => writeFileSync(path, "no database, but as long as the head of one is".repeat(20)),
  "another program's database": (path) => {
    const foreign = new Database(path);
    foreign.exec("create table notes (text)");
    foreign.close();
  },
  "a database of a newer version": (path) => {
    const newer = new Database(path);
    newer.exec("create table source (id); create table account (id)");
    newer.pragma(`application_id = ${applicationId}`);
    newer.pragma("user_version = 9999");
    newer.close();
  },
};

test.each(Object.keys(oddThings))(
  "%s in the store's place: every route that reads it says 503, code and hint, and answers as before when it is back",
  async (thing) => {
    using dir = tempDir();
    const path = dir.file("central.db");
    await using api = new TestApi({ path });
    await api.put([testRecord({ offset: 0, timeMs: noonMs })]);
    const routes = api.api.routes.filter(
      ({ method, path: route }) => method === "GET" && !withoutStore.includes(route),
    );
    const asked = [...new Set(routes.map(({ path: route }) => route))].map(
      (route) => `${route.replace(":vehicle", "car-1").replace(":id", "1")}${parameters[route] ?? ""}`,
    );
    expect(asked.length).toBeGreaterThan(15);
    const answers = async () => {
      const found: [string, number][] = [];
      api.clock.advance(60_000);
      for (const route of asked) {
        const response = await api.request(route);
        found.push([route, response.status]);
        await response.body?.cancel();
      }
      return found;
    };
    const before = await answers();
    for (const end of ends) renameSync(`${path}${end}`, dir.file(`aside${end}`));
    oddThings[thing]?.(path);
    api.clock.advance(60_000); // The fleet is summed up once for all who ask within some seconds.
    for (const route of asked) {
      const response = await api.request(route);
      const type = response.headers.get("Content-Type");
      expect([route, response.status, type]).toEqual([route, 503, "application/problem+json"]);
      const hint = expect.stringContaining("its file back");
      expect([route, await response.json()]).toMatchObject([route, { code: "CENTRAL_STORE_UNAVAILABLE", hint }]);
    }
    for (const end of ends) rmSync(`${path}${end}`, { recursive: true, force: true });
    for (const end of ends) renameSync(dir.file(`aside${end}`), `${path}${end}`);
    expect(await answers()).toEqual(before);
  },
);
