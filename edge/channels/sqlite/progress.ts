/**
 * How far a lane is, and its books. One hot row a lane; nothing here is ever a sum over the backlog.
 *
 *     0 … kept … acked … next
 *         │       │       └ number of the next record that is put
 *         │       └ rows from here on are held: to be delivered
 *         └ rows from here on are kept although delivered; below it they are gone or about to be swept
 */
export interface Progress {
  next: number;
  acked: number;
  kept: number;
  /** Numbers below this one had been handed out for sending when the row was written. */
  taken: number;
  /** Records, by how they ended; what is left of `next` is held. */
  sent: number;
  shed: number;
  dead: number;
  /** Rows held, markers included, and the space they take on the disk. */
  batches: number;
  bytes: number;
  /** The sink's note with the last acknowledgement. */
  mark: string | undefined;
  /** `shed_<reason>`, and what sinks count. */
  counters: Record<string, number>;
}

/** Of a lane that was just made. */
export function newProgress(): Progress {
  return {
    next: 0,
    acked: 0,
    kept: 0,
    taken: 0,
    sent: 0,
    shed: 0,
    dead: 0,
    batches: 0,
    bytes: 0,
    mark: undefined,
    counters: {},
  };
}

/** Records that are put and neither sent, shed nor dead. */
export function heldOf(progress: Progress): number {
  return progress.next - progress.sent - progress.shed - progress.dead;
}

/** A copy that can be changed without the other noticing. */
export function copyProgress(progress: Progress): Progress {
  return { ...progress, counters: { ...progress.counters } };
}

/** As the row's text. */
export function formatProgress(progress: Progress): string {
  return JSON.stringify(progress);
}

/** From the row's text, which this program wrote. */
export function parseProgress(text: string): Progress {
  return { ...newProgress(), ...JSON.parse(text) };
}

/** Adds to one of the counters. */
export function addCounter(progress: Progress, name: string, amount: number): void {
  progress.counters[name] = (progress.counters[name] ?? 0) + amount;
}
