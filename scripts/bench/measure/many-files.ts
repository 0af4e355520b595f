import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Bench } from "../bench.ts";
import { codes } from "../codes.ts";
import { MemoryMeter } from "../meters/process.ts";
import type { Metrics } from "../report/columns.ts";
import { warmLine } from "../workload/lines.ts";
import { writeAtOnce } from "../workload/paced-writer.ts";
import { RunningAgent, type RunOptions } from "./running-agent.ts";

const megabyte = 1_000_000;
const firstReadMsMax = 180_000;

/** Many files, of which few are written. */
export interface ManyFilesRun extends Pick<RunOptions, "agent" | "flow"> {
  readonly files: number;
  /** Lines go to these in turn; 0 lines a second: to none. */
  readonly written: number;
  readonly linesPerSecond: number;
  readonly seconds: number;
  /** From the last file read to the measurement. */
  readonly calmSeconds: number;
}

/** One folder of many files, each read to its end: what it costs to watch them all while a few are written. */
export async function measureManyFiles(bench: Bench, run: ManyFilesRun): Promise<Metrics> {
  const { files, written, linesPerSecond, seconds, calmSeconds } = run;
  const topic = await bench.topics.create(1);
  await using agent = await RunningAgent.start(bench, { ...run, topic, metered: true });
  const path = (file: number) => join(agent.task.logs, `car-${file}.log`);
  for (let file = 0; file < files; file++) writeAtOnce(path(file), [warmLine(file, systemClock.now())]);
  const held = await bench.topics.fill(topic, files, firstReadMsMax);
  if (held < files) throw new AppError(codes.BENCH_FAILED, `${held} of ${files} first lines came`);
  await Bun.sleep(calmSeconds * 1000);
  const before = agent.usage();
  const memory = new MemoryMeter(agent.pid, 1_000);
  const started = performance.now();
  let lines = 0;
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = performance.now() - started) {
    for (; lines < (elapsedMs * linesPerSecond) / 1000; lines++) {
      appendFileSync(path(lines % written), warmLine(files + lines, systemClock.now()));
    }
    await Bun.sleep(linesPerSecond === 0 ? 500 : 1000 / linesPerSecond);
  }
  const tookSeconds = (performance.now() - started) / 1000;
  const after = agent.usage();
  const anonymousBytes = memory.stop();
  const arrived = (await bench.topics.fill(topic, files + lines, 15_000)) - files;
  await bench.topics.delete(topic);
  return {
    cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / tookSeconds) * 100,
    rssMb: after.rssBytes / megabyte,
    anonymousMb: anonymousBytes / megabyte,
    lost: Math.max(0, lines - arrived),
    repeated: Math.max(0, arrived - lines),
  };
}
