import type { LaneState } from "./lane-state.ts";

/** A delivered batch whose rows are still in the file. */
export interface KeptBatch {
  readonly lane: LaneState;
  readonly end: number;
  readonly body: number | null;
  readonly bytes: number;
}

/** However small they are, no more are kept: bounds memory, and leaves slots free. */
const batchesMax = 384;

/** Delivered batches of a channel, the oldest first: kept a while, so that what a broker lost can be sent again. */
export class Kept {
  private readonly batches: KeptBatch[] = [];
  private bytes = 0;

  constructor(public bytesMax: number) {}

  push(batch: KeptBatch): void {
    this.batches.push(batch);
    this.bytes += batch.bytes;
  }

  /** The oldest ones, as many as are too many now. */
  due(): readonly KeptBatch[] {
    let { bytes } = this;
    let count = 0;
    for (const batch of this.batches) {
      if (bytes <= this.bytesMax && this.batches.length - count <= batchesMax) break;
      bytes -= batch.bytes;
      count++;
    }
    return this.batches.slice(0, count);
  }

  /** These are gone. */
  drop(due: readonly KeptBatch[]): void {
    this.batches.splice(0, due.length);
    for (const batch of due) this.bytes -= batch.bytes;
  }
}
