import type { LaneNotes } from "../../core/lane-notes.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import type { Attempt } from "./attempt.ts";
import { untracedBytesMax } from "./doubt.ts";
import { covers, endOf, type Session } from "./session.ts";

/**
 * After a start, where we may not ask: a batch was answered with 45, and the broker remembers only the last batches it
 * took. Sends the ones behind it, in order, until one is taken: the log takes a batch only right behind the one before,
 * so it has all of them. Undefined when none was taken: the log is not where we left it.
 *
 * @throws what `send` throws; everything is tried again from the start then.
 */
export async function sendBeyond(
  batch: StoredBatch,
  session: Session,
  notes: LaneNotes,
  send: (batch: StoredBatch) => Promise<Attempt>,
): Promise<StoredBatch | undefined> {
  let bytes = batch.bytes.length;
  let before = batch;
  // One batch more than can have been sent: the first unsent one is taken, or the log is not ours.
  while (bytes <= untracedBytesMax + before.bytes.length) {
    const later = notes.next(before);
    if (later === undefined || later.first !== endOf(before) || !covers(session, later)) return undefined;
    notes.lease(later);
    const { verdict } = await send(later);
    if (verdict.kind === "appended") return later;
    if (verdict.kind !== "out_of_order") return undefined;
    bytes += later.bytes.length;
    before = later;
  }
  return undefined;
}

/** Kept batches that end where `to` begins, without a hole between them, from `from` on; oldest first. */
export function keptBetween(notes: LaneNotes, from: number, to: number): readonly StoredBatch[] {
  const kept: StoredBatch[] = [];
  for (let next = to; next > from; ) {
    const batch = notes.kept(next - 1);
    if (batch === undefined || batch.kind !== "records" || batch.first < from || endOf(batch) !== next) break;
    kept.push(batch);
    next = batch.first;
  }
  return kept.reverse();
}

/** The number behind the last batch that the process before may have sent without a trace, this one included. */
export function untracedBelow(notes: LaneNotes, batch: StoredBatch): number {
  let last = batch;
  for (let bytes = batch.bytes.length; bytes <= untracedBytesMax; bytes += last.bytes.length) {
    const next = notes.next(last);
    if (next === undefined) break;
    last = next;
  }
  return endOf(last);
}
