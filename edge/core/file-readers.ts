import { shownPath } from "../../shared/files/path-text.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";

/** A file of this machine, whatever leads to it. */
export interface FileId {
  readonly device: bigint;
  readonly inode: bigint;
}

/** A source that reads files. */
export interface FileReader {
  /** The source's name. */
  readonly name: string;
  /** Under which path it reads this file now; undefined: it does not. */
  pathOf(id: FileId): string | undefined;
}

/** For the status of one source: a file of its own that others read as well. */
export interface SharedFile {
  readonly path: string;
  readonly with: readonly { readonly source: string; readonly path: string }[];
}

const signals = {
  shared: defineSignal({
    name: "source_file_shared",
    level: "warn",
    message: "Two sources read the same file: each of them sends its lines",
  }),
};

/** So many pairs are remembered as said. */
const saidMax = 1_000;
/** The status of one source names so many. */
const shownMax = 100;

/**
 * Which source of an agent reads which file. Two sources on one file send its lines twice. That may be meant (two
 * channels, two filters), so it is allowed; and it is said: once in the log, in the status while it lasts, in a metric.
 *
 * Nothing is kept of the files that one source reads alone: whoever takes a file asks the others whether they have it.
 */
export class FileReaders {
  private readonly readers = new Set<FileReader>();
  private readonly shared = new Map<string, { readonly id: FileId; readonly by: Set<FileReader> }>();
  private readonly said = new Set<string>();

  constructor(private readonly report: Report) {}

  /** A source begins to read files. */
  join(reader: FileReader, metrics: Metrics): void {
    this.readers.add(reader);
    metrics.observe(
      "tailgate_source_shared_files",
      "Files of a source that another source of this agent reads as well.",
      { source: reader.name },
      () => this.count(reader),
    );
  }

  /** It reads nothing any more. */
  leave(reader: FileReader): void {
    this.readers.delete(reader);
    for (const key of [...this.shared.keys()]) this.drop(key, reader);
  }

  /** From now on `reader` answers for this file with `path`. */
  took(reader: FileReader, id: FileId, path: string): void {
    if (!this.readers.has(reader)) return;
    for (const other of this.readers) {
      const otherPath = other === reader ? undefined : other.pathOf(id);
      if (otherPath === undefined) continue;
      const entry = this.shared.get(keyOf(id)) ?? { id, by: new Set() };
      this.shared.set(keyOf(id), entry);
      entry.by.add(reader).add(other);
      this.say({ source: other.name, path: otherPath }, { source: reader.name, path });
    }
  }

  letGo(reader: FileReader, id: FileId): void {
    if (this.shared.size > 0) this.drop(keyOf(id), reader);
  }

  /** The files of this source that others read as well; the first hundred. */
  sharedBy(reader: FileReader): readonly SharedFile[] {
    const found: SharedFile[] = [];
    for (const { id, by } of this.shared.values()) {
      const path = by.has(reader) ? reader.pathOf(id) : undefined;
      if (path === undefined) continue;
      const others = [...by].filter((other) => other !== reader);
      const shown = others.map((other) => ({ source: other.name, path: shownPath(other.pathOf(id) ?? path) }));
      found.push({ path: shownPath(path), with: shown });
      if (found.length === shownMax) break;
    }
    return found;
  }

  private count(reader: FileReader): number {
    let count = 0;
    for (const { by } of this.shared.values()) if (by.has(reader)) count++;
    return count;
  }

  private drop(key: string, reader: FileReader): void {
    const by = this.shared.get(key)?.by;
    if (by?.delete(reader) === true && by.size < 2) this.shared.delete(key);
  }

  /** Once for these names: each generation of a log is another file. */
  private say(first: Named, second: Named): void {
    const key = `${first.source}\0${first.path}\0${second.source}\0${second.path}`;
    if (this.said.has(key)) return;
    if (this.said.size >= saidMax) this.said.clear();
    this.said.add(key);
    const path = shownPath(second.path);
    const also = first.path === second.path ? {} : { also: shownPath(first.path) };
    this.report(signals.shared, { path, ...also, sources: `${first.source}, ${second.source}` });
  }
}

interface Named {
  readonly source: string;
  readonly path: string;
}

function keyOf({ device, inode }: FileId): string {
  return `${device}:${inode}`;
}
