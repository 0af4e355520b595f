import type { AbortedTransaction } from "../../../shared/kafka/messages/fetch.ts";
import type { BatchFrame } from "../../../shared/kafka/record-batch/frames.ts";
import { part } from "../../records/record-block.ts";
import { decodeBatch } from "./decode-batch.ts";

/**
 * Leaves out what a reader of committed records must not see: control batches, and batches of transactions that were
 * rolled back. A transaction of the broker's list begins at its first offset and ends at its abort marker (KIP-98).
 */
export function committedFrames(
  frames: readonly BatchFrame[],
  aborted: readonly AbortedTransaction[],
): readonly BatchFrame[] {
  if (aborted.length === 0) return frames.filter((frame) => !frame.control);
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  return frames.filter((frame) => {
    for (let next = waiting[0]; next !== undefined && next.firstOffset <= frame.lastOffset; next = waiting[0]) {
      open.add(next.producerId);
      waiting.shift();
    }
    if (frame.control) {
      if (isAbortMarker(frame)) open.delete(frame.producerId);
      return false;
    }
    return !(frame.transactional && open.has(frame.producerId));
  });
}

/** A control record's key is version int16, type int16; type 0 is abort. */
function isAbortMarker(frame: BatchFrame): boolean {
  const block = decodeBatch(frame);
  const start = block.parts[part.keyStart] ?? -1;
  return start >= 0 && block.bytes.readInt16BE(start + 2) === 0;
}
