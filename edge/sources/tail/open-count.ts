import { readFileSync } from "node:fs";

/** Descriptors that followed files hold, in the whole process: its limit is one for all sources. */
export class OpenCount {
  private open = 0;

  get now(): number {
    return this.open;
  }

  add(change: 1 | -1): void {
    this.open += change;
  }
}

/** The process's. */
export const openCount = new OpenCount();

/**
 * So many files may be held open by all sources together: half of what the process may open at all. The rest is for the
 * channel, the brokers, the admin page and whatever a moment needs.
 */
export function openFilesShare(limits: string): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Math.max(16, Math.floor(Number(soft) / 2));
}

/** The share of this process, as its limit is now. */
export function ownOpenFilesShare(): number {
  return openFilesShare(readFileSync("/proc/self/limits", "utf8"));
}
