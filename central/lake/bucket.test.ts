import { describe, expect, test } from "bun:test";
import { bucketOf, cellOf, cellPath, dateOf, murmur3 } from "./bucket.ts";
import { rowAt } from "./testing/rows.ts";

describe("where a row lies", () => {
  // Iceberg spec, appendix B, "Bucket Transform".
  test.each([
    ["a text", Buffer.from("iceberg"), 1_210_000_089],
    ["bytes", Buffer.from([0, 1, 2, 3]), -188_683_207],
    ["a UUID", Buffer.from("f79c3e09677c4bbda4793f349cb785e7", "hex"), 1_488_055_340],
    ["a long", Buffer.from("2200000000000000", "hex"), 2_017_239_379],
  ])("the hash of %s is Iceberg's", (_, bytes, hash) => {
    expect(murmur3(bytes)).toBe(hash);
  });

  test("each vehicle has one bucket, and all are used", () => {
    const found = new Set(Array.from({ length: 200 }, (_, index) => bucketOf(`car-${index}`, 4)));
    expect([...found].sort()).toEqual([0, 1, 2, 3]);
  });

  test("the day is that of the event in UTC, before 1970 too", () => {
    expect(dateOf(0)).toBe("1970-01-01");
    expect(dateOf(-1)).toBe("1969-12-31");
    const at = (text: string) => cellPath(cellOf(rowAt(1, { eventMs: Date.parse(text), vehicle: "car-1" }), 4));
    expect(at("2026-11-27T23:59:59.999Z")).toStartWith("stream=drive/date=2026-11-27/bucket=");
    expect(at("2026-11-28T00:00:00Z")).toStartWith("stream=drive/date=2026-11-28/");
    expect(at("0001-01-01T00:00:00Z")).toStartWith("stream=drive/date=0001-01-01/");
    expect(at("9999-12-31T23:59:59.999Z")).toStartWith("stream=drive/date=9999-12-31/");
  });
});
