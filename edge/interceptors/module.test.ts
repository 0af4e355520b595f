import { expect, test } from "bun:test";
import { utimesSync, writeFileSync } from "node:fs";
import { withBaseDirectory } from "../../shared/config/base-directory.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import module from "./module.ts";

test("a TypeScript module beside the config sees every event with its options, and its answer counts", () => {
  using dir = tempDir();
  writeFileSync(
    dir.file("mark.ts"),
    `import { word } from "./word.ts";
     export default (options: { drop: string }) => (view: { text(): string; setHeader(n: string, v: string): boolean }) => {
       view.setHeader("mark", word);
       return view.text() !== options.drop;
     };`,
  );
  writeFileSync(dir.file("word.ts"), `export const word: string = "seen";`);
  const interceptor = withBaseDirectory(dir.path, () =>
    createComponent(module, { path: "mark.ts", options: { drop: "b" } }, fakeContext()),
  );
  const view = viewOf("a");
  expect(interceptor.intercept(view)).toBe(true);
  expect(view.header("mark")).toBe("seen");
  expect(interceptor.intercept(viewOf("b"))).toBe(false);
});

test("a module that throws keeps the event and is counted", () => {
  using dir = tempDir();
  writeFileSync(dir.file("bad.js"), "export default () => () => { throw new Error('no'); };");
  const metrics = new Metrics();
  const interceptor = createComponent(module, { path: dir.file("bad.js") }, fakeContext({ metrics }));
  expect(interceptor.intercept(viewOf("a"))).toBe(true);
  expect(metrics.render()).toContain('tailgate_interceptor_errors_total{component="test"} 1');
});

test("a module that changed is loaded anew", () => {
  using dir = tempDir();
  const file = dir.file("answer.js");
  for (const [seconds, keeps] of [
    [1_000, true],
    [2_000, false],
  ] as const) {
    writeFileSync(file, `export default () => () => ${keeps};`);
    utimesSync(file, seconds, seconds);
    expect(createComponent(module, { path: file }, fakeContext()).intercept(viewOf("a"))).toBe(keeps);
  }
});

test.each([
  ["export default () => {", "load "],
  ["throw new Error('at load');", "at load"],
  ["export const other = 1;", "no default export that is a function"],
  ["export default () => 5;", "answers no function"],
  ["export default () => { throw new Error('bad options'); };", "bad options"],
])("the module %p is a mistake of the config", (source, word) => {
  using dir = tempDir();
  writeFileSync(dir.file("m.js"), source);
  expect(mistakes(module, { path: dir.file("m.js") })[0]).toStartWith("path: ");
  expect(mistakes(module, { path: dir.file("m.js") })[0]).toContain(word);
});

test("a FIFO in the module's place is a mistake, and nobody waits at it", () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("m.ts")]);
  expect(mistakes(module, { path: dir.file("m.ts") })[0]).toContain("it is a FIFO");
  expect(mistakes(module, { path: dir.path })[0]).toContain("it is a folder");
});

test("a module that is not there is a mistake that names it", () => {
  expect(mistakes(module, { path: "/nonexistent/m.ts" })[0]).toContain("/nonexistent/m.ts");
});
