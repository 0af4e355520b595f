import { expect, test } from "bun:test";
import { mistakeOf, PathPattern } from "./glob.ts";

const asks = (pattern: string, path: string) => {
  const at = path.lastIndexOf("/");
  return new PathPattern(pattern).matches(path.slice(0, at) || "/", path.slice(at + 1));
};

// Pattern, paths that it asks for, paths that it does not ask for. DESIGN.md shows the same table.
const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["/L/x.log", ["/L/x.log"], ["/L/x.log.1", "/L/X.log", "/x.log"]],
  ["/L/*.log", ["/L/x.log", "/L/.x.log", "/L/.log"], ["/L/x.txt", "/L/a/x.log"]],
  ["/L/?.log", ["/L/x.log", "/L/ü.log", "/L/\udcff.log"], ["/L/.log", "/L/xy.log"]],
  ["/L/[ab].log", ["/L/a.log"], ["/L/c.log", "/L/[ab].log"]],
  ["/L/[!a].log", ["/L/b.log"], ["/L/a.log"]],
  ["/L/[^a].log", ["/L/b.log"], ["/L/a.log"]],
  ["/L/[a-c]*.log", ["/L/b1.log"], ["/L/d1.log"]],
  ["/L/[[]x].log", ["/L/[x].log"], ["/L/x.log"]],
  ["/L/\\[x\\].log", ["/L/[x].log"], ["/L/x.log"]],
  ["/L/\\*.log", ["/L/*.log"], ["/L/x.log"]],
  ["/L/!x.log", ["/L/!x.log"], ["/L/y.log"]],
  ["/L/!*.log", ["/L/!y.log"], ["/L/y.log"]],
  ["/L/{a,b}.log", ["/L/a.log", "/L/b.log"], ["/L/c.log", "/L/{a,b}.log"]],
  ["/L/{a,b/c}/x.log", ["/L/a/x.log", "/L/b/c/x.log"], ["/L/b/x.log", "/L/c/x.log"]],
  ["/L/{a,{b,c/d}}.log", ["/L/a.log", "/L/b.log", "/L/c/d.log"], ["/L/c.log"]],
  ["/{L/a,M}/{x,y}.log", ["/L/a/x.log", "/M/y.log"], ["/L/x.log"]],
  ["/L/x{,.1}.log", ["/L/x.log", "/L/x.1.log"], ["/L/x.2.log"]],
  ["/L/[{]a,b}.log", ["/L/{a,b}.log"], ["/L/a.log"]],
  ["/L/\\{a,b\\}.log", ["/L/{a,b}.log"], ["/L/a.log"]],
  ["/L/**/*.log", ["/L/x.log", "/L/a/x.log", "/L/a/b/x.log", "/L/.a/x.log"], ["/x.log", "/LL/x.log"]],
  ["/L/**/b/*.log", ["/L/b/x.log", "/L/a/b/x.log", "/L/b/b/x.log"], ["/L/x.log", "/L/b/a/x.log"]],
  ["/**/x.log", ["/x.log", "/L/x.log"], ["/L/y.log"]],
  ["/L/**", ["/L/x", "/L/a/x"], ["/x"]],
  ["/L/a**b.log", ["/L/axb.log"], ["/L/ax/yb.log"]],
  ["/L/*/x.log", ["/L/a/x.log"], ["/L/x.log", "/L/a/b/x.log"]],
  ["/L/a(b|c)+@.log", ["/L/a(b|c)+@.log"], ["/L/ab.log"]],
];

test.each(table)("%s", (pattern, yes, no) => {
  expect(mistakeOf(pattern)).toBeUndefined();
  for (const path of yes) expect([path, asks(pattern, path)]).toEqual([path, true]);
  for (const path of no) expect([path, asks(pattern, path)]).toEqual([path, false]);
});

test.each([
  ["/L/x[.log", '"[" without its "]"'],
  ["/L/[a/b].log", '"[" without its "]"'],
  ["/L/{a,b.log", '"{" without its "}"'],
  ["/L/x.log\\", "backslash"],
])("%s is refused: %s", (pattern, words) => {
  expect(mistakeOf(pattern)).toContain(words);
});

test("folders that are expected by name are known, one for each alternative", () => {
  expect(new PathPattern("/L/{a,b/c}/x*.log").fixedDirectories).toEqual(["/L/a", "/L/b/c"]);
  expect(new PathPattern("/L/*/x.log").fixedDirectories).toEqual([]);
});

test.each([
  ["/L/regex:app-\\d+\\.log", "/L", "app-12.log", true],
  ["/L/regex:app-\\d+\\.log", "/L", "app-x.log", false],
  ["/L/regex:a{2}", "/L", "aa", true],
  ["/L/{a,b}/regex:x.*", "/L/b", "xyz", true],
  ["/L/regex:.*", "/M", "x", false],
])("a regular expression of a name: %s and %s/%s", (pattern, folder, name, matches) => {
  expect(new PathPattern(pattern).matches(folder, name)).toBe(matches);
});

test("a regular expression that is none is a mistake of the config", () => {
  expect(mistakeOf("/L/regex:(a")).toContain("missing )");
  expect(mistakeOf("/L/regex:a{2}")).toBeUndefined();
});
