import type { Arrival } from "../consumer/consumer.ts";
import type { OffsetRange } from "../records/partition.ts";
import { markOf, type RecordMark } from "../records/record-mark.ts";
import type { Gap, Position } from "../store/store.ts";

/** How an arrival relates to what is stored of its partition. */
export type Continuity =
  /** It goes on where the store is; `gap`: records in between are gone for ever. */
  | { readonly kind: "continues"; readonly mark: MarkFinding; readonly gap: Gap | undefined }
  /** Everything in it is stored already. */
  | { readonly kind: "stale"; readonly mark: MarkFinding }
  /** It is from elsewhere in the log: read from the right place. */
  | { readonly kind: "misplaced" }
  /** The topic is another one of the same name. */
  | { readonly kind: "recreated" };

/** What stands where the record before the position stood. */
export type MarkFinding =
  /** The same record. */
  | "same"
  /** Something that this record can never become: the log is another one, or was cut short and written anew. */
  | "other"
  /** Nothing that says either: retention or compaction took it, or it cannot be read. */
  | "gone"
  /** Not looked at: there is no mark, it was seen before, or the arrival begins after it. */
  | "unasked";

/** What the id that the brokers name now says of the topic that was read; unknown: nothing. */
export type TopicFinding = "same" | "other" | "unknown";

/** Compares the ids of topics, where both are known. */
export function compareTopics(position: Position | undefined, topicId: string | undefined): TopicFinding {
  if (position?.topicId === undefined || newestId(position, topicId) === undefined) return "unknown";
  return position.topicId === topicId ? "same" : "other";
}

/** The id, unless it is one of an earlier topic: whoever names that is behind its cluster. */
export function newestId(position: Position | undefined, topicId: string | undefined): string | undefined {
  if (topicId === undefined || topicId === position?.topicId) return topicId;
  return position?.formerTopicIds.includes(topicId) === true ? undefined : topicId;
}

/**
 * Compares an arrival with the position. Reading begins at the record *before* the position, so a topic that was made
 * anew is noticed by that record even when it has grown past the position meanwhile. A record never becomes another
 * one, a control record, or part of a transaction that was rolled back. Retention and compaction can take it away:
 * then the offsets decide, and the topic's id where the brokers tell it (ingest.ts).
 */
export function checkContinuity(arrival: Arrival, position: Position | undefined, verified: boolean): Continuity {
  if (position === undefined) return { kind: "continues", mark: "unasked", gap: undefined };
  const { next, before } = position;
  const { firstOffset, nextOffset, endOffset, logStartOffset } = arrival;
  let mark: MarkFinding = "unasked";
  if (before !== undefined && (!verified || firstOffset <= before.offset)) {
    // The broker has sent us back to the log's start. Is the log shorter than what was read of it?
    if (nextOffset <= before.offset) return { kind: endOffset > before.offset ? "misplaced" : "recreated" };
    mark = compareMark(arrival, before);
    if (mark === "other") return { kind: "recreated" };
  }
  if (nextOffset <= next) return { kind: "stale", mark };
  const gap = gapFrom(next, arrival);
  if (gap !== undefined) return { kind: "continues", mark, gap };
  // Offsets may be missing (compaction, control records), but only what the broker says is gone is a gap. Without its
  // word an arrival that begins after the position is trusted no more than once: it is fetched again.
  if (logStartOffset === undefined && verified && firstOffset > next) return { kind: "misplaced" };
  return { kind: "continues", mark, gap: undefined };
}

/** What the broker has deleted of what lies from `next` on, before it was stored. */
export function gapFrom(next: number, arrival: Arrival): Gap | undefined {
  const gone = lostToRetention(arrival, next);
  return gone < next ? undefined : { kind: "retention", firstOffset: next, lastOffset: gone };
}

/**
 * The last offset that the broker has deleted before it was stored; less than `next` when there is none. What is in
 * hand is not lost: a batch is delivered whole even when the log's start has moved into it.
 */
function lostToRetention({ logStartOffset, firstOffset, blocks, damaged }: Arrival, next: number): number {
  if (logStartOffset === undefined || logStartOffset <= next || firstOffset <= next) return next - 1;
  const inHand = Math.min(blocks[0]?.offsets[0] ?? logStartOffset, damaged[0]?.firstOffset ?? logStartOffset);
  return Math.min(logStartOffset, inHand) - 1;
}

function compareMark({ blocks, hidden }: Arrival, before: RecordMark): MarkFinding {
  const { offset } = before;
  const holds = ({ firstOffset, lastOffset }: OffsetRange) => firstOffset <= offset && offset <= lastOffset;
  if (hidden.some(holds)) return "other";
  for (const block of blocks) {
    const index = block.offsets.indexOf(offset);
    if (index < 0) continue;
    const found = markOf(block, index);
    return found.crc === before.crc && found.identity === before.identity ? "same" : "other";
  }
  return "gone";
}
