import { IDENTITY_HEADER, lanePrefix, type ShedReason } from "../../shared/identity/identity.ts";
import { RecordBatchBuilder, type SealedBatch } from "../../shared/kafka/record-batch/builder.ts";
import { numbersOf } from "./carried.ts";
import type { Lane } from "./lane.ts";

/** What a marker stands for. */
export interface MarkedRange {
  readonly first: number;
  readonly count: number;
  readonly reason: ShedReason;
  readonly timeMs: number;
  /** See `PutBatch.carried`. */
  readonly carried?: string | undefined;
}

const nothing = Buffer.alloc(0);

/**
 * A record batch of one empty record whose identity names the records that will not come. It is made from its row when
 * it is read, always with the same bytes, so the file holds none for it.
 */
export function buildShedMarker(agent: string, lane: Lane, range: MarkedRange): SealedBatch {
  const { epoch, stream, number } = lane;
  const { first, count, reason, timeMs, carried } = range;
  const own = () => `${lanePrefix({ agent, epoch, stream, lane: number })}${first}-${first + count - 1}`;
  const numbers = carried === undefined ? own() : numbersOf(carried);
  const identity = `${numbers}!${reason}@${timeMs}`;
  const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
  builder.begin(range.first);
  builder.append({
    buffer: nothing,
    start: 0,
    end: 0,
    eventTimeMs: range.timeMs,
    key: undefined,
    headerNames: [IDENTITY_HEADER],
    headerValues: [identity],
  });
  return builder.seal();
}
