import { readFileSync } from "node:fs";

/**
 * Connections of all listeners of this process. Its descriptors are one supply: when a listener takes the last one, the
 * channel file, the tailed logs and the brokers get none, and the event loop turns without end on a connection that it
 * cannot accept. Half is for tailed files, a quarter for connections; the rest is kept.
 */
export class ConnectionShare {
  private open = 0;
  private boundNow: number | undefined;

  constructor(private readonly readLimits: () => string) {}

  /** How many there may be. */
  get bound(): number {
    this.boundNow ??= connectionShareOf(this.readLimits());
    return this.boundNow;
  }

  /** False: none is left. */
  take(): boolean {
    if (this.open >= this.bound) return false;
    this.open++;
    return true;
  }

  giveBack(): void {
    this.open--;
  }
}

/** A quarter of the descriptors, at least 16; from the text of /proc/self/limits. */
export function connectionShareOf(limits: string): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Math.max(16, Math.floor(Number(soft) / 4));
}

/** The process's. */
export const connectionShare = new ConnectionShare(() => readFileSync("/proc/self/limits", "utf8"));
