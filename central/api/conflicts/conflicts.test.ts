import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

test("shows records under an identity that was stored with other bytes", async () => {
  await using api = new TestApi();
  await api.put([
    testRecord({ offset: 0 }),
    testRecord({ offset: 1 }),
    testRecord({ offset: 3, seq: 1, value: "liar" }),
  ]);
  expect((await api.get("/api/v1/conflicts")).conflicts).toMatchObject([{ seq: 1, value: "liar", vehicle: "car-1" }]);
});

test("a page of large ones ends at its bytes", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0 })]);
  for (let offset = 1; offset < 9; offset++) {
    await api.put([testRecord({ offset, seq: 0, value: `${offset}${"x".repeat(1_000_000)}` })]);
  }
  const first = await api.get("/api/v1/conflicts?limit=1000");
  expect(first.conflicts).toHaveLength(5);
  const second = await api.get(`/api/v1/conflicts?limit=1000&cursor=${first.next}`);
  expect(second.conflicts).toHaveLength(3);
});

testRefusals([
  ["/api/v1/conflicts?limit=0x10", "limit"],
  ["/api/v1/conflicts?cursor=MQ", "none of this query's"],
]);
