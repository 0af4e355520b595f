/**
 * Keeps descriptors for storing. Every connection takes one, and whoever opens 1,500 of them and says nothing would leave
 * none for the brokers and the store. So the descriptors in use are counted, and when fewer than the reserve are left, the
 * HTTP side gives up all its connections at once: askers ask again, and the records go on.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Descriptors of this process. */
export interface Descriptors {
  /** How many there can be; undefined where nobody says. */
  readonly limit: number | undefined;
  /** How many are in use; undefined when not even one is left to count them with. */
  used(): number | undefined;
}

/** As Linux tells them. */
export const ownDescriptors: Descriptors = {
  limit: limitOf(),
  used: () => {
    try {
      return readdirSync("/proc/self/fd").length;
    } catch {
      return undefined;
    }
  },
};

/** A quarter of all, and no more than the brokers of a large cluster and the store need. */
export function reserveOf(limit: number): number {
  return Math.min(256, Math.floor(limit / 4));
}

/** Whether fewer than the reserve are left. */
export function areScarce({ limit, used }: Descriptors): boolean {
  if (limit === undefined) return false;
  const now = used();
  return now === undefined || now > limit - reserveOf(limit);
}

function limitOf(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
