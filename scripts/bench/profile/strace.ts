/** System calls of a process, counted by strace(1). It slows the process down: counts are true, times are not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { attached, type Watch } from "./perf.ts";

/** How often a system call was made. */
export interface Calls {
  readonly call: string;
  readonly count: number;
}

/** Whether strace is on the machine. */
export const hasStrace = (): boolean => Bun.which("strace") !== null;

/** Counts the calls of all threads. */
export function straceWatch(directory: string): Watch<readonly Calls[]> {
  return async (pid) => {
    const path = join(directory, `strace-${pid}.txt`);
    const tracer = Bun.spawn(["strace", "-c", "-f", "-q", "-p", String(pid), "-o", path], {
      stdout: "ignore",
      stderr: "ignore",
    });
    await attached();
    return async () => {
      tracer.kill("SIGINT");
      await tracer.exited;
      return parseCalls(readFileSync(path, "utf8"));
    };
  };
}

/** The table of `strace -c`: share, seconds, µs a call, calls, errors when there were any, name. */
export function parseCalls(text: string): readonly Calls[] {
  return text
    .split("\n")
    .flatMap((line) => {
      const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z_]\w*)$/.exec(line);
      const [, count, call] = match ?? [];
      return count === undefined || call === undefined || call === "total" ? [] : [{ call, count: Number(count) }];
    })
    .sort((a, b) => b.count - a.count);
}
