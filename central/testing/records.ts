import { formatIdentity, type ShedReason } from "../../shared/identity/identity.ts";
import { blockOf, type PlainRecord, type RecordSlice } from "../records/record-block.ts";

/** What a test says of a record; the rest is like any other. */
export interface TestRecord {
  readonly offset: number;
  readonly seq?: number;
  readonly vehicle?: string;
  readonly agent?: string;
  readonly stream?: string;
  readonly lane?: number;
  readonly timeMs?: number;
  readonly value?: string | null;
  /** In place of the identity header that the fields above make; null: none. */
  readonly identity?: string | null;
}

/** A time that tests count from. */
export const noonMs = Date.parse("2026-11-20T12:00:00Z");

/** A record of agent `gw1`, stream `drive`, vehicle `car-1`, whose seq is its offset and whose value names it. */
export function testRecord(record: TestRecord): PlainRecord {
  const { offset, seq = offset, vehicle = "car-1", agent = "gw1", stream = "drive", lane = 0 } = record;
  const { timeMs = noonMs + seq * 1_000, value = `value ${seq}` } = record;
  const made = formatIdentity({
    agent,
    epoch: "e1",
    stream,
    lane,
    kind: "record",
    first: seq,
    last: seq,
    reason: undefined,
    eventTimeMs: timeMs,
  });
  const { identity = made } = record;
  return {
    offset,
    timeMs,
    key: Buffer.from(vehicle),
    value: value === null ? undefined : Buffer.from(value),
    identity: identity ?? undefined,
  };
}

/** A marker in the place of shed records. */
export function shedMarker(offset: number, first: number, last: number, reason: ShedReason = "overflow"): PlainRecord {
  const lane = { agent: "gw1", epoch: "e1", stream: "drive", lane: 0 };
  const identity = formatIdentity({ ...lane, kind: "shed", first, last, reason, eventTimeMs: noonMs });
  return { offset, timeMs: noonMs, key: undefined, value: undefined, identity };
}

/** All of the records as one slice. */
export function slicesOf(records: readonly PlainRecord[]): RecordSlice[] {
  return records.length === 0 ? [] : [{ block: blockOf(records), from: 0, to: records.length }];
}
