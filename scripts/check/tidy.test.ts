import { describe, expect, test } from "bun:test";
import { noCircles } from "./tidy/circles.ts";
import { importArrows } from "./tidy/import-arrows.ts";
import { mask } from "./tidy/mask.ts";
import { oneMeaningAName } from "./tidy/names.ts";
import { foldersHavePages } from "./tidy/pages.ts";
import { fewParameters } from "./tidy/parameters.ts";
import { type Rule, sourceFile } from "./tidy/project.ts";
import { deadFiles, exportsDocumented, prose, sizesAndNames, testsBeside } from "./tidy/shape.ts";
import { leftovers, misplacedWords, registryAddresses } from "./tidy/words.ts";

type Files = Readonly<Record<string, string>>;

/** `path:line` of everything that a rule finds. */
function find(rule: Rule, files: Files): string[] {
  return rule(Object.entries(files).map(([path, text]) => sourceFile(path, text))).map(
    ({ path, line }) => `${path}:${line}`,
  );
}

describe("the mask", () => {
  test.each([
    ['a("x // y") // z', 'a("      ")     '],
    ['b(/[/"]+/g, 1 / 2 / 3)', "b(/     /g, 1 / 2 / 3)"],
    ["/* f */ g('\\'h')", "        g('   ')"],
    ["return /x/.test(i) ? `}` : {}", "return / /.test(i) ? ` ` : {}"],
  ])("blanks what is not code in %s", (source, code) => {
    expect(mask(source).code).toBe(code);
  });

  test("follows templates into templates and out again", () => {
    const source = ["`x$", "{c(`y$", "{d}`)}z` + e"].join("");
    expect(mask(source).code).toBe(["` $", "{c(` $", "{d}`)} ` + e"].join(""));
  });

  test("keeps comments apart, and all offsets", () => {
    const source = "a(); // why\n/* b\n c */ d();\n";
    expect(mask(source).comments).toBe("     // why\n/* b\n c */     \n");
    expect(mask(source).code.length).toBe(source.length);
  });
});

describe("import arrows", () => {
  const arrows = importArrows(new Set(["zod"]));
  const from = (path: string, specifier: string) => find(arrows, { [path]: `\nimport { a } from "${specifier}";\n` });

  test.each([
    ["shared/async/a.ts", "../../edge/core/b.ts"],
    ["central/a.ts", "../edge/core/b.ts"],
    ["edge/core/a.ts", "../sinks/kafka/b.ts"],
    ["edge/sinks/kafka/a.ts", "../null.ts"],
    ["edge/sinks/kafka/a.ts", "../../sources/tail/b.ts"],
    ["edge/sinks/null.ts", "./logger.ts"],
    ["edge/sinks/null.ts", "../engine/agent.ts"],
    ["edge/engine/a.ts", "../sources/tail/index.ts"],
    ["edge/commands/run.ts", "../../central/b.ts"],
    ["edge/sources/tail/a.test.ts", "../../../central/b.ts"],
    ["edge/sinks/kafka/a.test.ts", "../../../scripts/drivers/kafka/broker.ts"],
    ["edge/engine/a.ts", "../../shared/testing/until.ts"],
    ["scripts/drivers/kafka/a.ts", "../../../edge/core/sink.ts"],
    ["scripts/replay/a.e2e.test.ts", "../../edge/core/sink.ts"],
    ["scripts/replay/a.e2e.test.ts", "../pilot/home.ts"],
    ["scripts/pilot/a.ts", "../../central/config/schema.ts"],
    ["scripts/integration/edge/a.integration.test.ts", "../../bench/options.ts"],
    ["scripts/runner/a.ts", "../replay/runs.ts"],
    ["central/records/a.ts", "../store/store.ts"],
    ["central/store/a.test.ts", "../ingest/ingest.ts"],
    ["central/consumer/a.ts", "../store/store.ts"],
    ["central/status/a.ts", "../api/api.ts"],
    ["central/ingest/a.ts", "../api/api.ts"],
    ["edge/engine/a.test.ts", "../sinks/null.ts"],
    ["shared/async/a.ts", "./b"],
    ["shared/async/a.ts", "lodash/fp"],
  ])("%s may not import %s", (path, specifier) => {
    expect(from(path, specifier)).toEqual([`${path}:2`]);
  });

  test.each([
    ["edge/sinks/kafka/a.ts", "./client/b.ts"],
    ["edge/sinks/kafka/client/a.ts", "../../../core/sink.ts"],
    ["edge/engine/a.ts", "../../shared/async/b.ts"],
    ["edge/commands/run.ts", "../engine/agent.ts"],
    ["edge/sources/tail/a.test.ts", "../../testing/fakes/b.ts"],
    ["scripts/replay/a.e2e.test.ts", "../build/build.ts"],
    ["scripts/a.ts", "../edge/core/b.ts"],
    ["edge/engine/a.test.ts", "../../shared/testing/until.ts"],
    ["central/a.ts", "node:fs"],
    ["central/a.ts", "bun:sqlite"],
    ["central/a.ts", "zod/v4"],
  ])("%s may import %s", (path, specifier) => {
    expect(from(path, specifier)).toEqual([]);
  });

  test("types, re-exports, dynamic and bare imports are imports too", () => {
    const text = [
      'import type { A } from "../edge/a.ts";',
      'export { b } from "../edge/b.ts";',
      'const c = await import("../edge/c.ts");',
      'import "../edge/d.ts";',
      "const e = \"import { e } from '../edge/e.ts'\";",
    ].join("\n");
    expect(find(arrows, { "central/x.ts": text })).toEqual([1, 2, 3, 4].map((line) => `central/x.ts:${line}`));
  });
});

