import { type BigIntStats, statSync } from "node:fs";
import { isBelow } from "./links.ts";
import { folderOf, systemPath } from "./path-text.ts";
import { realOf } from "./real-path.ts";
import { systemCode } from "./refusal.ts";

/** Of a file's stat, what says which file it is. */
export type FileIdentity = Pick<BigIntStats, "dev" | "ino">;

/** Where our own files lead is found out again after so long: a link to a secret is replaced when the secret is renewed. */
const knownForMs = 1_000;

interface Known {
  readonly paths: ReadonlySet<string>;
  readonly identities: ReadonlySet<string>;
  /** Of the folder itself, by whatever path it is mounted. */
  readonly folder: string | undefined;
  readonly untilMs: number;
}

/**
 * What a program must never read as somebody's log: its own data folder, its config, its secrets. A file is ours by its
 * path without links, and by its inode: a second name and a second mount of it are the same file.
 */
export class OwnFiles {
  private readonly folder: string;
  private known: Known | undefined;

  /** @param files asked for again from time to time: another config names other secrets. */
  constructor(
    folder: string,
    private readonly files: () => readonly string[],
  ) {
    this.folder = realOf(folder);
  }

  /** @param path without links. */
  has(path: string, stat: FileIdentity): boolean {
    if (path === this.folder || isBelow(path, this.folder)) return true;
    const { paths, identities, folder } = this.now();
    if (paths.has(path) || identities.has(keyOf(stat))) return true;
    return folder !== undefined && identityAt(folderOf(path)) === folder;
  }

  private now(): Known {
    const nowMs = performance.now();
    if (this.known !== undefined && nowMs < this.known.untilMs) return this.known;
    const files = this.files();
    const identities = files.flatMap((file) => identityAt(file) ?? []);
    this.known = {
      paths: new Set(files.map(realOf)),
      identities: new Set(identities),
      folder: identityAt(this.folder),
      untilMs: nowMs + knownForMs,
    };
    return this.known;
  }
}

/** Nothing is ours: for programs without a folder of their own. */
export const noOwnFiles: Pick<OwnFiles, "has"> = { has: () => false };

function identityAt(path: string): string | undefined {
  try {
    const stat = statSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : keyOf(stat);
  } catch (thrown) {
    if (systemCode(thrown) === undefined) throw thrown;
    return undefined;
  }
}

function keyOf({ dev, ino }: FileIdentity): string {
  return `${dev}:${ino}`;
}
