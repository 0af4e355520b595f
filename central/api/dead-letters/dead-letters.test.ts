import { expect, test } from "bun:test";
import { operatorLines, TestApi, testKey } from "../../testing/api.ts";
import { topicBatch } from "../../testing/batches.ts";
import { slicesOf, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

test("shows what was put aside, with its bytes", async () => {
  await using api = new TestApi();
  const [poison] = slicesOf([testRecord({ offset: 2, value: "odd" })]);
  if (poison === undefined) throw new Error("no slice");
  await api.put(range(0, 2), { dead: [{ ...poison, reason: "why" }] });
  expect((await api.get("/api/v1/dead-letters")).deadLetters).toMatchObject([
    { reason: "why", value: "odd", firstOffset: 2 },
  ]);
});

test("a page of large ones ends at its bytes", async () => {
  await using api = new TestApi();
  const each = 10;
  const puts = 9;
  for (let put = 0; put < puts; put++) {
    const poison = Array.from({ length: each }, (_, index) =>
      testRecord({ offset: put * (each + 1) + index, value: "x".repeat(64 * 1024) }),
    );
    const dead = slicesOf(poison).flatMap(({ block }) =>
      Array.from({ length: each }, (_, from) => ({ block, from, to: from + 1, reason: "why" })),
    );
    const last = put * (each + 1) + each;
    await api.put(range(last, last + 1), { dead });
  }
  const countOf = ({ deadLetters }: Record<string, unknown>) => (Array.isArray(deadLetters) ? deadLetters.length : 0);
  const first = await api.get("/api/v1/dead-letters?limit=100");
  expect(countOf(first)).toBeGreaterThan(0);
  expect(countOf(first)).toBeLessThan(each * puts);
  const second = await api.get(`/api/v1/dead-letters?limit=100&cursor=${first.next}`);
  expect(countOf(first) + countOf(second)).toBe(each * puts);
  expect(second.next).toBeUndefined();
});

const operator = { Authorization: "Bearer a-key-for-operators" };

test("tries some again: what is taken now leaves, what is refused again stays, with the key's name in the log", async () => {
  const said: unknown[] = [];
  const keys = [testKey("a-key-for-operators", ["read", "operate"], "ops")];
  await using api = new TestApi({ keys, report: operatorLines((fields) => said.push(fields)) });
  await api.put(range(0, 1));
  await api.store.quarantine("gw1", true);
  await api.put([...range(1, 5), testRecord({ offset: 5, timeMs: 1, identity: "gw1/e1/drive.99999999/5@1" })]);
  const redrive = async (ids: number[]) =>
    await (await api.post("/api/v1/dead-letters/redrive", operator, { ids })).json();
  const nothing = { tried: 0, stored: 0, repeated: 0, conflicts: 0, suppressed: 0, stayed: 0 };
  expect(await redrive([1, 2, 3, 4, 5])).toEqual({ ...nothing, tried: 5, stayed: 5 });
  await api.store.quarantine("gw1", false);
  expect(await redrive([1])).toEqual({ ...nothing, tried: 1, stored: 1 });
  expect(await redrive([1, 2, 3, 4, 5])).toEqual({ ...nothing, tried: 4, stored: 3, stayed: 1 });
  expect(await (await api.request("/api/v1/dead-letters", operator)).json()).toMatchObject({
    deadLetters: [{ firstOffset: 5, reason: expect.stringContaining("a lane beyond") }],
  });
  expect(said).toMatchObject([
    {},
    { verb: "redrive dead letters", ids: 1, tried: 1, stored: 1, key: "ops" },
    { ids: 5, tried: 4 },
  ]);
  for (const body of [{}, { ids: [] }, { all: true }, { reason: "quarantine" }]) {
    expect((await api.post("/api/v1/dead-letters/redrive", operator, body)).status).toBe(400);
  }
});

test("a batch that could not be read is read again from its kept bytes", async () => {
  const keys = [testKey("a-key-for-operators", ["read", "operate"])];
  await using api = new TestApi({ keys });
  const bytes = topicBatch(1, ["one", "two"]);
  const damaged = [{ firstOffset: 1, lastOffset: 2, reason: "codec 9 is not known", bytes }];
  await api.put([testRecord({ offset: 0 }), testRecord({ offset: 3 })], { damaged });
  const answer = await api.post("/api/v1/dead-letters/redrive", operator, { ids: [1] });
  expect(await answer.json()).toMatchObject({ tried: 1, stored: 2, stayed: 0 });
  expect(await (await api.request("/api/v1/dead-letters", operator)).json()).toEqual({ deadLetters: [] });
});

test("a filter chooses and counts alike, and a page's cursor belongs to it", async () => {
  await using api = new TestApi();
  await api.store.quarantine("gw1", true);
  await api.put([...range(0, 3), testRecord({ offset: 3, vehicle: "car 2/ä" })]);
  const chosen = async (query: string) => {
    const { deadLetters } = await api.get(`/api/v1/dead-letters?${query}`);
    return [Array.isArray(deadLetters) ? deadLetters.length : -1, await api.get(`/api/v1/dead-letters/count?${query}`)];
  };
  const count = (letters: number) => [letters, { letters, records: letters }];
  expect(await chosen("")).toEqual(count(4));
  expect(await chosen("vehicle=car%202%2F%C3%A4")).toEqual(count(1));
  expect(await chosen("topic=drive&reason=quarantine&vehicle=car-1")).toEqual(count(3));
  expect(await chosen("topic=charge")).toEqual(count(0));
  const page = await api.get("/api/v1/dead-letters?vehicle=car-1&limit=2");
  expect(await api.get(`/api/v1/dead-letters?vehicle=car-1&limit=2&cursor=${page.next}`)).toMatchObject({
    deadLetters: [{ firstOffset: 2 }],
  });
  expect(await api.get(`/api/v1/dead-letters?limit=2&cursor=${page.next}`)).toMatchObject({ status: 400 });
});

testRefusals([
  ["/api/v1/dead-letters?limit=x", "limit"],
  ["/api/v1/dead-letters?limit=101", "limit"],
  ["/api/v1/dead-letters?cursor=MQ", "none of this query's"],
  ["/api/v1/dead-letters?topic=", "topic"],
  ["/api/v1/dead-letters/count?reason=", "reason"],
]);
