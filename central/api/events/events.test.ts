import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { noonMs, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

test("hands out events page by page, by time written either way, in both orders", async () => {
  await using api = new TestApi();
  await api.put(range(0, 10));
  const to = encodeURIComponent(new Date(noonMs + 8_000).toISOString());
  const base = `/api/v1/events?vehicle=car-1&stream=drive&from=${noonMs + 2_000}&to=${to}&limit=4`;
  const first = await api.get(base);
  expect(first.events).toMatchObject(
    [2, 3, 4, 5].map((seq) => ({ identity: { agent: "gw1", seq }, value: `value ${seq}` })),
  );
  const second = await api.get(`${base}&cursor=${first.next}`);
  expect(second.events).toMatchObject([{ identity: { seq: 6 } }, { identity: { seq: 7 } }]);
  expect(second.next).toBeUndefined();
  const latest = await api.get("/api/v1/events?vehicle=car-1&order=desc&limit=1");
  expect(latest.events).toMatchObject([{ identity: { seq: 9 } }]);
});

test("hands out bytes that are no text as base64, and no value where there was none", async () => {
  await using api = new TestApi();
  const binary = { ...testRecord({ offset: 0 }), value: Buffer.from([255, 0, 1]) };
  await api.put([
    binary,
    testRecord({ offset: 1, value: null }),
    testRecord({ offset: 2, identity: null, value: "x" }),
  ]);
  const body = await api.get("/api/v1/events?vehicle=car-1");
  const [first, second, third] = Array.isArray(body.events) ? body.events : [];
  expect(first).toMatchObject({ valueBase64: "/wAB" });
  expect("value" in second || "valueBase64" in second).toBe(false);
  expect(third).toMatchObject({ stream: "drive", topic: "drive", partition: 0, offset: 2, value: "x" });
  expect("identity" in third).toBe(false);
});

testRefusals([
  ["/api/v1/events", "vehicle"],
  ["/api/v1/events?vehicle=a&limit=0", "limit"],
  ["/api/v1/events?vehicle=a&limit=100000", "limit"],
  ["/api/v1/events?vehicle=a&limit=%201", "limit"],
  ["/api/v1/events?vehicle=a&from=yesterday", "milliseconds since 1970"],
  ["/api/v1/events?vehicle=a&from=1764152400", "if seconds were meant, write 1764152400000"],
  ["/api/v1/events?vehicle=a&to=2026-02-30T00:00:00Z", "not in the calendar"],
  ["/api/v1/events?vehicle=a&from=1764152400000&to=1764152400000", "`from` is not before `to`"],
  ["/api/v1/events?vehicle=a&cursor=nonsense", "none of this query's"],
  ["/api/v1/events?vehicle=a&order=sideways", "order"],
]);

test("a cursor of other parameters is refused, and `limit` may change", async () => {
  await using api = new TestApi();
  await api.put(range(0, 10));
  const { next } = await api.get("/api/v1/events?vehicle=car-1&limit=2");
  expect((await api.get(`/api/v1/events?vehicle=car-1&limit=3&cursor=${next}`)).events).toHaveLength(3);
  for (const query of [
    "vehicle=car-2",
    "vehicle=car-1&order=desc",
    "vehicle=car-1&stream=drive",
    `vehicle=car-1&from=${noonMs}`,
  ]) {
    expect((await api.request(`/api/v1/events?${query}&cursor=${next}`)).status).toBe(400);
  }
  for (const path of ["vehicles", "ledger", "gaps", "dead-letters", "conflicts"]) {
    expect((await api.request(`/api/v1/${path}?cursor=${next}`)).status).toBe(400);
  }
});

test("a page ends at its bytes, whatever the limit, and goes on without a loss", async () => {
  await using api = new TestApi();
  const value = "x".repeat(1_000_000);
  for (let offset = 0; offset < 12; offset++) await api.put([testRecord({ offset, value })]);
  const seen: unknown[] = [];
  let next: unknown;
  do {
    const response = await api.request(
      `/api/v1/events?vehicle=car-1&limit=10000${next === undefined ? "" : `&cursor=${next}`}`,
    );
    const text = await response.text();
    expect(text.length).toBeLessThan(6_000_000);
    const body = JSON.parse(text);
    seen.push(...body.events.map(({ offset }: { offset: number }) => offset));
    next = body.next;
  } while (next !== undefined);
  expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => index));
});
