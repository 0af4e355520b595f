import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
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
