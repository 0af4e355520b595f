import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { noonMs, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";
import { formatFor } from "./export.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

test("NDJSON has each event of the range once, in order, a line each, over many pages", async () => {
  await using api = new TestApi();
  await api.put(range(0, 2_500));
  const answer = await api.request(`/api/v1/events?vehicle=car-1&format=ndjson&from=${noonMs + 100_000}`);
  expect(answer.headers.get("Content-Type")).toStartWith("application/x-ndjson");
  const lines = (await answer.text()).trimEnd().split("\n");
  const seqs = lines.map((line) => JSON.parse(line).identity.seq);
  expect(seqs).toEqual(Array.from({ length: 2_400 }, (_, index) => index + 100));
});

test("without a vehicle it is of all, in the order of names", async () => {
  await using api = new TestApi();
  await api.put(["b", "a", "c", "a"].map((vehicle, offset) => testRecord({ offset, vehicle })));
  const text = await (await api.request("/api/v1/events", { Accept: "application/x-ndjson" })).text();
  const vehicles = text.trimEnd().split("\n");
  expect(vehicles.map((line) => JSON.parse(line).vehicle)).toEqual(["a", "a", "b", "c"]);
});

test("CSV keeps quotes, commas, line ends and bytes that are no text, and tells no value from an empty one", async () => {
  await using api = new TestApi();
  await api.put([
    testRecord({ offset: 0, value: 'say "a,b"\r\nand go' }),
    testRecord({ offset: 1, value: "" }),
    testRecord({ offset: 2, value: null }),
    { ...testRecord({ offset: 3 }), value: Buffer.from([255, 0]) },
    testRecord({ offset: 4, identity: null, value: "x" }),
  ]);
  const answer = await api.request("/api/v1/events?vehicle=car-1&format=csv");
  expect(answer.headers.get("Content-Disposition")).toContain('filename="events.csv"');
  const text = await answer.text();
  expect(text).toStartWith("timeMs,vehicle,stream,agent,epoch,lane,seq,topic,partition,offset,value,valueBase64\r\n");
  expect(text).toContain(',drive,0,0,"say ""a,b""\r\nand go",\r\n');
  expect(text).toContain(',drive,0,1,"",\r\n');
  expect(text).toContain(",drive,0,2,,\r\n");
  expect(text).toContain(",drive,0,3,,/wA=\r\n");
  expect(text).toContain("car-1,drive,,,,,drive,0,4,x,\r\n");
});

test("so many at once and no more; whoever goes away makes room", async () => {
  await using api = new TestApi();
  await api.put(range(0, 2_500));
  const ask = () => api.request("/api/v1/events?vehicle=car-1&format=ndjson");
  const open = await Promise.all(Array.from({ length: 8 }, ask));
  const refused = await ask();
  expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "5"]);
  expect(await refused.json()).toMatchObject({ code: "CENTRAL_TOO_MANY_EXPORTS" });
  await open[0]?.body?.cancel();
  const next = await ask();
  expect(next.status).toBe(200);
  for (const one of [...open.slice(1), next]) await one.body?.cancel();
});

test("a store that is away is a problem before anything is sent", async () => {
  await using api = new TestApi();
  expect((await api.request("/api/v1/events?format=csv")).status).toBe(503);
});

test.each([
  ["text/csv", "csv"],
  ["application/x-ndjson, */*", "ndjson"],
  ["text/html, text/csv;q=0, application/json", "json"],
  ["*/*, text/csv", "json"],
  ["text/html", "json"],
  [undefined, "json"],
] as const)("Accept: %s asks for %s", (accept, wanted) => {
  expect(formatFor(undefined, accept)).toBe(wanted);
});

testRefusals([
  ["/api/v1/events?vehicle=a&format=csv&limit=5", "no pages"],
  ["/api/v1/events?vehicle=a&format=ndjson&cursor=x", "no pages"],
  ["/api/v1/events?vehicle=a&format=parquet", "format"],
  ["/api/v1/events?format=json", "vehicle"],
]);
