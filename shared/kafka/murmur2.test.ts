import { expect, test } from "bun:test";
import { murmur2, partitionOfKey } from "./murmur2.ts";

// The vectors of Kafka's own UtilsTest.testMurmur2.
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("hashes %s as Kafka's Java client does", (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test("hashes a slice of a larger buffer as the same bytes alone", () => {
  const around = Buffer.from("..foobar..");
  expect(murmur2(around.subarray(2, 8))).toBe(-790332482);
});

test("picks a partition within the topic for negative hashes too", () => {
  expect(partitionOfKey(Buffer.from("21"), 4)).toBe((-973932308 & 0x7fffffff) % 4);
  for (let n = 0; n < 1000; n++) {
    const partition = partitionOfKey(Buffer.from(`car-${n}`), 7);
    expect(partition).toBeGreaterThanOrEqual(0);
    expect(partition).toBeLessThan(7);
  }
});
