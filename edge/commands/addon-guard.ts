/**
 * A compiled binary unpacks its SQLite addon into the temp directory once and finds it there ever after; only its size
 * and owner are looked at. A power cut can leave it at full size and full of zeros, and then no start succeeds until
 * somebody removes it by hand. So it is compared before it is loaded, and removed when it is not what it should be.
 *
 * To be called before the driver is imported. Costs 2 ms; does nothing when not compiled.
 */
import { readdirSync, unlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../config/interpolate.ts";

/** Compared at once: the addon is never in memory as a whole. */
const chunkBytes = 128 * 1024;

/** Removes damaged addons; answers their paths. What cannot be read or removed is left to the loader's own error. */
export async function removeDamagedAddons(environment: Environment): Promise<readonly string[]> {
  if (!Bun.main.startsWith("/$bunfs/")) return [];
  const embedded = Bun.embeddedFiles.filter((file) => "name" in file && String(file.name).endsWith(".node"));
  const folders = new Set([environment.BUN_TMPDIR, environment.TMPDIR, environment.TEMP, environment.TMP, "/tmp"]);
  const removedPaths: string[] = [];
  for (const path of [...folders].flatMap(unpackedIn)) {
    if ((await isDamaged(path, embedded)) && removed(path)) removedPaths.push(path);
  }
  return removedPaths;
}

/** Where Bun has unpacked an addon for this user. */
function unpackedIn(folder: string | undefined): readonly string[] {
  if (folder === undefined || folder === "") return [];
  const own = new RegExp(`^\\.bun-${process.getuid?.() ?? 0}-[0-9a-f]+\\.node$`);
  return filesOf(folder)
    .filter((name) => own.test(name))
    .map((name) => join(folder, name));
}

/** Of the size of one of ours, and not one of ours. */
async function isDamaged(path: string, embedded: readonly Blob[]): Promise<boolean> {
  try {
    const { size } = Bun.file(path);
    const candidates = embedded.filter((addon) => addon.size === size);
    for (const addon of candidates) if (await sameBytes(path, addon)) return false;
    return candidates.length > 0;
  } catch {
    // Unreadable for us is for the loader to say.
    return false;
  }
}

async function sameBytes(path: string, addon: Blob): Promise<boolean> {
  const handle = await open(path);
  try {
    const chunk = Buffer.alloc(chunkBytes);
    for (let at = 0; at < addon.size; at += chunkBytes) {
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, at);
      const expected = await addon.slice(at, at + chunkBytes).bytes();
      if (!chunk.subarray(0, bytesRead).equals(expected)) return false;
    }
    return true;
  } finally {
    await handle.close();
  }
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No such folder: nothing was unpacked there.
    return [];
  }
}

function removed(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    // Not ours to remove: the loader says what it finds.
    return false;
  }
}