test("the address of a package registry is found, that of an XML namespace is not", () => {
  const text = 'const a = "http://deb.debian.org/debian";\nconst b = "http://maven.apache.org/POM/4.0.0";';
  expect(find(registryAddresses, { "scripts/setup/a.ts": text })).toEqual(["scripts/setup/a.ts:1"]);
});

describe("circles of files", () => {
  const files = {
    "edge/a.ts": 'import { b } from "./b.ts";',
    "edge/b.ts": 'import type { C } from "./c.ts";',
    "edge/c.ts": 'import { a } from "./a.ts";',
    "edge/d.ts": 'import { a } from "./a.ts";\nimport { e } from "./e.ts";',
    "edge/e.ts": "",
  };

  test("files that import each other the long way round, by a type too, are one finding", () => {
    expect(find(noCircles, files)).toEqual(["edge/a.ts:1"]);
  });
});

describe("parameters on the delivery path", () => {
  const text = [
    "export function five(a: A, b: Map<string, number>, c: C, d: (x: X, y: Y) => Z, e = [1, 2]): void {}",
    "export function four(a: A, b: Map<string, number>, c: C, d: { e: E; f: F }) {}",
    "class Lane {",
    "  constructor(",
    "    private readonly a: A,",
    "    b: B, c: C, d: D, e: E,",
    "  ) {}",
    "  private async send(a: A, b: B, c: C, d: D, e: E): Promise<void> {",
    "    if (one(a, b, c, d, e)) two(a, b, c, d, e);",
    "    return a(b, c, d, e, 1);",
    "  }",
    "}",
    "const arrow = (a: A, b: B, c: C, d: D, e: E) => 1;",
    "interface I {",
    "  put(a: A, b: B, c: C, d: D, e: E): void;",
    "}",
  ].join("\n");
  const path = "edge/sinks/kafka/lane.ts";

  test("functions, methods, constructors, arrows and signatures with five are found, calls are not", () => {
    expect(find(fewParameters, { [path]: text })).toEqual([1, 4, 8, 13, 15].map((line) => `${path}:${line}`));
    expect(find(fewParameters, { "edge/commands/a.ts": text, "edge/core/a.test.ts": text })).toEqual([]);
  });
});

