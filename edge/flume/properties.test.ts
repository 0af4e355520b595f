import { expect, test } from "bun:test";
import { readProperties } from "./properties.ts";

const read = (text: string | Buffer) => readProperties("f.conf", Buffer.from(text));
const pairs = (text: string) => read(text).properties.map(({ key, value }) => [key, value]);

test.each([
  ["a=1", [["a", "1"]]],
  ["a = 1 ", [["a", "1 "]]],
  [
    "a:1\nb 2\nc\t3\nd",
    [
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
      ["d", ""],
    ],
  ],
  ["# c\n! d\n  # e\na=1", [["a", "1"]]],
  ["a = x\\\n   y", [["a", "xy"]]],
  [
    "a = x\\\r\n   y\r\nb=2\r\n",
    [
      ["a", "xy"],
      ["b", "2"],
    ],
  ],
  ["a\\\r\n  b = 1", [["ab", "1"]]],
  ["a = # no comment", [["a", "# no comment"]]],
  ["a\\ b\\=c = d\\:e\\u0041\\t.", [["a b=c", "d:eA\t."]]],
  ["a == b", [["a", "= b"]]],
  [
    "a = one\rb = two",
    [
      ["a", "one"],
      ["b", "two"],
    ],
  ],
  ["# a comment ends with its line \\\na=1", [["a", "1"]]],
])("reads %j as Java does", (text, expected) => {
  expect(pairs(text)).toEqual(expected);
});

test("says where everything stands", () => {
  const { properties } = read("# c\r\n\r\n  a.b =\\\r\n   x\r\nc=d");
  expect(properties.map(({ keyAt, valueAt }) => [keyAt, valueAt])).toEqual([
    [
      { line: 3, column: 3 },
      { line: 4, column: 4 },
    ],
    [
      { line: 5, column: 1 },
      { line: 5, column: 3 },
    ],
  ]);
});

test("a comment may hold any bytes, a value may not", () => {
  expect(read(Buffer.from([0x23, 0xd6, 0xd0, 0x0a, 0x61, 0x3d, 0x31])).mistakes).toEqual([]);
  expect(read(Buffer.from([0x61, 0x3d, 0xd6, 0xd0])).mistakes).toMatchObject([{ line: 1, column: 1 }]);
});

test("what no reader of Java's takes is a mistake, what changes a text in silence is a doubt", () => {
  expect(read("a=\\u00g0\nb=\\\\u00g0").mistakes).toMatchObject([{ line: 1 }]);
  expect(read(Buffer.from("a=1", "utf16le")).mistakes[0]?.message).toContain("UTF-16");
  expect(read("a=(\\d+)\nb=\\\\d\nc=\\\\\\d").doubts).toMatchObject([
    { line: 1, column: 3 },
    { line: 3, column: 3 },
  ]);
  expect(read("\ufeffa=1")).toMatchObject({ properties: [{ key: "a", keyAt: { column: 1 } }], doubts: [{ line: 1 }] });
});
