import { readFileSync } from "node:fs";

/** What a process used so far (`/proc/PID`, see proc(5)). Memory in bytes. */
export interface Usage {
  /** User and system time of all threads, seconds. */
  readonly cpuSeconds: number;
  /** The most it ever had resident (VmHWM). */
  readonly rssPeakBytes: number;
  readonly rssBytes: number;
  /** Resident and not from a file: what cannot be dropped under memory pressure. */
  readonly anonymousBytes: number;
  /** Bytes given to write calls: files, pipes and those sockets that are written with write(2). */
  readonly writtenBytes: number;
}

// USER_HZ is 100 on every Linux that Bun and the JVM run on (it is part of the ABI since 2.6).
const ticksPerSecond = 100;

/** Reads the usage of a running process. @throws the system's error when it has ended. */
export function readUsage(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    cpuSeconds: parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, "utf8")),
    rssPeakBytes: parseKilobytes(status, "VmHWM"),
    rssBytes: parseKilobytes(status, "VmRSS"),
    anonymousBytes: parseKilobytes(status, "RssAnon"),
    writtenBytes: parseNumber(readFileSync(`/proc/${pid}/io`, "utf8"), /^wchar: (\d+)$/m),
  };
}

/** utime + stime of `/proc/PID/stat`. The name in parentheses may hold spaces and parentheses itself. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Fields 14 and 15 of the line; the slice begins with field 3.
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** One `Name:  123 kB` line of `/proc/PID/status`, in bytes; 0 when it is missing (a zombie has none). */
export function parseKilobytes(status: string, name: string): number {
  return parseNumber(status, new RegExp(`^${name}:\\s+(\\d+) kB$`, "m")) * 1024;
}

function parseNumber(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/** Samples a process's memory from `start` to `stop`, because the kernel keeps no peak of the anonymous part. */
export class MemoryMeter {
  private anonymousPeakBytes = 0;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly pid: number,
    everyMs = 50,
  ) {
    this.timer = setInterval(() => this.sample(), everyMs);
  }

  /** The highest sample so far; the last one is taken now. */
  stop(): number {
    this.sample();
    clearInterval(this.timer);
    return this.anonymousPeakBytes;
  }

  private sample(): void {
    try {
      this.anonymousPeakBytes = Math.max(this.anonymousPeakBytes, readUsage(this.pid).anonymousBytes);
    } catch {
      // It has ended between two samples: what was seen until then stands.
      clearInterval(this.timer);
    }
  }
}