describe("words that have their place", () => {
  test.each([
    ["console.log(1);", "edge/engine/a.ts", "scripts/a.ts"],
    ["console.error(1);", "shared/a.ts", "edge/commands/a.ts"],
    ["const now = Date.now();", "edge/engine/a.ts", "shared/clock/a.ts"],
    ["const now = new Date();", "central/a.ts", "central/a.test.ts"],
    ["const dice = Math.random();", "edge/a.ts", "shared/random/a.ts"],
    ["process.exit(1);", "edge/engine/a.ts", "edge/main.ts"],
    ["export default class A {}", "edge/a.ts", "edge/a.d.ts"],
    ["const text = readFileSync(path);", "edge/a.ts", "edge/channels/sqlite/provenance.ts"],
    ["const text = await Bun.file(path).text();", "central/a.ts", "scripts/a.ts"],
  ])("%s not in %s, but in %s", (code, wrong, right) => {
    expect(find(misplacedWords, { [wrong]: code, [right]: code })).toEqual([`${wrong}:1`]);
  });

  test.each([
    "const a = b as any;",
    "const a = b as unknown as C;",
    "function a(b: any) {}",
    "test.skip('a', () => {});",
    "describe.only('a', () => {});",
    "it.todo('a');",
    "try { a(); } catch {}",
    "try { a(); } catch (thrown) { }",
  ])("nowhere: %s", (code) => {
    expect(find(misplacedWords, { "scripts/a.test.ts": code })).toEqual(["scripts/a.test.ts:1"]);
  });

  test("prose, strings and what only looks alike are left alone", () => {
    const code = [
      "// console.log and Date.now() and `as any`",
      'const a = "console.log(Math.random())";',
      "const b = new Date(0);",
      'const d = readFileSync("/proc/self/limits", "utf8");',
      "try { c(); } catch { // gone already, which is what was wanted\n}",
      "export default defineSink({});",
    ].join("\n");
    expect(find(misplacedWords, { "edge/a.ts": code })).toEqual([]);
  });

  test("nothing is left for later, in code or prose, and the compiler is not silenced", () => {
    const later = `TO${"DO"}`;
    const files = { "a.ts": `// ${later}: x\nconst a = "${later}";\n// @ts-${"ignore"}\n`, "b.md": `\n${later}` };
    expect(find(leftovers, files)).toEqual(["a.ts:1", "a.ts:3", "b.md:2"]);
  });

  test("what is counted beside its line of the log is found, in either order", () => {
    const files = {
      "edge/before.ts": 'this.notes.count("lost", n);\nthis.tools.telemetry.report(signals.lost, { n });\n',
      "edge/after.ts": "report(signals.full);\nthis.full.add(1);\n",
      "edge/one.ts": 'this.said.add(key);\nreport(signals.full, { key });\nwork();\nintake.count("cut", 1);\n',
      "edge/one.test.ts": "report(signals.full);\nthis.full.add(1);\n",
    };
    expect(find(misplacedWords, files)).toEqual(["edge/before.ts:1", "edge/after.ts:1"]);
  });
});

