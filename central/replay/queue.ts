/**
 * Partitions of a range as queues of records, filled an answer at a time, and emptied in the order of time as far as the pace
 * allows. A queue is filled again when it is empty: one answer of each partition is in memory, no more.
 */

import type { DamagedRange, TopicPartition } from "../records/partition.ts";
import type { RecordSlice } from "../records/record-block.ts";
import { countRecords } from "../records/record-slices.ts";
import type { Feed, FeedPart } from "./feed.ts";

/** A record that waits for its turn. */
export interface QueuedRecord {
  readonly slice: RecordSlice;
  /** Of its block. */
  readonly index: number;
  readonly timeMs: number;
  readonly offset: number;
}

/** What came of a fill that is worth a word. */
export interface FillNews {
  readonly gone: FeedPart["gone"];
  readonly damaged: readonly DamagedRange[];
}

export class PartitionQueue {
  private waiting: QueuedRecord[] = [];
  private at = 0;
  /** Where the queue's last answer ends. */
  private reach: number;
  /** Records that were looked at, and not handed out. */
  private unread = 0;

  constructor(
    readonly partition: TopicPartition,
    private position: { readonly next: number; readonly until: number },
    private readonly feed: Pick<Feed, "read">,
  ) {
    this.reach = position.next;
  }

  /** Everything below it is handed out. */
  get next(): number {
    return this.waiting[this.at]?.offset ?? this.reach;
  }

  get isDone(): boolean {
    return this.next >= this.position.until;
  }

  /** The record whose turn is next; undefined: to be filled, or done. */
  get head(): QueuedRecord | undefined {
    return this.waiting[this.at];
  }

  /** Reads on when it is empty. Undefined: there was nothing to do, or nothing came. */
  async fill(): Promise<FillNews | undefined> {
    if (this.head !== undefined || this.isDone) return undefined;
    const part = await this.feed.read({ ...this.partition, next: this.reach, until: this.position.until });
    if (part === undefined) return undefined;
    this.waiting = part.slices.flatMap((slice) =>
      Array.from({ length: slice.to - slice.from }, (_, step) => {
        const index = slice.from + step;
        return { slice, index, timeMs: slice.block.timesMs[index] ?? 0, offset: slice.block.offsets[index] ?? -1 };
      }),
    );
    this.at = 0;
    this.reach = part.next;
    this.unread += part.read - countRecords(part.slices);
    return { gone: part.gone, damaged: part.damaged };
  }

  shift(): QueuedRecord | undefined {
    const record = this.waiting[this.at];
    if (record === undefined) return undefined;
    this.at++;
    if (this.at === this.waiting.length) {
      this.waiting = [];
      this.at = 0;
    }
    return record;
  }

  /** Records that the filter left out since it was asked last. */
  takeUnread(): number {
    const count = this.unread;
    this.unread = 0;
    return count;
  }
}
