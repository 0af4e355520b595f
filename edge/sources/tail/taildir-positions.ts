/**
 * Goes on where a Flume stopped. Its TAILDIR source keeps a JSON list of inode, path and position for the files that it follows.
 * What it lacks, and we need, is how to know a file again besides its inode: the fingerprints are taken now.
 *
 * A file is the one that Flume read when its inode is at the same path, or at a rotated name of that path in the same folder, and
 * when it is not shorter than the position. Anything else is not taken over: it is read as a new file is, because a line that
 * comes twice can be told and one that is left out cannot. Each is said.
 */
import { type BigIntStats, closeSync, fstatSync, lstatSync } from "node:fs";
import { z } from "zod";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { openRegular } from "../../../shared/files/open-regular.ts";
import { childOf, folderOf, nameOf, namesIn, systemPath } from "../../../shared/files/path-text.ts";
import { readNamedText } from "../../../shared/files/read-named.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Intake } from "../../core/source.ts";
import { formatCursor } from "./cursor.ts";
import { fingerprintOf, headBytesMax, readAt, tailBytesMax } from "./fingerprint.ts";
import { signals } from "./telemetry.ts";

/** Gson writes integers; an inode may be larger than a number holds exactly, so its text is looked at. */
const Entry = z.object({ inode: z.string(), pos: z.number().int().nonnegative(), file: z.string().startsWith("/") });
const Entries = z.array(Entry);

/** Positions as a stream of ours stores them, and the entries of which nothing could be taken. */
export interface TakenOver {
  readonly positions: ReadonlyMap<string, string>;
  readonly gone: readonly { readonly file: string; readonly why: string }[];
}

/** More than any Flume follows: a file that is larger is none of Flume's. */
const fileBytesMax = 64 * 1024 * 1024;

/** Reads Flume's position file. One that is missing, half-written or something else gives no position, and one `gone`. */
export function takeTaildirPositions(path: string): TakenOver {
  const nothing = (why: string): TakenOver => ({ positions: new Map(), gone: [{ file: path, why }] });
  let entries: z.output<typeof Entries>;
  try {
    const text = readNamedText(path, { bytesMax: fileBytesMax, pipes: "refuse" });
    // Flume writes an empty file while it follows nothing.
    const parsed = Entries.safeParse(text.trim() === "" ? [] : JSON.parse(quoteInodes(text)));
    if (!parsed.success) return nothing("not a position file of Flume's TAILDIR source");
    entries = parsed.data;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return nothing("half written, or not JSON");
    if (isFileTrouble(thrown))
      return nothing(systemCode(thrown) === "ENOENT" ? "there is no such file" : messageOf(thrown));
    throw thrown;
  }
  const positions = new Map<string, string>();
  const gone: { file: string; why: string }[] = [];
  for (const [index, entry] of entries.entries()) {
    const taken = takeOne(entry);
    if (typeof taken === "string") gone.push({ file: entry.file, why: taken });
    else positions.set(String(index + 1).padStart(8, "0"), taken.cursor);
  }
  return { positions, gone };
}

/** Whether a file may be read is decided when it is: here only its fingerprints are taken. */
const everyFile = { owners: undefined, hardLinks: true, keepOut: { has: () => false } };

/** The same for a source at its start; undefined when it has positions of its own, or nothing is to be taken over. */
export function takenOver(
  from: string | undefined,
  intake: Pick<Intake, "positions">,
  report: Report,
): ReadonlyMap<string, string> | undefined {
  if (from === undefined || intake.positions().size > 0) return undefined;
  const { positions, gone } = takeTaildirPositions(from);
  report(signals.takenOver, { from, files: positions.size, gone: gone.length });
  for (const { file, why } of gone) report(signals.notTakenOver, { path: file, why });
  return positions;
}

function quoteInodes(text: string): string {
  return text.replaceAll(/"inode"\s*:\s*(\d+)/g, '"inode":"$1"');
}

/** The cursor of one file, or why there is none. */
function takeOne({ inode, pos, file }: z.output<typeof Entry>): { readonly cursor: string } | string {
  try {
    const found = findInode(file, BigInt(inode));
    if (found === undefined) return "no file of that name, or rotated from it, has the inode that Flume read";
    const fd = openRegular(childOf(realOf(folderOf(found)), nameOf(found)), everyFile);
    try {
      const stat = fstatSync(fd, { bigint: true });
      const size = Number(stat.size);
      if (size < pos) return `${size} bytes, and Flume had read ${pos}: it is another file, or was truncated`;
      const tailLength = Math.min(tailBytesMax, pos);
      const cursor = formatCursor({
        path: found,
        trail: file,
        inode,
        device: stat.dev.toString(),
        offset: pos,
        size,
        head: fingerprintOf(readAt(fd, 0, Math.min(headBytesMax, size))),
        tail: fingerprintOf(readAt(fd, pos - tailLength, tailLength)),
      });
      return { cursor };
    } finally {
      closeSync(fd);
    }
  } catch (thrown) {
    if (isFileTrouble(thrown)) return messageOf(thrown);
    throw thrown;
  }
}

/** Where the file is now: under its own name, or under one that a rotation made of it. */
function findInode(file: string, inode: bigint): string | undefined {
  const folder = folderOf(file);
  const name = nameOf(file);
  const own = look(file);
  if (own?.ino === inode) return file;
  for (const other of namesIn(folder)) {
    if (other === name || !other.startsWith(name)) continue;
    const path = childOf(folder, other);
    if (look(path)?.ino === inode) return path;
  }
  return undefined;
}

function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(systemPath(path), { bigint: true });
  } catch (thrown) {
    if (isFileTrouble(thrown)) return undefined;
    throw thrown;
  }
}
