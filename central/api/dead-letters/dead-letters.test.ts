import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { slicesOf, testRecord } from "../../testing/records.ts";

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
  const poison = slicesOf(
    Array.from({ length: 9 }, (_, offset) => testRecord({ offset, value: "x".repeat(1_000_000) })),
  );
  const dead = poison.flatMap(({ block }) =>
    Array.from({ length: 9 }, (_, from) => ({ block, from, to: from + 1, reason: "why" })),
  );
  await api.put(range(9, 10), { dead });
  const first = await api.get("/api/v1/dead-letters?limit=100");
  expect(first.deadLetters).toHaveLength(5);
  const second = await api.get(`/api/v1/dead-letters?limit=100&cursor=${first.next}`);
  expect(second.deadLetters).toHaveLength(4);
  expect(second.next).toBeUndefined();
});

test.each([
  ["/api/v1/dead-letters?limit=x", "limit"],
  ["/api/v1/dead-letters?limit=101", "limit"],
  ["/api/v1/dead-letters?cursor=MQ", "none of this query's"],
])("refuses %s with a word that helps", async (path, word) => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0 })]);
  const response = await api.request(path);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: "CENTRAL_BAD_REQUEST", detail: expect.stringContaining(word) });
});
