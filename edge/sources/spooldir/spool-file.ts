import { type BigIntStats, fstatSync } from "node:fs";
import { z } from "zod";
import type { FileCodec } from "../../../shared/compression/plain-bytes.ts";
import { birthNs } from "../../../shared/files/birth.ts";
import type { Positioned } from "../../core/source.ts";
import { statOf } from "./names.ts";

/** What a file is as long as nobody touches it. Any difference means: not the file we know. */
const SpoolFacts = z.object({
  inode: z.string(),
  size: z.int().nonnegative(),
  mtimeNs: z.string(),
  /** Not known on every file system. */
  bornNs: z.string().optional(),
});
/** See the schema above: inode, size in bytes, times of the last change and of the birth in nanoseconds. */
export type SpoolFacts = z.output<typeof SpoolFacts>;

const StoredFile = SpoolFacts.extend({
  offset: z.int().nonnegative(),
  /**
   * `reading`: lines up to the offset are durable. `done`: all are, and what is to be done with the file may have been
   * done already. `error`: it changed; never read again.
   */
  state: z.enum(["reading", "done", "error"]),
  reason: z.string().optional(),
  skipping: z.literal(true).optional(),
  /** It had another name when it was read to its end, or put away. */
  severalNames: z.literal(true).optional(),
  /** It is compressed so, and `offset` counts what is compressed in it. */
  codec: z.enum(["gzip", "zstd"]).optional(),
  /** The folders that it was found in, from the spool directory down, as `Candidate.folder`. */
  folder: z.string().optional(),
  /** Of a file that was set aside: its path below the spool directory. */
  name: z.string().optional(),
});

/** The identity that a stat shows. */
export function identityOf(stat: BigIntStats): SpoolFacts {
  const { ino, size, mtimeNs } = stat;
  return { inode: ino.toString(), size: Number(size), mtimeNs: mtimeNs.toString(), bornNs: birthNs(stat) };
}

/** Whether these are the same unchanged file. */
export function sameIdentity(a: SpoolFacts, b: SpoolFacts): boolean {
  return a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** Whether these are surely two files. */
export function areTwoFiles(a: SpoolFacts, b: SpoolFacts): boolean {
  return a.inode !== b.inode || (a.bornNs !== undefined && b.bornNs !== undefined && a.bornNs !== b.bornNs);
}

/** Whether the file behind the descriptor is what it was when it was met, and nothing else stands under its name. */
export function isUnchanged(fd: number, file: SpoolFile, path: string): boolean {
  if (!sameIdentity(identityOf(fstatSync(fd, { bigint: true })), file.identity)) return false;
  const named = statOf(path);
  // Removed by somebody: the descriptor still leads to all of it.
  return named === undefined || named.ino.toString() === file.identity.inode;
}

/** One file of the spool directory, with how far it was read. */
export class SpoolFile implements Positioned {
  /** What it was when it was met; of one that is an error, what it was then. */
  identity: SpoolFacts;
  offset = 0;
  state: "reading" | "done" | "error" = "reading";
  reason: string | undefined;
  skipping = false;
  severalNames = false;
  /** How it is compressed; undefined: it is read as it is. */
  codec: FileCodec | undefined;
  /** The last look did not find it. */
  missed = false;
  forgotten = false;

  constructor(
    /** What it is stored under: its name, unless it was set aside. */
    readonly key: string,
    identity: SpoolFacts,
    /** Undefined: nobody looked yet (an older version stored it). */
    public folder?: string,
    /** Path below the spool directory. */
    readonly name: string = key,
  ) {
    this.identity = only(identity);
  }

  /** The key of a file whose name another one has, in another folder that stands in the place of its own. */
  static asideKey(name: string, folder: string | undefined): string {
    return `/${folder ?? ""}/${name}`;
  }

  get isAside(): boolean {
    return this.key !== this.name;
  }

  /** It is an error as it is now: that is what it is known by from here on, under any name. */
  becomeError(reason: string, now: SpoolFacts): void {
    this.state = "error";
    this.reason = reason;
    this.identity = only(now);
  }

  /** Reads a stored text; undefined when it is none of ours. */
  static parse(key: string, text: string): SpoolFile | undefined {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (thrown) {
      if (thrown instanceof SyntaxError) return undefined;
      throw thrown;
    }
    const stored = StoredFile.safeParse(value).data;
    if (stored === undefined) return undefined;
    const file = new SpoolFile(key, stored, stored.folder, stored.name);
    file.offset = stored.offset;
    file.state = stored.state;
    file.reason = stored.reason;
    file.skipping = stored.skipping === true;
    file.severalNames = stored.severalNames === true;
    file.codec = stored.codec;
    return file;
  }

  /** The same file under another key. */
  renamed(key: string, folder: string | undefined, name: string): SpoolFile {
    const moved = new SpoolFile(key, this.identity, folder, name);
    moved.offset = this.offset;
    moved.state = this.state;
    moved.skipping = this.skipping;
    moved.reason = this.reason;
    moved.severalNames = this.severalNames;
    moved.codec = this.codec;
    return moved;
  }

  /** Bytes of the file that were not read; of a compressed one all that it has, since nobody knows what they hold. */
  get unreadBytes(): number {
    return this.codec === undefined ? this.identity.size - this.offset : this.identity.size;
  }

  position(): string | undefined {
    if (this.forgotten) return undefined;
    const { offset, state, reason, identity } = this;
    const flags = {
      ...(this.skipping ? { skipping: true } : {}),
      ...(this.severalNames ? { severalNames: true } : {}),
      ...(this.codec === undefined ? {} : { codec: this.codec }),
      ...(this.folder === undefined ? {} : { folder: this.folder }),
      ...(this.isAside ? { name: this.name } : {}),
    };
    return JSON.stringify({ ...identity, offset, state, reason, ...flags });
  }
}

function only({ inode, size, mtimeNs, bornNs }: SpoolFacts): SpoolFacts {
  return { inode, size, mtimeNs, bornNs };
}
