/**
 * Goes on where a Flume stopped. Its SPOOLDIR source keeps in its tracker folder:
 *
 * - `.flumespool-main.meta`: an Avro container file. Its header names the file that was being read (`file`), its records are
 *   offsets, of which the last one counts. A crash may have cut off its end.
 * - with trackingPolicy `tracker_dir`, an empty file `NAME.COMPLETED` for each file that is done.
 *
 * It is read once, while nothing of our own is stored.
 */
import { type Dirent, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { systemPath } from "../../../shared/files/path-text.ts";
import { readNamed } from "../../../shared/files/read-named.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import { identityOf, SpoolFile } from "./spool-file.ts";

/** What was found. */
export interface TakenTracker {
  readonly files: readonly SpoolFile[];
  /** What could not be taken over, and why. */
  readonly gone: readonly { readonly file: string; readonly why: string }[];
}

/** Where to look, and how the source works. */
export interface TrackerOptions {
  readonly trackerFrom: string;
  readonly path: string;
  readonly done: "rename" | "delete" | "tracker";
  readonly completedSuffix: string;
}

/** Flume adds 10 or so bytes a batch for as long as one file is read. */
const metaBytesMax = 256 * 1024 * 1024;

/** Reads Flume's tracker folder. One that is not there holds nothing. */
export function takeTracker(options: TrackerOptions): TakenTracker {
  const files: SpoolFile[] = [];
  const gone: { file: string; why: string }[] = [];
  const note = (file: string, thrown: unknown) => {
    if (!isFileTrouble(thrown)) throw thrown;
    if (systemCode(thrown) !== "ENOENT") gone.push({ file, why: messageOf(thrown) });
  };
  if (options.done === "tracker") {
    try {
      for (const key of trackedNames(options)) {
        const file = fileAt(options.path, key);
        if (file === undefined) continue;
        file.state = "done";
        file.offset = file.identity.size;
        files.push(file);
      }
    } catch (thrown) {
      note(options.trackerFrom, thrown);
    }
  }
  const meta = join(options.trackerFrom, ".flumespool-main.meta");
  try {
    const read = readMeta(readNamed(meta, { bytesMax: metaBytesMax, pipes: "refuse" }));
    const key = relative(realOf(options.path), realOf(read.target));
    const file = key.startsWith("..") ? undefined : fileAt(options.path, key);
    if (file === undefined)
      gone.push({ file: read.target, why: "the file that Flume was reading is not there any more" });
    else if (file.identity.size < read.offset)
      gone.push({ file: read.target, why: "it is shorter than what Flume had read" });
    else if (!files.some((each) => each.key === key)) {
      file.offset = read.offset;
      files.push(file);
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) gone.push({ file: meta, why: thrown.message });
    else note(meta, thrown);
  }
  return { files, gone };
}

function fileAt(path: string, key: string): SpoolFile | undefined {
  const stat = statSync(systemPath(join(realOf(path), key)), { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true ? new SpoolFile(key, identityOf(stat)) : undefined;
}

/** Names of files that are done, relative to the spool directory. */
function trackedNames({ trackerFrom, completedSuffix }: TrackerOptions): readonly string[] {
  const entries: readonly Dirent[] = readdirSync(systemPath(trackerFrom).toString(), {
    recursive: true,
    withFileTypes: true,
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(completedSuffix))
    .map((entry) => relative(trackerFrom, join(entry.parentPath, entry.name)).slice(0, -completedSuffix.length));
}

/** An Avro container of one `long` a record. @throws RangeError when it is none. */
export function readMeta(bytes: Buffer): { readonly target: string; readonly offset: number } {
  const reader = new AvroReader(bytes);
  if (bytes.subarray(0, 4).toString("latin1") !== "Obj\x01") throw new RangeError("not an Avro container file");
  reader.at = 4;
  const header = reader.map();
  const target = header.get("file")?.toString("utf8");
  if (target === undefined) throw new RangeError("names no file");
  const codec = header.get("avro.codec")?.toString("latin1") ?? "null";
  if (codec !== "null") throw new RangeError(`compressed with ${codec}`);
  const sync = reader.bytes(16);
  let offset = 0;
  while (reader.at < bytes.length) {
    try {
      const count = reader.long();
      const block = new AvroReader(reader.bytes(reader.long()));
      let last = offset;
      for (let record = 0; record < count; record++) last = block.long();
      if (!reader.bytes(16).equals(sync)) break;
      offset = last;
    } catch (thrown) {
      // Cut off in the middle: what stands before it counts, as for Flume.
      if (thrown instanceof RangeError) break;
      throw thrown;
    }
  }
  return { target, offset };
}

class AvroReader {
  at = 0;

  constructor(private readonly buffer: Buffer) {}

  bytes(length: number): Buffer {
    if (length < 0 || this.at + length > this.buffer.length) throw new RangeError("ends too early");
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  /** Zigzag varint of at most 53 bits. */
  long(): number {
    let value = 0;
    for (let shift = 1; shift < 2 ** 56; shift *= 128) {
      const byte = this.bytes(1)[0] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) {
        const number = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
        if (Number.isSafeInteger(number)) return number;
        break;
      }
    }
    throw new RangeError("holds a number that is too large");
  }

  map(): ReadonlyMap<string, Buffer> {
    const entries = new Map<string, Buffer>();
    for (let count = this.long(); count !== 0; count = this.long()) {
      // A negative count is followed by the block's size in bytes.
      if (count < 0) this.long();
      for (let index = 0; index < Math.abs(count); index++) {
        const key = this.bytes(this.long()).toString("utf8");
        entries.set(key, this.bytes(this.long()));
      }
    }
    return entries;
  }
}
