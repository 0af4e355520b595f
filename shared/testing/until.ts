import { messageOf } from "../errors/app-error.ts";

/** How long to wait and how often to look. */
export interface UntilOptions {
  /** Deadline; 10 s when not given. */
  readonly withinMs?: number;
  /** Pause between two looks; 20 ms when not given. */
  readonly everyMs?: number;
}

/**
 * Waits for a condition instead of sleeping: reads a value again and again until `accept` takes it, and returns it.
 * A read that throws counts as "not yet". Without `accept`, any truthy value will do.
 *
 * @throws Error when the deadline passes; it says what was awaited and what was seen last.
 */
export async function until<T>(
  what: string,
  read: () => T | Promise<T>,
  accept: (value: T) => boolean = Boolean,
  options: UntilOptions = {},
): Promise<T> {
  const { withinMs = 10_000, everyMs = 20 } = options;
  const deadline = performance.now() + withinMs;
  let seen = "nothing";
  for (;;) {
    try {
      const value = await read();
      if (accept(value)) return value;
      seen = show(value);
    } catch (thrown) {
      seen = `error: ${messageOf(thrown)}`;
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${withinMs} ms for ${what}; last seen: ${seen}`);
    }
    await Bun.sleep(everyMs);
  }
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : Bun.inspect(value, { depth: 3 });
  return text.length <= 600 ? text : `${text.slice(0, 600)}…`;
}
