/**
 * What no snapshot names is removed: files of a commit that was cut short, and of snapshots that are dropped. Run by the one
 * writer between two commits, when all that it wants to keep is named.
 */
import { type Dirent, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readManifest, readManifestList } from "./manifest.ts";
import { metadataFilesKept, type TableMetadata } from "./metadata.ts";
import type { TableFiles } from "./table-files.ts";

/** Returns how many files were removed. @throws AppError `CENTRAL_LAKE_TABLE`, or the system's error. */
export function sweep(files: TableFiles, metadata: TableMetadata): number {
  const named = namedFiles(files, metadata);
  return sweepFolder(files.metadataFolder, named) + sweepFolder(files.dataFolder, named);
}

function namedFiles(files: TableFiles, metadata: TableMetadata): ReadonlySet<string> {
  const named = new Set([files.hint]);
  for (const version of files.versions().slice(-1 - metadataFilesKept)) named.add(files.metadata(version));
  for (const snapshot of metadata.snapshots) {
    const list = files.path(snapshot["manifest-list"]);
    named.add(list);
    for (const manifest of readManifestList(list)) {
      const path = files.path(manifest.path);
      if (named.has(path)) continue;
      named.add(path);
      for (const { status, file } of readManifest(path)) if (status !== "deleted") named.add(files.path(file.path));
    }
  }
  return named;
}

function sweepFolder(folder: string, named: ReadonlySet<string>): number {
  let removed = 0;
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      removed += sweepFolder(path, named);
      if (entriesOf(path).length === 0) rmdirSync(path);
    } else if (!named.has(path)) {
      rmSync(path, { force: true });
      removed++;
    }
  }
  return removed;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return [];
    throw thrown;
  }
}
