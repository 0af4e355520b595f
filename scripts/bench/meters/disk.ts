import { readFileSync, statSync } from "node:fs";

/**
 * Bytes that reached the device under a path, by its sectors (`/proc/diskstats`): what a flash chip wears by, the file
 * system's journal included. `write_bytes` of a process overstates by far for files cached by read-ahead. The device is
 * everybody's: the figure means something only while nothing else writes, which is why the bench keeps the broker's
 * files and the logs in memory.
 */
export class DiskMeter {
  private constructor(
    private readonly path: string,
    private readonly major: number,
    private readonly minor: number,
  ) {}

  /** `undefined` where the path lies on no device of its own (tmpfs, overlay, network). */
  static of(path: string): DiskMeter | undefined {
    const [major, minor] = splitDevice(statSync(path, { bigint: true }).dev);
    const meter = new DiskMeter(path, major, minor);
    return meter.read() === undefined ? undefined : meter;
  }

  /** Everything that waits in memory is written first, so that it is counted where it belongs. */
  async writtenBytes(): Promise<number> {
    await Bun.spawn(["sync", "-f", this.path], { stdin: "ignore" }).exited;
    return this.read() ?? 0;
  }

  /** Its device and file system, for the page. */
  describe(): string {
    return parseMount(readFileSync("/proc/self/mountinfo", "utf8"), this.major, this.minor) ?? "unknown";
  }

  private read(): number | undefined {
    return parseWrittenBytes(readFileSync("/proc/diskstats", "utf8"), this.major, this.minor);
  }
}

/** Sectors are 512 bytes here whatever the device's own are (kernel: Documentation/admin-guide/iostats.rst, field 7). */
export function parseWrittenBytes(diskstats: string, major: number, minor: number): number | undefined {
  for (const line of diskstats.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (Number(fields[0]) === major && Number(fields[1]) === minor) return Number(fields[9]) * 512;
  }
  return undefined;
}

/** `device, file system` of a mounted device (proc(5), mountinfo: what follows the dash). */
export function parseMount(mountinfo: string, major: number, minor: number): string | undefined {
  const line = mountinfo.split("\n").find((text) => text.split(" ")[2] === `${major}:${minor}`);
  const [system, device] = line?.split(" - ")[1]?.split(" ") ?? [];
  return system === undefined || device === undefined ? undefined : `${device}, ${system}`;
}

/** Major and minor number of a device number as Linux packs them into 64 bits (glibc sysmacros.h). */
export function splitDevice(device: bigint): [major: number, minor: number] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}
