/**
 * What tailing costs by itself, with an intake that does nothing: lines/s and CPU seconds per million lines when a file
 * is there, CPU while lines trickle in, CPU while nothing happens.
 *
 * Run: bun edge/sources/tail/tail.bench.ts [lines]
 */
import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Intake } from "../../core/source.ts";
import { sourceContext } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

class NullIntake implements Intake {
  beforeCommit(read: () => void): void {
    setTimeout(read, 1_000);
  }
  takesNow(): boolean {
    return true;
  }
  lines = 0;
  bytes = 0;
  append(_buffer: Buffer, start: number, end: number): void {
    this.lines++;
    this.bytes += end - start;
  }
  appendWith(buffer: Buffer, start: number, end: number): void {
    this.append(buffer, start, end);
  }
  carry(): void {}
  moved(): void {}
  count(): void {}
  async ready(): Promise<void> {
    await new Promise(setImmediate);
  }
  async committed(): Promise<boolean> {
    return true;
  }
  readonly durable = true;
  positions(): ReadonlyMap<string, string> {
    return new Map();
  }
}

const count = Number(process.argv[2] ?? 2_000_000);
const line = `${"x".repeat(199)}\n`;

console.log(await throughput());
console.log(await trickle(10));
console.log(await trickle(1));
console.log(await idle());

async function throughput(): Promise<string> {
  using dir = tempDir();
  const path = dir.file("x.log");
  const fd = openSync(path, "a");
  const chunk = Buffer.from(line.repeat(5_000));
  for (let written = 0; written < count; written += 5_000) writeSync(fd, chunk);
  closeSync(fd);
  const measured = await withSource(path, async (intake) => {
    await until("all lines", () => intake.lines >= count, Boolean, { everyMs: 5, withinMs: 120_000 });
  });
  const perMillion = (measured.cpuMs / count) * 1000;
  return `${count} lines of ${line.length} B: ${Math.round(count / (measured.wallMs / 1000))} lines/s, ${perMillion.toFixed(3)} CPU s per million`;
}

/** A line every `everyMs`, written by another process so that only the tail's CPU counts. */
async function trickle(everyMs: number): Promise<string> {
  using dir = tempDir();
  const path = dir.file("x.log");
  appendFileSync(path, line);
  const script = `const fs = require("node:fs"); const fd = fs.openSync(${JSON.stringify(path)}, "a");
    setInterval(() => fs.writeSync(fd, ${JSON.stringify(line)}), ${everyMs});`;
  const writer = Bun.spawn([process.execPath, "-e", script]);
  const measured = await withSource(path, () => Bun.sleep(5_000), 2_000);
  writer.kill();
  return `${measured.lines} lines in ${Math.round(measured.wallMs)} ms, one at a time: ${percent(measured)} of a core`;
}

async function idle(): Promise<string> {
  using dir = tempDir();
  for (let number = 0; number < 5; number++) appendFileSync(dir.file(`${number}.log`), line);
  const measured = await withSource(dir.file("*.log"), () => Bun.sleep(10_000), 2_000);
  return `5 quiet files: ${percent(measured)} of a core`;
}

async function withSource(path: string, work: (intake: NullIntake) => Promise<unknown>, warmUpMs = 0) {
  const reading = definition.read({ paths: path });
  if (!reading.ok) throw new Error("the config is not valid");
  const source = await reading.value.create(sourceContext("/nowhere"));
  const intake = new NullIntake();
  const abort = new AbortController();
  let startMs = performance.now();
  let before = process.cpuUsage();
  const running = source.run(intake, abort.signal);
  if (warmUpMs > 0) {
    await Bun.sleep(warmUpMs);
    startMs = performance.now();
    before = process.cpuUsage();
    intake.lines = 0;
  }
  await work(intake);
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startMs;
  abort.abort();
  await running;
  return { wallMs, cpuMs: (user + system) / 1000, lines: intake.lines };
}

function percent(measured: { readonly cpuMs: number; readonly wallMs: number }): string {
  return `${((measured.cpuMs / measured.wallMs) * 100).toFixed(2)} %`;
}
