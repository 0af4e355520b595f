/**
 * A compiled binary unpacks its SQLite addon into the temp directory once and finds it there ever after; only its size
 * and owner are looked at. A power cut can leave it at full size and full of zeros, and then no start succeeds until
 * somebody removes it by hand. So it is compared before it is loaded, and removed when it is not what it should be.
 *
 * To be called before the driver is imported. Costs 2 ms; does nothing when not compiled.
 */
import { lstatSync, readdirSync, readFileSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Environment } from "../config/interpolate.ts";

/** Removes damaged addons; answers their paths. What cannot be read or removed is left to the loader's own error. */
export function removeDamagedAddons(environment: Environment): readonly string[] {
  if (!Bun.main.startsWith("/$bunfs/")) return [];
  const embedded = Bun.embeddedFiles
    .map((file) => ("name" in file ? String(file.name) : ""))
    .filter((name) => name.endsWith(".node"))
    .map((name) => readFileSync(join(dirname(Bun.main), name)));
  const folders = new Set([environment.BUN_TMPDIR, environment.TMPDIR, environment.TEMP, environment.TMP, "/tmp"]);
  return [...folders].flatMap((folder) => (folder === undefined || folder === "" ? [] : removeIn(folder, embedded)));
}

function removeIn(folder: string, embedded: readonly Buffer[]): readonly string[] {
  const own = new RegExp(`^\\.bun-${process.getuid?.() ?? 0}-[0-9a-f]+\\.node$`);
  return filesOf(folder)
    .filter((name) => own.test(name))
    .map((name) => join(folder, name))
    .filter((path) => isDamaged(path, embedded))
    .filter(removed);
}

/** Of the size of one of ours, and not one of ours. */
function isDamaged(path: string, embedded: readonly Buffer[]): boolean {
  try {
    const { size } = lstatSync(path);
    const candidates = embedded.filter(({ length }) => length === size);
    if (candidates.length === 0) return false;
    const found = readFileSync(path);
    return !candidates.some((addon) => addon.equals(found));
  } catch {
    // Unreadable for us is for the loader to say.
    return false;
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
