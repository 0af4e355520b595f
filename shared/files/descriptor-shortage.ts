import { closeSync, openSync } from "node:fs";
import { systemCode } from "./refusal.ts";

/** Whether a call failed because nothing more can be opened: by this process (`EMFILE`) or by the machine (`ENFILE`). */
export function isDescriptorShortage(thrown: unknown): boolean {
  const code = systemCode(thrown);
  return code === "EMFILE" || code === "ENFILE";
}

/** What the system says to opening so many more; undefined when it can be done. */
export function shortageOf(count: number): Error | undefined {
  const open: number[] = [];
  try {
    while (open.length < count) open.push(openSync("/dev/null", "r"));
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error && isDescriptorShortage(thrown) ? thrown : undefined;
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/**
 * Why this process can open nothing more; undefined when it can. A socket that could not be made for that reason is
 * reported as ECONNREFUSED by Bun, as if nobody listened.
 */
export function descriptorShortage(): string | undefined {
  return systemCode(shortageOf(1));
}
