import { describe, expect, test } from "bun:test";
import { Cursors, isName, isNumbers } from "./cursor.ts";

const events = (vehicle: string) => new Cursors("events", [vehicle, "asc"], isNumbers(3));

describe("a cursor", () => {
  test("comes back as the position that it was made of", () => {
    const position = [1_760_000_000_000, 3, -7] as const;
    expect(events("a").read(events("a").write(position))).toEqual(position);
    expect(events("a").read(undefined)).toBeUndefined();
  });

  test("of long and odd names is accepted by the list that made it", () => {
    const vehicles = new Cursors("vehicles", [], isName);
    for (const name of ["x".repeat(256), "\u0001".repeat(256), "ü".repeat(128), "", "a b&c=d", "🚗".repeat(64)]) {
      const text = vehicles.write([name]);
      expect(text).toMatch(/^[\w-]+$/);
      expect(vehicles.read(text)).toEqual([name]);
    }
  });

  test("of another query, another list or another order is refused", () => {
    const text = events("a").write([1, 2, 3]);
    expect(() => events("b").read(text)).toThrow("none of this query's");
    expect(() => new Cursors("other", ["a", "asc"], isNumbers(3)).read(text)).toThrow("none of this query's");
    expect(() => new Cursors("events", ["a", "desc"], isNumbers(3)).read(text)).toThrow("none of this query's");
  });

  test("that is garbage, damaged, cut, padded or made up is refused", () => {
    const good = events("a").write([1, 2, 3]);
    const made = Buffer.from("[1,2,3]").toString("base64url");
    for (const text of [
      "",
      "nonsense",
      made,
      `${good}=`,
      `${good} `,
      good.slice(1),
      good.slice(0, -1),
      `A${good}`,
      "A".repeat(9_000),
    ]) {
      expect(() => events("a").read(text)).toThrow("none of this query's");
    }
  });
});
