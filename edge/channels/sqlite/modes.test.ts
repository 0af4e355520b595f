import { expect, test } from "bun:test";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { open } from "./testing/open.ts";

const mode = (path: string) => statSync(path).mode & 0o777;

test("a data folder that others can read is theirs no longer, with all that lies in it", () => {
  using dir = tempDir();
  open(dir, { reserveBytes: 4_096 }).close();
  for (const name of readdirSync(dir.path)) chmodSync(join(dir.path, name), 0o644);
  chmodSync(dir.path, 0o755);
  const said: string[] = [];
  const store = open(dir, { report: ({ name }) => said.push(name) });
  expect(mode(dir.path)).toBe(0o700);
  for (const name of readdirSync(dir.path)) expect([name, mode(join(dir.path, name)) & 0o077]).toEqual([name, 0]);
  expect(said).toContain("channel_mode_repaired");
  store.close();
});

test("a folder in which something else lies is somebody else's, too: only our files are changed", () => {
  using dir = tempDir();
  open(dir).close();
  writeFileSync(dir.file("other"), "");
  chmodSync(dir.file("other"), 0o644);
  chmodSync(dir.file("channel.db"), 0o644);
  chmodSync(dir.path, 0o755);
  open(dir).close();
  expect([mode(dir.path), mode(dir.file("other")), mode(dir.file("channel.db"))]).toEqual([0o755, 0o644, 0o600]);
});
