/**
 * A record's identity, as it travels in the Kafka record header `tg`:
 *
 *     agent/epoch/stream.lane/seq@eventTimeMs          a record that a source read
 *     agent/epoch/stream.lane/first-last!reason@…      a marker: these records were shed by policy and will not come
 *
 * `agent` and `stream` are names of the config ([A-Za-z0-9_-], so no separator occurs in them); `epoch` is born with a
 * channel file and changes when the file was copied; `lane` is an ordered line of records of one stream; `seq` counts
 * the records of a lane from 0 without a hole. The centre keeps the ranges it has received: that is the ledger.
 */
export const IDENTITY_HEADER = "tg";

/** Why policy dropped records that had a number already. */
export type ShedReason = "overflow" | "ttl" | "oversized" | "dead" | "damaged";

const shedReasons: ReadonlySet<string> = new Set<ShedReason>(["overflow", "ttl", "oversized", "dead", "damaged"]);

/** The part that all records of a lane share. */
export interface LaneIdentity {
  readonly agent: string;
  readonly epoch: string;
  readonly stream: string;
  readonly lane: number;
}

/** One record, or one marker in the place of shed records. */
export interface Identity extends LaneIdentity {
  readonly kind: "record" | "shed";
  /** First record number; the only one of a `record`. */
  readonly first: number;
  /** Last record number, inclusive; equals `first` for a `record`. */
  readonly last: number;
  /** For `shed` only. */
  readonly reason: ShedReason | undefined;
  /** Event time in milliseconds since 1970, as the edge knew it. */
  readonly eventTimeMs: number;
}

/** The text before the number, the same for every record of a lane: `agent/epoch/stream.lane/`. */
export function lanePrefix(lane: LaneIdentity): string {
  return `${lane.agent}/${lane.epoch}/${lane.stream}.${lane.lane}/`;
}

/** The header text of one record or marker. */
export function formatIdentity(identity: Identity): string {
  const numbers =
    identity.kind === "record" ? `${identity.first}` : `${identity.first}-${identity.last}!${identity.reason}`;
  return `${lanePrefix(identity)}${numbers}@${identity.eventTimeMs}`;
}

const pattern = /^([\w-]+)\/([\w-]+)\/([\w-]+)\.(\d+)\/(\d+)(?:-(\d+)!([a-z]+))?@(-?\d+)$/;

/** Reads a header text; `undefined` when it is not one of ours. */
export function parseIdentity(text: string): Identity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, agent, epoch, stream, lane, first, last, reason, eventTime] = match;
  if (agent === undefined || epoch === undefined || stream === undefined) return undefined;
  const shed = reason !== undefined;
  if (shed && !isShedReason(reason)) return undefined;
  const firstNumber = Number(first);
  const lastNumber = shed ? Number(last) : firstNumber;
  if (lastNumber < firstNumber) return undefined;
  return {
    agent,
    epoch,
    stream,
    lane: Number(lane),
    kind: shed ? "shed" : "record",
    first: firstNumber,
    last: lastNumber,
    reason: shed && isShedReason(reason) ? reason : undefined,
    eventTimeMs: Number(eventTime),
  };
}

function isShedReason(text: string): text is ShedReason {
  return shedReasons.has(text);
}
