import { invariant } from "../../../shared/errors/invariant.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import type { Draft } from "./draft.ts";
import { endOf, footprint, type HeldBatch } from "./held-batch.ts";
import { follows, type LaneState, rowOfLane } from "./lane-state.ts";
import { SLOT_BYTES_MAX, SLOTS } from "./schema.ts";

/** Puts a batch at the end of its lane. Answers it as it is stored, for memory. */
export function putBatch(draft: Draft, lane: LaneState, batch: PutBatch): HeldBatch {
  const progress = draft.progress(lane);
  invariant(
    follows(progress, batch),
    `put ${batch.count} records from ${batch.first} into lane ${lane.lane.id}: it ends at ${progress.next}`,
  );
  if (draft.begins(lane)) insertLane(draft, lane);
  const stored = insertBatch(draft, lane, batch, draft.livedMs);
  progress.next = endOf(batch);
  progress.batches++;
  progress.bytes += footprint(batch.bytes.length, stored.body);
  return stored;
}

/** Puts parts in a batch's place: the same numbers, cut differently. */
export function replaceBatch(draft: Draft, lane: LaneState, batch: HeldBatch, parts: readonly PutBatch[]): void {
  const progress = draft.progress(lane);
  let next = batch.first;
  for (const part of parts) {
    invariant(part.first === next && part.count > 0, `parts of batch ${batch.first} leave a hole at ${next}`);
    next = endOf(part);
  }
  invariant(next === endOf(batch), `parts of batch ${batch.first} end at ${next} instead of ${endOf(batch)}`);
  removeBatch(draft, lane, batch);
  for (const part of parts) {
    // As old as the whole: a lane's rows never get younger backwards, and TTL counts from the put.
    const { body } = insertBatch(draft, lane, part, batch.putMs);
    progress.batches++;
    progress.bytes += footprint(part.bytes.length, body);
  }
}

/** Takes a held batch and its body out of the file. */
function removeBatch(draft: Draft, lane: LaneState, batch: HeldBatch): void {
  draft.statements.deleteBatch.run(lane.lane.id, batch.first);
  removeBody(draft, batch.body);
  const progress = draft.progress(lane);
  progress.batches--;
  progress.bytes -= footprint(batch.bytes.length, batch.body);
}

/** Deletes a body, or gives its slot back: the next small batch overwrites it, so its page is not touched now. */
export function removeBody(draft: Draft, body: number | null): void {
  if (body === null) return;
  if (body <= SLOTS) draft.slots.give(draft.statements, body);
  else draft.statements.deleteBody.run(body);
}

/** Stores bytes outside the slots: for what stays. Answers the row's id. */
export function insertBody(draft: Draft, lane: LaneState, first: number, bytes: Buffer): number {
  return Number(draft.statements.insertBody.run(lane.lane.id, first, bytes).lastInsertRowid);
}

function insertBatch(draft: Draft, lane: LaneState, batch: PutBatch, putMs: number): HeldBatch {
  const { first, count, timeMsMin, timeMsMax, recordsCrc, bytes, carried = null } = batch;
  const body = placeBody(draft, lane, first, bytes);
  const id = lane.lane.id;
  const { length } = bytes;
  const { insertBatch: insert } = draft.statements;
  insert.run(id, first, count, null, timeMsMin, timeMsMax, recordsCrc, length, body, putMs, carried);
  return { ...batch, lane: lane.lane, kind: "records", id: first, body, putMs };
}

function placeBody(draft: Draft, lane: LaneState, first: number, bytes: Buffer): number {
  const { statements, slots } = draft;
  const slot = bytes.length <= SLOT_BYTES_MAX ? slots.take(statements) : undefined;
  if (slot === undefined) return insertBody(draft, lane, first, bytes);
  statements.updateSlot.run(lane.lane.id, first, bytes, slot);
  return slot;
}

function insertLane(draft: Draft, { lane }: LaneState): void {
  const row = rowOfLane(lane);
  const { id, channel, stream, epoch, number, topic, partition, partitions, generation, carries } = row;
  const { insertLane: insert } = draft.statements;
  insert.run(id, channel, stream, epoch, number, topic, partition, partitions, generation, carries ?? 0);
  draft.statements.setFile.run("lanes_made", id);
  // Once more on another page: without its lane a batch would have nowhere to go.
  draft.statements.setFile.run(`lane ${id}`, JSON.stringify(row));
}
