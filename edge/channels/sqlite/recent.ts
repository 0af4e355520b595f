import { endOf, type HeldBatch } from "./held-batch.ts";
import type { LaneState, RecentBudget } from "./lane-state.ts";

/** Batches that were just put stay in memory until they are delivered, up to these bytes: the steady state reads no file. */
const bytesMax = 4 * 1024 * 1024;

/** Which batches are in memory, the oldest first, over all lanes. */
export class Recent {
  readonly budget: RecentBudget = { bytes: 0, aheadBytes: 0 };
  private readonly queue: { readonly lane: LaneState; readonly end: number }[] = [];

  push(lane: LaneState, batch: HeldBatch): void {
    lane.remember(batch);
    this.queue.push({ lane, end: endOf(batch) });
    for (let oldest = this.queue[0]; oldest !== undefined; oldest = this.queue[0]) {
      const head = oldest.lane.recent[0];
      const gone = head === undefined || head.first >= oldest.end;
      if (!gone && this.budget.bytes <= bytesMax) return;
      oldest.lane.forgetBelow(oldest.end);
      this.queue.shift();
    }
  }
}
