/**
 * The pilot fleet, writing. Driving data go into a log that rotates, the lines of all cars at each tick; device status
 * is gathered and appears as one complete file in the spool directory, by rename. All lines are functions of their
 * number (scenario.ts), so that stopping, killing and going on changes nothing but when they are written.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../../shared/async/sleep.ts";
import { type Clock, systemClock } from "../../../shared/clock/clock.ts";
import { garbageLine, hasGarbage } from "./garbage.ts";
import { type Manifest, openManifest, type Progress } from "./manifest.ts";
import { type SimulatorOptions, type SimulatorSettings, withDefaults, worldsOf } from "./options.ts";
import { RotatingLog } from "./rotating-log.ts";
import { renderLine, type Scenario } from "./scenario.ts";

const linesPerWrite = 2_000;

/** Where the parts lie below the output folder. */
export function simulatorPaths(out: string): { log: string; spool: string } {
  return { log: join(out, "log", "driving.log"), spool: join(out, "spool") };
}

/**
 * Writes until the signal aborts or the lines asked for are written; goes on where an earlier run in the same folder
 * ended, killed or not.
 *
 * @returns how many lines of each stream there are now, earlier runs included.
 * @throws AppError `USAGE` when the folder holds a simulation with other settings.
 */
export async function simulate(
  options: SimulatorOptions,
  signal: AbortSignal = new AbortController().signal,
  clock: Clock = systemClock,
): Promise<Progress> {
  const settings = withDefaults(options);
  const opened = openManifest(settings.out, worldsOf(settings));
  const { log: path, spool } = simulatorPaths(settings.out);
  const log = new RotatingLog({
    path,
    rotate: settings.rotate,
    linesMax: settings.rotateLines,
    keep: settings.keep,
    onRotated: (file) => {
      opened.finished({ file: path, stream: "driving", ...file });
      // The file that begins now says nothing of what was written: killed before its first line, only this does.
      opened.progress.driving = file.lastLine + 1;
      opened.saveProgress();
    },
  });
  // The log itself knows best what was written last, when the run before was killed between line and progress.
  opened.progress.driving = Math.max(opened.progress.driving, log.lastLineFound + 1);
  opened.progress.status = Math.max(opened.progress.status, lastStatusLine(spool) + 1);
  const manifest = opened.beginSegment(settings.startMs ?? clock.now());
  const ended = new AbortController();
  const saving = saveProgress(manifest, AbortSignal.any([signal, ended.signal]));
  try {
    await Promise.all([
      writeDriving(settings, manifest, log, signal, clock),
      writeStatus(settings, manifest, spool, signal, clock),
    ]);
  } finally {
    ended.abort();
    await saving;
    manifest.saveProgress();
    log.close();
  }
  return manifest.progress;
}

async function writeDriving(
  settings: SimulatorSettings,
  manifest: Manifest,
  log: RotatingLog,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const { progress } = manifest;
  const { cars, rate, speed, lines } = settings;
  const firstLine = progress.driving;
  const startedMs = clock.uptimeMs();
  const tickMs = 1000 / (rate * speed);
  while (!signal.aborted && progress.driving < lines) {
    const ticks = Math.floor((clock.uptimeMs() - startedMs) / tickMs) + 1;
    const due = Math.min(lines, settings.fast ? Number.POSITIVE_INFINITY : firstLine + ticks * cars);
    if (progress.driving >= due) {
      // Never longer than a tick, so that a quick simulation keeps its pace, nor a spin for a very quick one.
      await sleep(Math.max(1, startedMs + ticks * tickMs - clock.uptimeMs()), signal);
      continue;
    }
    const count = Math.min(due - progress.driving, log.room, linesPerWrite);
    const first = progress.driving;
    log.append(renderLines(manifest.worlds.driving, first, count), first, first + count - 1);
    progress.driving = first + count;
    settings.onProgress?.(progress);
    if (settings.fast) await Bun.sleep(0);
  }
}

async function writeStatus(
  settings: SimulatorSettings,
  manifest: Manifest,
  spool: string,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const { progress, worlds } = manifest;
  const linesPerFile = settings.cars * settings.reportsPerDay;
  mkdirSync(spool, { recursive: true });
  for (let file = 1; file <= settings.statusFiles && !signal.aborted; file++) {
    const dueMs = clock.uptimeMs() + settings.statusEveryMs;
    // Gathered in the simulator's own folder, on the same file system; a run that was killed left a part behind.
    const partial = join(settings.out, "simulator", "status.part");
    rmSync(partial, { force: true });
    const fd = openSync(partial, "w");
    const first = progress.status;
    let bytes = 0;
    for (let done = 0; done < linesPerFile && !signal.aborted; done += linesPerWrite) {
      const count = Math.min(linesPerWrite, linesPerFile - done);
      bytes += writeSync(fd, renderLines(worlds.status, first + done, count));
      await Bun.sleep(0);
    }
    closeSync(fd);
    if (!settings.fast) await sleep(dueMs - clock.uptimeMs(), signal);
    if (signal.aborted) return;
    const last = first + linesPerFile - 1;
    const path = join(spool, `status-${first}-${last}.ndjson`);
    renameSync(partial, path);
    progress.status = last + 1;
    manifest.saveProgress();
    manifest.finished({ file: path, stream: "status", firstLine: first, lastLine: last, bytes });
    settings.onProgress?.(progress);
  }
}

async function saveProgress(manifest: Manifest, signal: AbortSignal): Promise<void> {
  let saved = { ...manifest.progress };
  while (!signal.aborted) {
    await sleep(200, signal);
    if (Bun.deepEquals(saved, manifest.progress)) continue;
    manifest.saveProgress();
    saved = { ...manifest.progress };
  }
}

/** Lines `first` to `first + count - 1` with their line ends, and the garbage that stands before some of them. */
export function renderLines(world: Scenario, first: number, count: number): Buffer {
  if (world.garbage === 0) {
    let text = "";
    for (let k = first; k < first + count; k++) text += `${renderLine(world, k)}\n`;
    return Buffer.from(text);
  }
  const parts: Buffer[] = [];
  for (let k = first; k < first + count; k++) {
    if (hasGarbage(world, k)) parts.push(garbageLine(world, k));
    parts.push(Buffer.from(`${renderLine(world, k)}\n`));
  }
  return Buffer.concat(parts);
}

/** A file that was renamed just before we were killed carries its numbers in its name. */
function lastStatusLine(spool: string): number {
  if (!existsSync(spool)) return -1;
  const lasts = readdirSync(spool).map((name) => Number(/^status-\d+-(\d+)\.ndjson/.exec(name)?.[1] ?? -1));
  return Math.max(-1, ...lasts);
}
