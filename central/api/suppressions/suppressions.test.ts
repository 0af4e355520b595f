import { expect, test } from "bun:test";
import { operatorLines, TestApi, testKey } from "../../testing/api.ts";
import { testRecord } from "../../testing/records.ts";

const keys = [testKey("a-key-for-operators", ["read", "operate"], "ops")];
const operator = { Authorization: "Bearer a-key-for-operators" };
const json = async (response: Response) => [response.status, response.status === 204 ? "" : await response.json()];

test("erases a vehicle, lists it, lets it in again; each with the key's name in the log", async () => {
  const said: unknown[] = [];
  await using api = new TestApi({ keys, report: operatorLines((fields) => said.push(fields)) });
  await api.put(Array.from({ length: 30 }, (_, offset) => testRecord({ offset, vehicle: `car-${offset % 3}` })));
  expect(await json(await api.request("/api/v1/vehicles/car-1", operator, "DELETE"))).toEqual([
    200,
    { vehicle: "car-1", events: 10, deadLetters: 0, conflicts: 0 },
  ]);
  expect((await api.request("/api/v1/vehicles/car-1", operator)).status).toBe(404);
  expect(await json(await api.request("/api/v1/events?vehicle=car-1", operator))).toMatchObject([200, { events: [] }]);
  await api.put([testRecord({ offset: 30, vehicle: "car-1" })]);
  expect(await json(await api.request("/api/v1/suppressions", operator))).toMatchObject([
    200,
    { suppressions: [{ vehicle: "car-1", by: "ops", events: 10, withheld: 1 }] },
  ]);
  expect(await json(await api.request("/api/v1/suppressions/car-1", operator, "DELETE"))).toEqual([204, ""]);
  expect((await api.request("/api/v1/suppressions/car-1", operator, "DELETE")).status).toBe(404);
  expect(said).toMatchObject([
    { verb: "erase vehicle", vehicle: "car-1", key: "ops" },
    { verb: "end suppression", vehicle: "car-1", key: "ops" },
  ]);
});

test("names that no path holds, and pages", async () => {
  await using api = new TestApi({ keys });
  await api.put([testRecord({ offset: 0 })]);
  for (const vehicle of ["ä/b", "c d", "a"]) {
    const path = `/api/v1/vehicles/${encodeURIComponent(vehicle)}`;
    expect((await api.request(path, operator, "DELETE")).status).toBe(200);
  }
  const page = async (more: string) => {
    const answer = await (await api.request(`/api/v1/suppressions?limit=2${more}`, operator)).text();
    const body: { suppressions: { vehicle: string }[]; next?: string } = JSON.parse(answer);
    return { names: body.suppressions.map(({ vehicle }) => vehicle), next: body.next };
  };
  const first = await page("");
  expect(first.names).toEqual(["a", "c d"]);
  expect(await page(`&cursor=${first.next}`)).toEqual({ names: ["ä/b"], next: undefined });
});

test("a path that cannot be decoded erases nobody of another name", async () => {
  await using api = new TestApi({ keys });
  await api.put([testRecord({ offset: 0, vehicle: "%ff%00" })]);
  expect(await json(await api.request("/api/v1/vehicles/%ff%00", operator, "DELETE"))).toMatchObject([
    400,
    { code: "CENTRAL_BAD_REQUEST", detail: expect.stringContaining("UTF-8") },
  ]);
  expect(await json(await api.request("/api/v1/suppressions", operator))).toMatchObject([200, { suppressions: [] }]);
});

test("vehicles named . and .. are erased, listed and let in again by the query; nothing else may stand in it", async () => {
  await using api = new TestApi({ keys });
  const names = [".", "..", "car-1"];
  await api.put(names.map((vehicle, offset) => testRecord({ offset, vehicle })));
  for (const vehicle of [".", ".."]) {
    // What a client makes of the path: another one.
    expect((await api.request(`/api/v1/vehicles/${vehicle}`, operator, "DELETE")).status).toBe(404);
    expect(await json(await api.request(`/api/v1/vehicles?vehicle=${vehicle}`, operator, "DELETE"))).toMatchObject([
      200,
      { vehicle, events: 1 },
    ]);
    expect(await json(await api.request(`/api/v1/events?vehicle=${vehicle}`, operator))).toMatchObject([
      200,
      { events: [] },
    ]);
  }
  for (const wrong of ["", "?", "?vehicle=", "?name=.", "?vehicle=.&limit=1"]) {
    for (const path of ["vehicles", "suppressions"]) {
      expect((await api.request(`/api/v1/${path}${wrong}`, operator, "DELETE")).status).toBe(400);
    }
  }
  expect(await json(await api.request("/api/v1/events?vehicle=car-1", operator))).toMatchObject([
    200,
    { events: [{ vehicle: "car-1" }] },
  ]);
  for (const status of [204, 404]) {
    expect((await api.request("/api/v1/suppressions?vehicle=..", operator, "DELETE")).status).toBe(status);
  }
});
