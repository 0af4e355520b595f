import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

test("shows offsets that nobody will read any more, page by page", async () => {
  await using api = new TestApi();
  const gap = { kind: "retention", firstOffset: 0, lastOffset: 9 } as const;
  await api.put([testRecord({ offset: 10 })], { gap });
  await api.put([testRecord({ offset: 21 })], { gap: { kind: "retention", firstOffset: 11, lastOffset: undefined } });
  const first = await api.get("/api/v1/gaps?limit=1");
  expect(first.gaps).toMatchObject([{ kind: "retention", firstOffset: 0, lastOffset: 9 }]);
  const second = await api.get(`/api/v1/gaps?limit=1&cursor=${first.next}`);
  expect(second).toMatchObject({ gaps: [{ firstOffset: 11 }] });
  expect(second.next).toBeUndefined();
});

testRefusals([
  ["/api/v1/gaps?limit=-1", "limit"],
  ["/api/v1/gaps?cursor=MQ", "none of this query's"],
]);
