/** What decides whether an event is newer than a vehicle's last state. */
export interface StateKey {
  /** Event time. */
  readonly time: number;
  /** 0: without identity. */
  readonly lane: number;
  readonly seq: number;
  readonly source: number;
  readonly offset: number;
}

/**
 * The last state is the event with the greatest time. A time that is ahead of central's clock counts as the moment at
 * which the event was stored: a clock that is ahead freezes nothing, and a vehicle whose clock is always ahead still
 * moves on. Equal times: within a lane the greater number, else the greater offset of a partition, else what came later.
 * So a line that comes late never moves the state back.
 */
export function isNewer(event: StateKey, than: StateKey, thanStoredAtMs: number, nowMs: number): boolean {
  const difference = Math.min(event.time, nowMs) - Math.min(than.time, thanStoredAtMs);
  if (difference !== 0) return difference > 0;
  if (event.lane > 0 && event.lane === than.lane) return event.seq > than.seq;
  return event.source !== than.source || event.offset > than.offset;
}

/** Differences of this size are usual between two clocks that are right. */
const clockToleranceMs = 60_000;

/** The event's time was ahead of central's clock when it was stored: the sender's clock is wrong, or ours is. */
export function clockIsAhead(timeMs: number, storedAtMs: number): boolean {
  return timeMs > storedAtMs + clockToleranceMs;
}
