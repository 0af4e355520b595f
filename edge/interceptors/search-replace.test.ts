import { expect, test } from "bun:test";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import searchReplace from "./search-replace.ts";

function replaced(config: unknown, line: string | Buffer): Buffer {
  const view = viewOf(line);
  expect(createComponent(searchReplace, config, fakeContext()).intercept(view)).toBe(true);
  return Buffer.from(view.buffer.subarray(view.start, view.end));
}

test.each([
  [{ searchPattern: "password=\\S+", replaceString: "password=***" }, "u=1 password=x", "u=1 password=***"],
  [{ searchPattern: "(\\w+)=(\\w+)", replaceString: "$2<$1>" }, "a=b c=d", "b<a> d<c>"],
  [{ searchPattern: "\\d", replaceString: "\\$$0" }, "a1b2", "a$1b$2"],
  [{ searchPattern: "\\d+" }, "a12b", "ab"],
  [{ searchPattern: "(?i)error", replaceString: "E" }, "Error ERROR", "E E"],
  [{ searchPattern: "x" }, "nothing", "nothing"],
  [{ searchPattern: "é", replaceString: "e" }, "café", "cafe"],
  [{ searchPattern: "(a+)+b", replaceString: "<$1>" }, "caab aab", "c<aa> <aa>"],
])("with %j %s becomes %s", (config, line, expected) => {
  expect(replaced(config, line).toString()).toBe(expected);
});

test("bytes that are no UTF-8 come out as they went in", () => {
  const line = Buffer.from([0xff, 0x61, 0xc3, 0x28, 0x61]);
  expect(replaced({ searchPattern: "a", replaceString: "b" }, line)).toEqual(
    Buffer.from([0xff, 0x62, 0xc3, 0x28, 0x62]),
  );
});

test("a group that the pattern does not have is a mistake", () => {
  expect(mistakes(searchReplace, { searchPattern: "(a)", replaceString: "$2" })).toEqual([
    "replaceString: $2: the pattern has 1 groups",
  ]);
});
