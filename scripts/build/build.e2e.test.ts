import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { buildEdge, buildTargets, hostTarget } from "./build.ts";

const entry = "scripts/build/probe.ts";

async function runAlone(binary: string, prefix: readonly string[] = [], words: readonly string[] = []) {
  using dir = tempDir();
  const copy = dir.file("program");
  copyFileSync(binary, copy);
  writeFileSync(dir.file(".env"), "TAILGATE_PROBE=read\n");
  writeFileSync(dir.file("bunfig.toml"), 'preload = ["./not-there.ts"]\n');
  await using child = startChild({ command: [...prefix, copy, ...words], cwd: dir.path });
  const { code } = await child.exited;
  return { code, stdout: child.stdout, stderr: child.stderr };
}

test("the binary for this machine runs alone, with SQLite in it, and reads no .env or bunfig.toml that lies about", async () => {
  const { code, stdout, stderr } = await runAlone(await buildEdge({ entry }));
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const said = JSON.parse(stdout);
  expect(said).toMatchObject({ arch: process.arch, target: hostTarget(), version: "0.1.0" });
  expect(said.sqlite).toMatch(/^3\./);
  expect(said.probe).toBeUndefined();
}, 120_000);

test("an error in the binary names the line of the source", async () => {
  const { code, stderr } = await runAlone(await buildEdge({ entry }), [], ["fail"]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/scripts\/build\/probe\.ts:\d+/);
}, 120_000);

test("the arm64 binary runs, with its own addon", async () => {
  const emulator = process.arch === "arm64" ? [] : ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];
  const { code, stdout, stderr } = await runAlone(await buildEdge({ entry, target: "linux-arm64" }), emulator);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ arch: "arm64", target: "linux-arm64" });
}, 120_000);

test.each([...buildTargets])(
  "the binary for %s holds exactly one SQLite addon",
  async (target) => {
    const bytes = readFileSync(await buildEdge({ entry, target }));
    const addons = new Set(bytes.toString("latin1").match(/\$bunfs\/root\/linux[a-z0-9-]*\.node/g));
    expect(addons.size).toBe(1);
    const wanted = `${target.includes("musl") ? "linuxmusl" : "linux"}-${target.includes("arm64") ? "arm64" : "x64"}`;
    expect([...addons][0]).toStartWith(`$bunfs/root/${wanted}`);
  },
  120_000,
);

test("without a change nothing is built again", async () => {
  const first = await buildEdge({ entry });
  const { mtimeMs } = statSync(first);
  expect(await buildEdge({ entry })).toBe(first);
  expect(statSync(first).mtimeMs).toBe(mtimeMs);
}, 120_000);
