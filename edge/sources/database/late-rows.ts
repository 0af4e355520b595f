/**
 * Whether rows became visible behind us although nobody was open who could bring them: numbers that a program drew in advance, times of
 * clocks that differ. They are lost to us; that must not be silent. So each stretch that was read is counted once more, a
 * while later: more rows than were read are late ones. Deleted rows may hide them.
 */
import type { Position } from "./position.ts";

interface Mark {
  /** Undefined: before the first row. */
  readonly position: Position | undefined;
  /** Rows that were read until then. */
  readonly received: number;
}

export class LateRows {
  private from: Mark | undefined;

  /** `to`: where reading begins. */
  constructor(private to: Mark) {}

  /** Time has passed: what was read until the time before is counted, from where the last count ended. */
  async look(
    now: Mark,
    count: (after: Position | undefined, top: Position) => Promise<number | undefined>,
  ): Promise<number> {
    const { from, to } = this;
    this.from = to;
    this.to = now;
    if (from === undefined || to.position === undefined || from.received === to.received) return 0;
    const there = await count(from.position, to.position);
    return Math.max(0, (there ?? 0) - (to.received - from.received));
  }
}
