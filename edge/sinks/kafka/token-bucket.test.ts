import { expect, test } from "bun:test";
import { TokenBucket } from "./token-bucket.ts";

test("lets a second's worth through at once and then keeps the rate", () => {
  const bucket = new TokenBucket(1000, 0);
  let nowMs = 0;
  let sent = 0;
  while (nowMs < 10_000) {
    const waitMs = bucket.waitMs(nowMs);
    if (waitMs > 0) {
      nowMs += waitMs;
      continue;
    }
    bucket.spend(300, nowMs);
    sent += 300;
  }
  expect(sent).toBeGreaterThan(10_500);
  expect(sent).toBeLessThan(11_800);
});

test("a batch larger than a second's worth goes out and is paid for afterwards", () => {
  const bucket = new TokenBucket(1000, 0);
  expect(bucket.waitMs(0)).toBe(0);
  bucket.spend(5000, 0);
  expect(bucket.waitMs(0)).toBeGreaterThanOrEqual(4000);
  expect(bucket.waitMs(4002)).toBe(0);
});
