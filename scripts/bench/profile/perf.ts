/** The compiled binary from outside: perf(1) samples all its threads, native code and kernel included. */
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Share } from "./parts.ts";

/** A watch over a running process that ends with what it found. */
export type Watch<Found> = (pid: number) => Promise<() => Promise<Found>>;

/** Where a process's CPU time goes: by shared object, by thread, and by function of the kernel. */
export interface Split {
  readonly objects: readonly Share[];
  readonly threads: readonly Share[];
  readonly kernel: readonly Share[];
}

/** Off the round numbers, so that timers of the process do not beat with it. */
const samplesPerSecond = 1_997;

/** Whether perf is on the machine. */
export const hasPerf = (): boolean => Bun.which("perf") !== null;

/** Samples a process; cpu-clock, because a virtual machine often has no counters. */
export function perfWatch(directory: string): Watch<Split> {
  return async (pid) => {
    const path = join(directory, `perf-${pid}.data`);
    const command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", String(samplesPerSecond), "-p", String(pid)];
    const recorder = Bun.spawn([...command, "-o", path], { stdout: "ignore", stderr: "ignore" });
    await attached();
    return async () => {
      recorder.kill("SIGINT");
      await recorder.exited;
      const script = Bun.spawn(["perf", "script", "-i", path, "-F", "comm,ip,sym,dso"], {
        stdout: "pipe",
        stderr: "ignore",
      });
      const text = await script.stdout.text();
      if ((await script.exited) !== 0) throw new AppError("BENCH_FAILED", `read what perf recorded of process ${pid}`);
      return parseSplit(text);
    };
  };
}

/** A tracer says nowhere that it has attached; a moment before the work begins is enough. */
export async function attached(): Promise<void> {
  await Bun.sleep(500);
}

/** Lines of `perf script -F comm,ip,sym,dso`: command, address, symbol, object in parentheses. */
export function parseSplit(text: string): Split {
  const objects = new Map<string, number>();
  const threads = new Map<string, number>();
  const kernel = new Map<string, number>();
  let all = 0;
  for (const line of text.split("\n")) {
    const match = /^\s*(.*?)\s+[\da-f]{4,}\s+(.*?)\s+\((.*)\)$/.exec(line);
    if (match === null) continue;
    const [thread = "", symbol = "", object = ""] = match.slice(1);
    all++;
    count(objects, objectName(object));
    count(threads, thread);
    if (object.startsWith("[kernel")) count(kernel, symbol);
  }
  return { objects: shares(objects, all), threads: shares(threads, all), kernel: shares(kernel, all) };
}

function objectName(object: string): string {
  if (object.startsWith("[kernel")) return "kernel";
  if (object === "[vdso]") return "vdso (the clock)";
  if (/perf-\d+\.map$|^\/\/anon|^\[anon|^\[unknown\]/.test(object)) return "compiled JavaScript";
  const name = object.slice(object.lastIndexOf("/") + 1).replace(/ \(deleted\)$/, "");
  if (name === "tailgate" || /^bun(\.exe)?$/.test(name)) return "the runtime (interpreter, garbage, zstd, sockets)";
  if (/\.node$/.test(name)) return "SQLite addon";
  return /^(libc|libm|ld-)/.test(name) ? "libc" : name;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function shares(counts: ReadonlyMap<string, number>, all: number): readonly Share[] {
  return [...counts].map(([what, samples]) => ({ what, share: samples / all })).sort((a, b) => b.share - a.share);
}
