/**
 * What the simulator writes down about itself, in `<out>/simulator/`, so that it can be stopped or killed and go on, and
 * so that a checker knows every line when the files are long deleted:
 *
 *     manifest.json   the two worlds: all that a line depends on
 *     progress.json   how many lines of each stream were written (replaced by rename)
 *     files.ndjson    one line per finished file: name, first and last line, bytes
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Scenario, Segment, StreamName } from "./scenario.ts";

/** The worlds of one simulation, by stream. */
export type Worlds = Readonly<Record<StreamName, Scenario>>;

/** Lines written so far, by stream. */
export type Progress = Record<StreamName, number>;

/** A file that will not grow any more. */
export interface FinishedFile {
  readonly file: string;
  readonly stream: StreamName;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly bytes: number;
}

/** The folder's journal; made by `openManifest`. */
export class Manifest {
  constructor(
    private readonly folder: string,
    readonly worlds: Worlds,
    readonly progress: Progress,
  ) {}

  /** Writes the counts down; called a few times a second, not for every line. */
  saveProgress(): void {
    replace(join(this.folder, "progress.json"), this.progress);
  }

  finished(file: FinishedFile): void {
    appendFileSync(join(this.folder, "files.ndjson"), `${JSON.stringify(file)}\n`);
  }

  /** Begins a new segment of each stream where it stands now. */
  beginSegment(startMs: number): Manifest {
    const segment = (stream: StreamName): Segment => ({ fromLine: this.progress[stream], startMs });
    const extend = (stream: StreamName): Scenario => {
      const world = this.worlds[stream];
      const earlier = world.segments.filter((each) => each.fromLine < this.progress[stream]);
      return { ...world, segments: [...earlier, segment(stream)] };
    };
    const next = new Manifest(this.folder, { driving: extend("driving"), status: extend("status") }, this.progress);
    replace(join(this.folder, "manifest.json"), next.worlds);
    return next;
  }
}

/**
 * Opens the journal of an output folder, or begins one with these worlds.
 *
 * @throws AppError `USAGE` when the folder holds a simulation with another seed, other cars or other lines.
 */
export function openManifest(out: string, wanted: Worlds): Manifest {
  const existing = readManifest(out);
  if (existing === undefined) {
    mkdirSync(join(out, "simulator"), { recursive: true });
    return new Manifest(join(out, "simulator"), wanted, { driving: 0, status: 0 });
  }
  for (const stream of ["driving", "status"] as const) {
    const { segments: _, ...before } = existing.worlds[stream];
    const { segments: __, ...now } = wanted[stream];
    if (Bun.deepEquals(before, now)) continue;
    throw new AppError("USAGE", `simulate into ${out}: it holds a simulation with other settings of ${stream}`, {
      hint: `Use another --out, or the settings there: ${JSON.stringify(before)}.`,
    });
  }
  return existing;
}

/** The journal of an output folder; undefined when there is none. */
export function readManifest(out: string): Manifest | undefined {
  const folder = join(out, "simulator");
  if (!existsSync(join(folder, "manifest.json"))) return undefined;
  const worlds: Worlds = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const progress: Progress = { driving: 0, status: 0 };
  if (existsSync(join(folder, "progress.json"))) {
    Object.assign(progress, JSON.parse(readFileSync(join(folder, "progress.json"), "utf8")));
  }
  return new Manifest(folder, worlds, progress);
}

function replace(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
