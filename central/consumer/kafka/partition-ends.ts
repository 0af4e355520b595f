/**
 * How far each partition goes, as a broker said last, and how long ago that was. A fetch says it for what we read; a look
 * at the cluster for what others read, and for what is ours while no fetch is answered, so that no old word of
 * a broker passes for what is there now.
 */
import { partitionName, type TopicPartition } from "../../records/partition.ts";

/** What a broker said. Offsets are -1 where it did not. */
export interface PartitionEnd {
  readonly highWatermark: number;
  readonly endOffset: number;
  readonly logStartOffset: number;
}

/** The last word, and its age. */
export interface ToldEnd extends PartitionEnd {
  readonly untoldForMs: number;
}

const untold: PartitionEnd = { highWatermark: -1, endOffset: -1, logStartOffset: -1 };

export class PartitionEnds {
  private readonly ends = new Map<string, { readonly end: PartitionEnd; readonly toldMs: number }>();

  told(at: TopicPartition, { highWatermark, endOffset, logStartOffset }: PartitionEnd, nowMs: number): void {
    this.ends.set(partitionName(at), { end: { highWatermark, endOffset, logStartOffset }, toldMs: nowMs });
  }

  /** A look does not tell how much lies after an open transaction: what a fetch told holds as long as nothing has moved. */
  looked(at: TopicPartition, { highWatermark, logStartOffset }: Omit<PartitionEnd, "endOffset">, nowMs: number): void {
    const before = this.ends.get(partitionName(at))?.end;
    const endOffset = before?.highWatermark === highWatermark ? before.endOffset : -1;
    this.told(at, { highWatermark, endOffset, logStartOffset }, nowMs);
  }

  /** Of a partition that no broker has spoken of, the age is that of the first question. */
  of(at: TopicPartition, nowMs: number): ToldEnd {
    const key = partitionName(at);
    let known = this.ends.get(key);
    if (known === undefined) {
      known = { end: untold, toldMs: nowMs };
      this.ends.set(key, known);
    }
    return { ...known.end, untoldForMs: nowMs - known.toldMs };
  }
}
