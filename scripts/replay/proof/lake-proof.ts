import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tally } from "./tally.ts";

/** What a directory of daily files holds besides the lines that the tallies took. */
export interface LakeReading {
  /** Files with their final name. */
  readonly published: number;
  readonly inProgress: number;
  /** Files whose last line has no end, or that hold nothing. */
  readonly torn: readonly string[];
}

/** `<stream>-<day>.log`, `<stream>-<day>.<number>.log`; in progress with `~<number>` behind the name. */
const published = /^(?<stream>\w+)-(?<day>\d{4}-\d\d-\d\d)(?:\.(?<number>\d+))?\.log$/;
const inProgress = /^(?<stream>\w+)-(?<day>\d{4}-\d\d-\d\d)\.log~(?<number>\d+)$/;

/**
 * Reads every line of every file byte by byte and gives it to the tally that knows it. A stream's files are read in the
 * order of their names, those in progress behind: order is told over all of them, not only within each.
 */
export function readLake(directory: string, ...tallies: readonly Tally[]): LakeReading {
  const files = filesOf(directory);
  const torn: string[] = [];
  for (const { path, stream } of files) {
    const bytes = readFileSync(path);
    if (bytes.length === 0 || bytes.at(-1) !== 0x0a) torn.push(path);
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(0x0a, from);
      const line = bytes.subarray(from, end < 0 ? bytes.length : end);
      if (!tallies.some((tally) => tally.add(line, stream))) tallies[0]?.addForeign();
      from += line.length + 1;
    }
  }
  const done = files.filter(({ done }) => done).length;
  return { published: done, inProgress: files.length - done, torn };
}

/** How many files have their final name. */
export function publishedIn(directory: string): number {
  return readdirSync(directory).filter((name) => published.test(name)).length;
}

interface LakeFile {
  readonly path: string;
  readonly stream: string;
  readonly day: string;
  readonly done: boolean;
  readonly number: number;
}

function filesOf(directory: string): readonly LakeFile[] {
  const found: LakeFile[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const done = published.exec(entry.name);
    const match = done ?? inProgress.exec(entry.name);
    if (match?.groups === undefined) throw new Error(`read ${directory}: "${entry.name}" is no daily file`);
    const { stream = "", day = "", number = "0" } = match.groups;
    found.push({
      path: join(entry.parentPath, entry.name),
      stream,
      day,
      done: done !== null,
      number: Number(number),
    });
  }
  return found.sort((a, b) => a.day.localeCompare(b.day) || Number(b.done) - Number(a.done) || a.number - b.number);
}
