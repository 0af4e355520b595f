/** Records of several queues in the order of their times, as far as they are due. */
import { part } from "../records/record-block.ts";
import type { PartitionQueue, QueuedRecord } from "./queue.ts";

/** Uncompressed bytes of one round. */
const bytesMax = 2 * 1024 * 1024;

/**
 * Takes what is due, the earliest first. Within a partition the order is the topic's: a late record goes when it is its turn. Ends
 * where a queue is empty that may hold earlier ones.
 */
export function* takeDue<Lane extends { readonly queue: PartitionQueue }>(
  lanes: readonly Lane[],
  dueMs: number,
  max: number,
): Generator<{ readonly lane: Lane; readonly record: QueuedRecord; readonly size: number }> {
  let bytes = 0;
  for (let count = 0; count < max && bytes < bytesMax; count++) {
    let first: Lane | undefined;
    for (const lane of lanes) {
      const { head, isDone } = lane.queue;
      if (head === undefined && !isDone && count > 0) return;
      const firstHead = first?.queue.head;
      if (head !== undefined && (firstHead === undefined || head.timeMs < firstHead.timeMs)) first = lane;
    }
    const head = first?.queue.head;
    if (first === undefined || head === undefined || head.timeMs > dueMs) return;
    first.queue.shift();
    const size = sizeOf(head);
    bytes += size;
    yield { lane: first, record: head, size };
  }
}

function sizeOf({ slice: { block }, index }: QueuedRecord): number {
  const start = block.parts[index * part.stride + part.valueStart] ?? 0;
  return Math.max(0, (block.parts[index * part.stride + part.valueEnd] ?? 0) - start) + 64;
}
