import { expect, test } from "bun:test";
import { withBaseDirectory } from "./base-directory.ts";
import { path } from "./path.ts";

test("an absolute path stays as it is", () => {
  expect(path().parse("/var/lib/tailgate")).toBe("/var/lib/tailgate");
});

test("a relative path means the folder of the config", () => {
  expect(withBaseDirectory("/etc/tailgate", () => path().parse("module.ts"))).toBe("/etc/tailgate/module.ts");
});

test("outside of a config a relative path means the working directory, also after a validation that threw", () => {
  expect(() => withBaseDirectory("/etc/tailgate", () => path().parse(""))).toThrow("the path is empty");
  expect(path().parse("module.ts")).toBe(`${process.cwd()}/module.ts`);
});

test.each([
  ["", "empty"],
  ["a\0b", "NUL"],
  ["~/data", "write the whole path"],
])("a path refuses %p", (written, word) => {
  expect(path().safeParse(written).error?.issues[0]?.message).toContain(word);
});
