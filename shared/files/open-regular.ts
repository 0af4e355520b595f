/**
 * Opens files in folders that others can write. Only regular files are ever opened: a FIFO would make us wait for ever, a
 * device may do something when it is opened. So a file is first taken hold of without being opened (`O_PATH`), looked at,
 * and only then opened through that hold (`/proc/self/fd/…`): what was looked at is what is opened, whatever is done to
 * the path in between. The path must lead there without a link (links.ts resolves them first).
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  statfsSync,
} from "node:fs";
import type { OwnFiles } from "./own-files.ts";
import { folderOf, shownPath, systemPath, textOf } from "./path-text.ts";
import { FileRefused } from "./refusal.ts";

/** What is asked of a file beside being a regular one. */
export interface OpenRules {
  /** User ids; undefined: whoever owns it. */
  readonly owners: readonly number[] | undefined;
  /** Whether a file with more than one name is taken: where it is not, nobody can lend us another folder's file. */
  readonly hardLinks: boolean;
  /** Never read. */
  readonly keepOut: Pick<OwnFiles, "has">;
}

/** A file that is renamed so often while it is looked at is left to the next look. */
const triesMax = 100;

/** `O_PATH` of open(2): a hold on a file that opens nothing. */
const holdOnly = 0o10000000;

/**
 * Opens for reading. Never waits, whatever stands at the path.
 *
 * @param path without links.
 * @throws the system's error; FileRefused for what is no regular file, or is none that may be read.
 */
export function openRegular(path: string, rules: OpenRules): number {
  for (let tries = 1; ; tries++) {
    const fd = openOnce(path, rules, tries < triesMax);
    if (fd !== undefined) return fd;
  }
}

/** Undefined: it was renamed between two of our looks; whatever has the name now is to be looked at. */
function openOnce(path: string, rules: OpenRules, mayTryAgain: boolean): number | undefined {
  const hold = openSync(systemPath(path), holdOnly | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${hold}`;
    const stat = fstatSync(hold, { bigint: true });
    if (!stat.isFile()) throw new FileRefused(path, kindOf(stat));
    const real = textOf(readlinkSync(held, { encoding: "buffer" }));
    if (real !== path && real !== `${path} (deleted)`) {
      // In the same folder no link leads from one name to another: the last part of the path is followed nowhere.
      const isRenamed = folderOf(real) === folderOf(path) || lookAt(path)?.ino !== stat.ino;
      if (mayTryAgain && isRenamed) return undefined;
      throw new FileRefused(path, `behind a link that leads to ${real}`);
    }
    judge(path, stat, rules);
    if (systems.has(statfsSync(held).type))
      throw new FileRefused(path, "no file of a disk but one of the system's own");
    return openHeld(held, path);
  } finally {
    closeSync(hold);
  }
}

function lookAt(path: string): BigIntStats | undefined {
  return lstatSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
}

/** The system's words for what refuses it name the hold: nobody else knows that name. */
function openHeld(held: string, path: string): number {
  try {
    return openSync(held, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    if (thrown instanceof Error) thrown.message = thrown.message.replace(held, shownPath(path));
    throw thrown;
  }
}

/** What stands at a path, for people. */
export function kindOf(
  stat: Pick<BigIntStats, "isFIFO" | "isSocket" | "isDirectory" | "isSymbolicLink" | "isFile">,
): string {
  if (stat.isFIFO()) return "a FIFO";
  if (stat.isSocket()) return "a socket";
  if (stat.isDirectory()) return "a folder";
  if (stat.isSymbolicLink()) return "a link";
  return stat.isFile() ? "a file" : "a device";
}

function judge(path: string, stat: BigIntStats, { owners, hardLinks, keepOut }: OpenRules): void {
  if (keepOut.has(path, stat)) throw new FileRefused(path, "one of our own files");
  if (owners !== undefined && !owners.includes(Number(stat.uid))) {
    throw new FileRefused(path, `a file of user ${stat.uid}, who is not among owners`);
  }
  if (!hardLinks && stat.nlink > 1n)
    throw new FileRefused(path, `a file of ${stat.nlink} names, and hardLinks is false`);
}

/** File systems whose files are made by the kernel when they are read: proc, sysfs, debugfs, tracefs, securityfs, cgroup, bpf, configfs, efivarfs, devpts, mqueue, selinuxfs, nsfs. */
const systems = new Set([
  0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x73636673, 0x27e0eb, 0x63677270, 0xcafe4a11, 0x62656570, 0xde5e81e4,
  0x1cd1, 0x19800202, 0xf97cff8c, 0x6e736673,
]);
