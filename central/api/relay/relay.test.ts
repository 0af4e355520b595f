import { expect, test } from "bun:test";
import { systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Code } from "../../../shared/errors/codes.ts";
import type { ErrorCode } from "../../../shared/errors/error-code.ts";
import { type Report, type Signal, silent } from "../../../shared/telemetry/log.ts";
import { Relay } from "../../config/relay.ts";
import { relayCodes } from "../../ingest/relay/codes.ts";
import { TestApi, testKey } from "../../testing/api.ts";
import { RelayDesk } from "./desk.ts";
import { relayType } from "./routes.ts";

const keys = [testKey("a-key-of-a-vehicle", ["relay"], "gw-1"), testKey("a-key-to-read-with")];
const vehicle = { Authorization: "Bearer a-key-of-a-vehicle", "Content-Type": relayType };

function apiOf(
  answer: (key: string, bytes: ArrayBuffer) => number | ErrorCode | Code,
  open = false,
  report: Report = silent,
) {
  const store = async (key: string, bytes: ArrayBuffer) => {
    const result = answer(key, bytes);
    if (typeof result === "number") return result;
    throw new AppError(result, "store in a test");
  };
  const relay = new RelayDesk({ settings: Relay.parse({ bodyBytesMax: "1MiB" }), clock: systemClock, store });
  return new TestApi({ relay, report, ...(open ? {} : { keys }) });
}

async function post(
  api: TestApi,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | null = new Uint8Array(4),
) {
  const response = await api.api.request("/api/v1/relay", { method: "POST", headers: { ...headers }, body });
  return { response, body: Object(await response.json()) };
}

test("a body goes to the store under its key's name, and the answer says how much was in it", async () => {
  const seen: unknown[] = [];
  await using api = apiOf((key, bytes) => {
    seen.push([key, bytes.byteLength]);
    return 17;
  });
  const { response, body } = await post(api, vehicle);
  expect([response.status, body]).toEqual([200, { records: 17 }]);
  expect((await post(api, vehicle, null)).body).toEqual({ records: 0 });
  expect(seen).toEqual([["gw-1", 4]]);
});

test.each([
  [relayCodes.CENTRAL_RELAY_CONTENT, 422, null],
  [relayCodes.CENTRAL_RELAY_TOO_LARGE, 413, null],
  [relayCodes.CENTRAL_RELAY_AGENT, 403, null],
  ["CENTRAL_STORE_UNAVAILABLE" as const, 503, "1"],
  ["INVARIANT" as const, 500, null],
])("what the store says becomes a status: %p, %d", async (code, status, retryAfter) => {
  await using api = apiOf(() => code);
  const { response, body } = await post(api, vehicle);
  expect([response.status, response.headers.get("Retry-After")]).toEqual([status, retryAfter]);
  expect(body.code).toBe(typeof code === "string" ? code : code.name);
});

test("what is refused for good is said here too, with the key that sent it; what may come again is not", async () => {
  const said: unknown[] = [];
  const report = ({ name }: Signal, fields: object = {}) => void said.push({ name, ...fields });
  await using refusing = apiOf(() => relayCodes.CENTRAL_RELAY_AGENT, false, report);
  await post(refusing, vehicle);
  const refusals = () => said.filter((one) => Object(one).name === "request_refused");
  expect(refusals()).toMatchObject([{ key: "gw-1", path: "/api/v1/relay", reason: "store in a test" }]);
  await using away = apiOf(() => "CENTRAL_STORE_UNAVAILABLE", false, report);
  await post(away, vehicle);
  expect(refusals()).toHaveLength(1);
});

test("too large is refused before it is read", async () => {
  await using api = apiOf(() => 1);
  const { response } = await post(api, vehicle, new Uint8Array(1024 * 1024 + 1));
  // The rest of the body is not waited for, and its connection does not stay.
  expect([response.status, response.headers.get("Connection")]).toEqual([413, "close"]);
});

test("a key without the scope, a wrong one, and none", async () => {
  await using api = apiOf(() => 1);
  expect((await post(api, { ...vehicle, Authorization: "Bearer a-key-to-read-with" })).response.status).toBe(403);
  expect((await post(api, { ...vehicle, Authorization: "Bearer guess" })).response.status).toBe(401);
  expect((await post(api, { "Content-Type": relayType })).response.status).toBe(401);
});

test("a page of a browser cannot write by its visitor's hand: what it may send unasked is refused, on loopback too", async () => {
  await using api = apiOf(() => 1, true);
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]) {
    const { response, body } = await post(api, type === "" ? {} : { "Content-Type": type });
    expect([type, response.status, body.code]).toEqual([type, 415, "CENTRAL_RELAY_TYPE"]);
  }
  // And for the type that is needed it asks first, and is not told that it may.
  const asked = await api.api.request("/api/v1/relay", {
    method: "OPTIONS",
    headers: { Origin: "https://evil.example" },
  });
  expect(asked.headers.get("Access-Control-Allow-Origin")).toBeNull();
  expect((await post(api, { "Content-Type": `${relayType}; v=1` })).response.status).toBe(200);
});

test("a fleet that relays with one key is bounded by what waits, not by how often it comes", async () => {
  const relay = new RelayDesk({ settings: Relay.parse({}), clock: systemClock, store: async () => 1 });
  await using api = new TestApi({ relay, keys, requestsPerSecond: 1 });
  for (let turn = 0; turn < 10; turn++) expect((await post(api, vehicle)).response.status).toBe(200);
});

test("a central that takes nothing by relay says so", async () => {
  await using api = new TestApi({ keys });
  const { response, body } = await post(api, vehicle);
  expect([response.status, body.code]).toEqual([409, "CENTRAL_RELAY_OFF"]);
});

test("a client certificate stands in the place of a key, for the relay alone; where one is needed no key will do", async () => {
  const seen: string[] = [];
  const store = async (key: string) => {
    seen.push(key);
    return 1;
  };
  const relay = new RelayDesk({ settings: Relay.parse({}), clock: systemClock, store });
  await using api = new TestApi({ relay, keys });
  await using strict = new TestApi({ relay, keys, relayNeedsCertificate: true });
  const ask = async (on: TestApi, certificate: string | undefined, headers: Record<string, string>) => {
    const init = { method: "POST", headers: { "Content-Type": relayType, ...headers }, body: new Uint8Array(4) };
    const response = await on.api.request("/api/v1/relay", init, { certificate });
    return [response.status, Object(await response.json()).code];
  };
  expect(await ask(api, "gw-7", {})).toEqual([200, undefined]);
  // The certificate is what the connection has proved: it counts, whatever key is sent beside it.
  expect(await ask(api, "gw-7", vehicle)).toEqual([200, undefined]);
  expect(await ask(api, undefined, vehicle)).toEqual([200, undefined]);
  expect(await ask(api, undefined, {})).toEqual([401, "CENTRAL_UNAUTHORIZED"]);
  expect(await ask(strict, undefined, vehicle)).toEqual([403, "CENTRAL_CERTIFICATE_NEEDED"]);
  expect(await ask(strict, "gw-7", {})).toEqual([200, undefined]);
  expect(seen).toEqual(["gw-7", "gw-7", "gw-1", "gw-7"]);
  for (const path of ["/api/v1/status", "/metrics", "/api/v1/openapi.json"]) {
    expect((await api.api.request(path, {}, { certificate: "gw-7" })).status).toBe(401);
  }
});
