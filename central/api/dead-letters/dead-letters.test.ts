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

test("redrives one, some, or all: what is taken now leaves, what is refused again stays, with the key's name in the log", async () => {
  const said: unknown[] = [];
  const keys = [testKey("a-key-for-operators", ["read", "operate"], "ops")];
  await using api = new TestApi({ keys, report: operatorLines((fields) => said.push(fields)) });
  await api.put(range(0, 1));
  await api.store.quarantine("gw1", true);
  await api.put([...range(1, 5), testRecord({ offset: 5, timeMs: 1, identity: "gw1/e1/drive.99999999/5@1" })]);
  const redrive = async (body: object) => await (await api.post("/api/v1/dead-letters/redrive", operator, body)).json();
  const nothing = { tried: 0, stored: 0, repeated: 0, conflicts: 0, suppressed: 0, stayed: 0 };
  expect(await redrive({ all: true })).toEqual({ ...nothing, tried: 5, stayed: 5 });
  await api.store.quarantine("gw1", false);
  expect(await redrive({ ids: [1] })).toEqual({ ...nothing, tried: 1, stored: 1 });
  expect(await redrive({ reason: "quarantine" })).toEqual({ ...nothing, tried: 3, stored: 3 });
  expect(await redrive({ topic: "drive" })).toEqual({ ...nothing, tried: 1, stayed: 1 });
  expect(await (await api.request("/api/v1/dead-letters", operator)).json()).toMatchObject({
    deadLetters: [{ firstOffset: 5, reason: expect.stringContaining("a lane beyond") }],
  });
  expect(said).toMatchObject([{}, { verb: "redrive dead letters", ids: 1, tried: 1, stored: 1, key: "ops" }, {}, {}]);
  for (const body of [{}, { ids: [] }, { al: true }]) {
    expect((await api.post("/api/v1/dead-letters/redrive", operator, body)).status).toBe(400);
  }
});

test("a batch that could not be read is read again from its kept bytes", async () => {
  const keys = [testKey("a-key-for-operators", ["read", "operate"])];
  await using api = new TestApi({ keys });
  const bytes = topicBatch(1, ["one", "two"]);
  const damaged = [{ firstOffset: 1, lastOffset: 2, reason: "codec 9 is not known", bytes }];
  await api.put([testRecord({ offset: 0 }), testRecord({ offset: 3 })], { damaged });
  const answer = await api.post("/api/v1/dead-letters/redrive", operator, { all: true });
  expect(await answer.json()).toMatchObject({ tried: 1, stored: 2, stayed: 0 });
  expect(await (await api.request("/api/v1/dead-letters", operator)).json()).toEqual({ deadLetters: [] });
});

testRefusals([
  ["/api/v1/dead-letters?limit=x", "limit"],
  ["/api/v1/dead-letters?limit=101", "limit"],
  ["/api/v1/dead-letters?cursor=MQ", "none of this query's"],
]);
