/**
 * Policy drops whole batches that were never taken for sending, the oldest first. A marker row stands in their place;
 * ranges that lie side by side and went for the same reason share one.
 */
import type { ShedReason } from "../../../shared/identity/identity.ts";
import { limits } from "../../core/limits.ts";
import type { BatchRow, Statements } from "./connection.ts";
import type { Draft } from "./draft.ts";
import { endOf, footprint } from "./held-batch.ts";
import type { LaneState } from "./lane-state.ts";
import { addCounter, type Progress } from "./progress.ts";
import { removeBody } from "./put.ts";

/** What was dropped. */
export interface Shedding {
  records: number;
  bytes: number;
}

/** Drops the oldest batches of these lanes until `bytes` of disk are given back, or nothing is left that may go. */
export function shedBytes(draft: Draft, lanes: readonly LaneState[], bytes: number): Shedding {
  const done: Shedding = { records: 0, bytes: 0 };
  const heads = new Heads(draft, lanes);
  while (done.bytes < bytes) {
    const head = heads.oldest();
    if (head === undefined) break;
    add(done, shedRow(draft, head.lane, head.row, "overflow"));
    heads.advance(head.lane);
  }
  return done;
}

/** Drops batches of these lanes that were put before `putMsMin`; at most about `bytesMax` of them. */
export function shedOlder(draft: Draft, lanes: readonly LaneState[], putMsMin: number, bytesMax: number): Shedding {
  const done: Shedding = { records: 0, bytes: 0 };
  const heads = new Heads(draft, lanes);
  while (done.bytes < bytesMax) {
    const head = heads.oldest();
    if (head === undefined || head.row.put_ms >= putMsMin) break;
    add(done, shedRow(draft, head.lane, head.row, "ttl"));
    heads.advance(head.lane);
  }
  return done;
}

/** Makes a marker of one row of records; the body goes. */
export function shedRow(draft: Draft, lane: LaneState, row: BatchRow, reason: ShedReason): Shedding {
  const { statements } = draft;
  const id = lane.lane.id;
  const progress = draft.progress(lane);
  const freed = footprint(row.bytes, row.body);
  removeBody(draft, row.body);
  const before = statements.rowBefore.get(id, row.first - 1);
  // What others have numbered is named one by one: two batches side by side may be of two agents.
  const isOwn = row.carried === null && before?.carried === null;
  if (isOwn && before.reason === reason && endOf(before) === row.first && before.first >= lane.sheddableFrom) {
    statements.deleteBatch.run(id, row.first);
    statements.growMarker.run(row.count, row.time_ms_min, row.time_ms_max, id, before.first);
    progress.batches--;
  } else statements.makeMarker.run(reason, id, row.first);
  progress.bytes -= freed;
  countShed(progress, reason, row.count);
  draft.afterCommit(() => lane.forgetBelow(endOf(row)));
  return { records: row.count, bytes: freed };
}

/** Books records that will not come. */
export function countShed(progress: Progress, reason: ShedReason, records: number): void {
  progress.shed += records;
  addCounter(progress, `shed_${reason}`, records);
}

function add(sum: Shedding, more: Shedding): void {
  sum.records += more.records;
  sum.bytes += more.bytes;
}

/** The oldest batch of each lane that may go. */
class Heads {
  private readonly rows = new Map<LaneState, BatchRow>();

  constructor(
    private readonly draft: Draft,
    lanes: readonly LaneState[],
  ) {
    for (const lane of lanes) this.advance(lane);
  }

  oldest(): { readonly lane: LaneState; readonly row: BatchRow } | undefined {
    let found: { readonly lane: LaneState; readonly row: BatchRow } | undefined;
    for (const [lane, row] of this.rows) {
      if (found === undefined || row.put_ms < found.row.put_ms) found = { lane, row };
    }
    return found;
  }

  advance(lane: LaneState): void {
    const { statements } = this.draft;
    lane.sentBefore ??= sentBefore(statements, lane);
    const row = statements.recordsFrom.get(lane.lane.id, lane.sheddableFrom);
    if (row === undefined) this.rows.delete(lane);
    else this.rows.set(lane, row);
  }
}

/**
 * The process before this one may have sent batches whose acknowledgement did not become durable: as many bytes as may
 * be unmarked, and the one in flight. They may be in the topic, so they are not dropped.
 */
function sentBefore(statements: Statements, lane: LaneState): number {
  const { ackedAtStart, seqAtStart } = lane;
  let end = ackedAtStart;
  let bytes = 0;
  for (const row of statements.rowsBetween.iterate(lane.lane.id, ackedAtStart, seqAtStart)) {
    end = endOf(row);
    bytes += row.bytes;
    if (bytes > limits.unmarkedBytesMax + limits.batchBytesMax) break;
  }
  return end;
}
