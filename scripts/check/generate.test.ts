import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { errorCodesOf } from "./generate/error-codes.ts";
import { renderRegistry } from "./generate/registry.ts";

function edgeWith(files: readonly string[]) {
  const dir = tempDir();
  for (const kind of ["sources", "interceptors", "selectors", "channels", "sinks"]) mkdirSync(dir.file(kind));
  for (const path of files) {
    mkdirSync(dirname(dir.file(path)), { recursive: true });
    writeFileSync(dir.file(path), "export default defineThing({\n");
  }
  return dir;
}

test("a component in a file or a folder is registered by its path, sorted, and nothing else is", () => {
  using edge = edgeWith(["sinks/kafka/index.ts", "sinks/file-roll.ts", "sources/tail/index.ts", "sinks/null.test.ts"]);
  mkdirSync(edge.file("channels/sqlite"));
  writeFileSync(edge.file("sinks/token.ts"), "export const a = 1;\n");
  const text = renderRegistry(edge.path);
  expect(text).toContain('import tailSource from "./sources/tail/index.ts";\n');
  expect(text).toContain('import fileRollSink from "./sinks/file-roll.ts";\n');
  expect(text).toContain("  sources: [tailSource],\n  interceptors: [],\n  selectors: [],\n  channels: [],\n");
  expect(text).toContain("  sinks: [fileRollSink, kafkaSink],\n");
  expect(text).not.toContain("token");
});

test("the text does not depend on the order in which files were made", () => {
  using one = edgeWith(["sinks/a.ts", "sinks/b.ts"]);
  using two = edgeWith(["sinks/b.ts", "sinks/a.ts"]);
  expect(renderRegistry(one.path)).toBe(renderRegistry(two.path));
});

const root = join(import.meta.dir, "../..");

test("the codes that files declare anywhere below a folder are found, and each is a person's next step", async () => {
  const codes = await errorCodesOf(root, ["edge", "central", "shared", "scripts"]);
  const names = codes.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["CONFIG_INVALID", "EDGE_SPOOL_FILE_CHANGED", "CENTRAL_NOT_FOUND"]));
  for (const { name, hint } of codes) expect(`${name}: ${hint}`).toMatch(/^[A-Z_0-9]+: \S.{20,}\.$/);
  const pages = ["edge/REFERENCE.md", "central/REFERENCE.md"].map((path) => readFileSync(join(root, path), "utf8"));
  for (const name of names.filter((each) => /^(EDGE|KAFKA|CENTRAL)_/.test(each))) {
    expect([name, pages.some((page) => page.includes(`| \`${name}\` |`))]).toEqual([name, true]);
  }
});

test("one code in two files is a mistake that names both", async () => {
  using dir = tempDir();
  const errorCode = join(root, "shared/errors/error-code.ts");
  const text = `import { defineCodes } from "${errorCode}";\nexport const codes = defineCodes({ A_B: { severity: "usage", hint: "x" } });\n`;
  mkdirSync(dir.file("edge"));
  for (const name of ["one.ts", "two.ts"]) writeFileSync(dir.file(`edge/${name}`), text);
  await expect(errorCodesOf(dir.path, ["edge"])).rejects.toThrow("edge/two.ts declares A_B, and so does edge/one.ts");
});
