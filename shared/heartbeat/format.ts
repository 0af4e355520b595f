/** What the edge needs of the format: no schema, which would cost every agent memory, also those that send none. */

/** What it may hold. An edge cuts what is more and says so; a centre refuses it. */
export const heartbeatBounds = {
  /** Of the whole text. */
  bytes: 128 * 1024,
  lanes: 256,
  streams: 64,
  /** Counters of a stream beside its books. */
  counts: 16,
  /** The last ones that ended. */
  outages: 3,
  outageLanes: 32,
  /** Hours that the unsent numbers of a lane are divided into. */
  hours: 48,
  /** Of an agent's, a stream's, an epoch's name. */
  nameBytes: 128,
  textBytes: 249,
  /** As for a record's number (central/ledger/limits.ts). */
  number: 2 ** 48,
  lane: 1_000_000,
  /** Years 1 to 9999. */
  timeMsMin: -62_135_596_800_000,
  timeMsMax: 253_402_300_799_999,
} as const;

/** A lane's name within its agent. */
export function laneKey({
  stream,
  epoch,
  lane,
}: {
  readonly stream: string;
  readonly epoch: string;
  readonly lane: number;
}): string {
  return `${epoch}/${stream}.${lane}`;
}
