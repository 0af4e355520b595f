/**
 * Reads back what of a partition is committed, batch header by batch header: a broker hands out nothing from the high
 * watermark on. This, and a success with acks=all, are the two things that prove a batch (shared/decisions/0014).
 */
import { errors } from "../error-codes.ts";
import { type BatchHeader, HEADER_BYTES, readBatchHeader } from "../record-batch/header.ts";
import type { BrokerNode, KafkaLink } from "./link.ts";

/** Where it is read. */
export interface CommittedPlace {
  readonly node: BrokerNode;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record. */
  readonly from: number;
}

/** How reading ended. */
export type CommittedEnd =
  /** Up to what is committed now; also where the log ends before `from`. */
  | { readonly kind: "read" }
  /** Retention has deleted what stood at `from`. */
  | { readonly kind: "deleted" }
  /** `doing`: what the broker was asked for. */
  | { readonly kind: "refused"; readonly doing: string; readonly errorCode: number };

/** Calls `visit` with each header. Needs READ on the topic. @throws AppError `KAFKA_UNREACHABLE`: not answered; ask again. */
export async function readCommitted(
  link: Pick<KafkaLink, "readLog" | "endOffset">,
  { node, topic, partition, from }: CommittedPlace,
  visit: (header: BatchHeader) => void,
): Promise<CommittedEnd> {
  for (let offset = from; ; ) {
    const slice = await link.readLog(node, topic, partition, offset);
    if (slice.errorCode === errors.OFFSET_OUT_OF_RANGE) {
      const end = await link.endOffset(node, topic, partition);
      if (end.errorCode !== errors.NONE) {
        return { kind: "refused", doing: "ask for the end of", errorCode: end.errorCode };
      }
      // Beyond the end: the log is shorter than it was, so what we look for is not in it.
      return { kind: offset <= end.offset ? "deleted" : "read" };
    }
    if (slice.errorCode !== errors.NONE) return { kind: "refused", doing: "read back", errorCode: slice.errorCode };
    let at = 0;
    while (at + HEADER_BYTES <= slice.bytes.length) {
      const header = readBatchHeader(slice.bytes, at);
      offset = Number(header.baseOffset) + header.lastOffsetDelta + 1;
      if (offset > slice.highWatermark) break;
      visit(header);
      at += header.bytes;
    }
    if (offset >= slice.highWatermark || at === 0) return { kind: "read" };
  }
}
