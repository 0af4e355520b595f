/**
 * Two builds of one commit are the same file, wherever they were made: whoever doubts a binary builds it anew and compares.
 * What could differ is what a bundler writes down beside the code: paths of sources (error messages have them), times, the
 * order of files, and what the environment of the builder says (kafkajs gives up later where NODE_ENV is "test").
 */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { buildCentral, buildEdge } from "./build.ts";

const root = join(import.meta.dir, "../..");
const sources = ["edge", "central", "shared", "scripts", "package.json", "bun.lock", "tsconfig.json"];

const buildThere = `import { buildCentral, buildEdge } from "./scripts/build/build.ts";

console.log(JSON.stringify([await buildEdge(), await buildCentral()]));
`;

test("edge and central, built here, in another folder and in another environment, are byte by byte the same", async () => {
  using dir = tempDir("tailgate-a-longer-name-than-the-one-here-");
  const there = dir.file("some/where/else");
  for (const name of sources) cpSync(join(root, name), join(there, name), { recursive: true });
  // Copies too: a link would be followed back to the packages of this folder.
  cpSync(join(root, "node_modules"), join(there, "node_modules"), { recursive: true, verbatimSymlinks: true });
  await Bun.write(join(there, "build-there.ts"), buildThere);
  const here = [await buildEdge(), await buildCentral()].map(sumOf);
  for (const NODE_ENV of ["test", undefined]) {
    rmSync(join(there, "dist"), { recursive: true, force: true });
    const command = [process.execPath, join(there, "build-there.ts")];
    await using child = startChild({ command, cwd: there, env: { NODE_ENV } });
    const { code } = await child.exited;
    expect([code, code === 0 ? "" : child.stderr]).toEqual([0, ""]);
    const built: string[] = JSON.parse(child.stdout.trim().split("\n").at(-1) ?? "[]");
    for (const path of built) expect(path).toStartWith(there);
    expect(built.map(sumOf)).toEqual(here);
  }
}, 180_000);

function sumOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
