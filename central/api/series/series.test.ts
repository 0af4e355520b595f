import { expect, test } from "bun:test";
import { TestApi } from "../../testing/api.ts";
import { noonMs, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";
import { readField, readPointer } from "./buckets.ts";

const question = (more = "") =>
  `/api/v1/vehicles/car-1/series?stream=drive&field=/speed&from=${noonMs}&to=${noonMs + 3_600_000}${more}`;

test("gives count, min, max, average and last of each bucket, and counts what was no number", async () => {
  await using api = new TestApi();
  const values = ['{"speed":10}', '{"speed":30}', '{"speed":20}', '{"speed":"fast"}', "{}", "speed", '{"speed":null}'];
  await api.put([
    ...values.map((value, offset) => testRecord({ offset, value })),
    testRecord({ offset: 7, timeMs: noonMs + 600_000, value: '{"speed":-5}' }),
    testRecord({ offset: 8, timeMs: noonMs + 3_600_000, value: '{"speed":99}' }),
  ]);
  expect(await api.get(question("&bucketMs=60000"))).toEqual({
    bucketMs: 60_000,
    buckets: [
      { fromMs: noonMs, count: 3, min: 10, max: 30, avg: 20, last: 20 },
      { fromMs: noonMs + 600_000, count: 1, min: -5, max: -5, avg: -5, last: -5 },
    ],
    numbers: 4,
    absent: 1,
    notNumbers: 2,
    notJson: 1,
  });
});

test("an answer of too many events ends at a bucket's beginning, and `next` goes on without a loss", async () => {
  await using api = new TestApi();
  for (let from = 0; from < 210_000; from += 30_000) {
    const records = Array.from({ length: 30_000 }, (_, index) => {
      const offset = from + index;
      return testRecord({ offset, timeMs: noonMs + offset * 10, value: '{"speed":1}' });
    });
    await api.put(records);
  }
  const first = await api.get(question("&bucketMs=1000"));
  expect(first).toMatchObject({ numbers: 200_000, next: noonMs + 2_000_000 });
  const rest = await api.get(question("&bucketMs=1000").replace(`from=${noonMs}`, `from=${first.next}`));
  expect(rest).toMatchObject({ numbers: 10_000 });
  expect("next" in rest).toBe(false);
}, 60_000);

test("a vehicle that nobody knows is said", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0 })]);
  expect((await api.request(question().replace("car-1", "ghost"))).status).toBe(404);
});

test.each([
  ["/a/b", '{"a":{"b":2}}', 2],
  ["/a/1", '{"a":[1,5]}', 5],
  ["/a/01", '{"a":[1,5]}', "absent"],
  ["/a/length", '{"a":[1,5]}', "absent"],
  ["", "7", 7],
  ["/", '{"":3}', 3],
  ["/x~1y/m~0n", '{"x/y":{"m~n":4}}', 4],
  ["/__proto__", "{}", "absent"],
  ["/constructor/name", "{}", "absent"],
  ["/a/b", '{"a":1}', "absent"],
  ["/a", '{"a":1e999}', "not a number"],
  ["/a", '{"a":true}', "not a number"],
  ["/a", '{"a":', "not JSON"],
] as const)("the pointer %s finds in %s: %p", (pointer, value, wanted) => {
  expect(readField(Buffer.from(value), readPointer(pointer) ?? ["none"])).toBe(wanted);
});

testRefusals([
  ["/api/v1/vehicles/car-1/series", "stream"],
  [question().replace("/speed", "speed"), "write /speed"],
  [question().replace("/speed", "/a~b"), "~0"],
  [question("&bucketMs=1"), "a bucketMs of 720 would do"],
  [question("&bucketMs=0"), "bucketMs"],
  [question().replace(`to=${noonMs + 3_600_000}`, `to=${noonMs}`), "not before"],
]);

test("a vehicle named .. has a series as well", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0, vehicle: "..", value: '{"speed":7}' })]);
  const asked = question().replace("vehicles/car-1/series?", "series?vehicle=..&");
  expect(await api.get(asked)).toMatchObject({ buckets: [{ count: 1, last: 7 }] });
});
