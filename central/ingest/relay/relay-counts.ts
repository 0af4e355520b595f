/** What became of the requests that brought something by relay, for status and metrics. */
export interface RelayCounts {
  /** Answered with success. */
  readonly taken: number;
  /** Asked to come again: too many at once, too slow, the store away. */
  readonly putOff: number;
  /** For good: too large, unreadable, another agent's. */
  readonly refused: number;
  readonly bytes: number;
  /** At this moment. */
  readonly requests: number;
  readonly waitingBytes: number;
}

/** Of a central that takes nothing by relay. */
export const noRelay: RelayCounts = { taken: 0, putOff: 0, refused: 0, bytes: 0, requests: 0, waitingBytes: 0 };