describe("shape", () => {
  test("a file over the limit, a name in camels and a drawer for odds and ends are found", () => {
    const files = {
      "edge/long.ts": "\n".repeat(401),
      "edge/camelCase.ts": "",
      "edge/utils/a.ts": "",
      "shared/helpers.ts": "",
      "edge/fine-name.crash.test.ts": "\n".repeat(400),
      "edge/registry.gen.ts": "\n".repeat(900),
    };
    expect(find(sizesAndNames, files)).toEqual([
      "edge/long.ts:400",
      "edge/camelCase.ts:1",
      "edge/utils/a.ts:1",
      "shared/helpers.ts:1",
    ]);
  });

  test("an exported symbol without a word is found; a header speaks for the symbol its file is named for", () => {
    const undocumented = "export function a() {}\n\n/** Words. */\nexport const b = 1;\nexport type C = 1;\n";
    const header =
      "/** All about the thing. */\nimport { x } from './x.ts';\n\nexport class BigThing {}\nexport class D {}\n";
    const signal = 'export const wentWrong = defineSignal({ message: "It went wrong." });\n';
    const files = { "edge/a.ts": undocumented, "edge/big-thing.ts": header, "edge/telemetry.ts": signal };
    expect(find(exportsDocumented, files)).toEqual(["edge/a.ts:1", "edge/a.ts:5", "edge/big-thing.ts:5"]);
  });

  test("a module of some size wants a test that reaches it", () => {
    const module = (imports = "") => `${imports}\nexport function a() {}\n${"\n".repeat(60)}`;
    const files = {
      "edge/x/alone.ts": module(),
      "edge/x/tried.ts": module('import "./inner.ts"; import "../y/far.ts";'),
      "edge/x/inner.ts": module(),
      "edge/y/far.ts": module(),
      "edge/x/small.ts": "export function a() {}",
      "edge/x/types.ts": `export interface A {\n  b: () => void;\n${"\n".repeat(60)}}`,
      "edge/x/tried.test.ts": 'import { a } from "./tried.ts";',
    };
    expect(find(testsBeside, files)).toEqual(["edge/x/alone.ts:1", "edge/y/far.ts:1"]);
  });

  test("a file that nothing reaches is found", () => {
    const files = {
      "edge/main.ts": 'import "./used.ts";',
      "edge/used.ts": "",
      "edge/dead.ts": "",
      "edge/sinks/null.ts": "export default defineSink({});",
      "scripts/tool.ts": "",
      "edge/used.test.ts": "",
    };
    expect(find(deadFiles, files)).toEqual(["edge/dead.ts:1"]);
  });

  test("a name means one thing in a program", () => {
    const lane = "export interface Lane {}\n";
    expect(find(oneMeaningAName, { "edge/core/lane.ts": lane, "edge/sinks/a.ts": `\n${lane}` })).toEqual([
      "edge/sinks/a.ts:2",
    ]);
    expect(find(oneMeaningAName, { "central/a.ts": lane, "shared/b.ts": lane })).toEqual(["shared/b.ts:1"]);
    // Two programs, a test's own, a schema beside its type, and what each component has.
    const config = "export type Config = string;\n";
    const free = {
      "edge/core/lane.ts": lane,
      "central/lane.ts": lane,
      "edge/testing/fakes/lane.ts": lane,
      "edge/sinks/a/config.ts": config,
      "edge/sinks/b/config.ts": config,
      "shared/beat.ts": "export const Beat = 1;\nexport type Beat = number;\n",
    };
    expect(find(oneMeaningAName, free)).toEqual([]);
  });

  test("a folder of many modules has a page that names each of them", () => {
    const modules = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`edge/core/m${n}.ts`, ""]));
    const named = Object.keys(modules).map((path) => `\`${path.slice(10)}\``);
    expect(find(foldersHavePages, modules)).toEqual(["edge/core:1"]);
    expect(find(foldersHavePages, { ...modules, "edge/core/DESIGN.md": named.join(" ") })).toEqual([]);
    expect(find(foldersHavePages, { ...modules, "edge/core/DESIGN.md": named.slice(1).join(" ") })).toEqual([
      "edge/core/DESIGN.md:1",
    ]);
    // Tests, and what tests stand on, are no modules; ten of them need no page.
    const few = Object.entries(modules).slice(1);
    expect(find(foldersHavePages, Object.fromEntries([...few, ["edge/core/m0.test.ts", ""]]))).toEqual([]);
  });

  test("a link that leads nowhere is found", () => {
    const rule = prose((path) => path === "edge/DESIGN.md");
    const files = {
      "README.md": "[a](edge/DESIGN.md#x) [b](https://example.org) [c](#here)\n[d](gone.md)",
      "edge/OTHER.md": "[a](DESIGN.md)",
    };
    expect(find(rule, files)).toEqual(["README.md:2"]);
  });
});
