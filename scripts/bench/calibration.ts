import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { driveLine, LINE_BYTES, PREPARED_FROM_MS } from "./workload/lines.ts";

const batches = 200;
const linesPerBatch = 1000;

/**
 * The floor of the job on this machine at this moment: lines copied one by one, compressed a thousand at a time, written
 * and synced. A measurement divided by this one is a ratio in which the machine's speed and its present company cancel
 * out; the stored baseline holds such ratios. CPU seconds per million lines, the least of several tries.
 */
export function calibrate(directory: string, tries = 5): number {
  const source = Buffer.alloc(linesPerBatch * LINE_BYTES);
  for (let n = 0; n < linesPerBatch; n++)
    source.write(driveLine(n, PREPARED_FROM_MS + n * 10), n * LINE_BYTES, "latin1");
  let least = Number.POSITIVE_INFINITY;
  for (let nth = 0; nth < tries; nth++) least = Math.min(least, once(directory, source));
  return least;
}

function once(directory: string, source: Buffer): number {
  const path = join(directory, "calibration");
  const file = openSync(path, "w");
  const arena = Buffer.alloc(source.length);
  const before = process.cpuUsage();
  try {
    for (let batch = 0; batch < batches; batch++) {
      for (let at = 0; at < source.length; at += LINE_BYTES) source.copy(arena, at, at, at + LINE_BYTES);
      writeSync(file, Bun.zstdCompressSync(arena, { level: 1 }));
      fdatasyncSync(file);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (batches * linesPerBatch);
}
