import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
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

testRefusals([
  ["/api/v1/dead-letters?limit=x", "limit"],
  ["/api/v1/dead-letters?limit=101", "limit"],
  ["/api/v1/dead-letters?cursor=MQ", "none of this query's"],
]);
