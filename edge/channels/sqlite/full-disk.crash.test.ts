/** A file system that is really full, in a mount namespace of its own. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";

const script = join(import.meta.dir, "testing", "full-disk.ts");

async function play(scenario: string): Promise<void> {
  using dir = tempDir();
  const inside = `mount -t tmpfs -o size=96m tmpfs "$1" && exec "$2" "$3" "$4" "$1"`;
  const unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh"];
  const child = startChild({ command: [...unshare, dir.path, process.execPath, script, scenario], name: scenario });
  const exit = await child.exited;
  expect(child.stderr).toBe("");
  expect(child.stdout).toBe("held\n");
  expect(exit.code).toBe(0);
}

test("filled by another program while the destination is away, the channel drains without help when it is back", async () => {
  await play("filled-by-others");
}, 60_000);

test("filled by the channel itself, it takes events again as soon as some are delivered", async () => {
  await play("filled-by-us");
}, 60_000);

test("with drop_oldest a full disk costs the oldest events, counted, and the newest are stored", async () => {
  await play("drops-oldest");
}, 60_000);

test("killed on a disk that is full to the last byte, it starts on it; the reserve gives what the start writes", async () => {
  await play("killed-on-full");
}, 60_000);
