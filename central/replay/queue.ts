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
  private slices: readonly RecordSlice[] = [];
  /** Of the slices, the one that holds the head. */
  private slice = 0;
  /** Made when its turn comes: an answer may hold tens of thousands. */
  private first: QueuedRecord | undefined;
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
    return this.first?.offset ?? this.reach;
  }

  get isDone(): boolean {
    return this.next >= this.position.until;
  }

  /** The record whose turn is next; undefined: to be filled, or done. */
  get head(): QueuedRecord | undefined {
    return this.first;
  }

  /** Reads on when it is empty. Undefined: there was nothing to do, or nothing came. */
  async fill(): Promise<FillNews | undefined> {
    if (this.head !== undefined || this.isDone) return undefined;
    const part = await this.feed.read({ ...this.partition, next: this.reach, until: this.position.until });
    if (part === undefined) return undefined;
    this.slices = part.slices.filter(({ from, to }) => from < to);
    this.slice = 0;
    this.first = recordAt(this.slices[0], this.slices[0]?.from);
    this.reach = part.next;
    this.unread += part.read - countRecords(part.slices);
    return { gone: part.gone, damaged: part.damaged };
  }

  shift(): QueuedRecord | undefined {
    const record = this.first;
    if (record === undefined) return undefined;
    const { slice, index } = record;
    if (index + 1 < slice.to) {
      this.first = recordAt(slice, index + 1);
      return record;
    }
    this.slice++;
    const next = this.slices[this.slice];
    this.first = recordAt(next, next?.from);
    if (next === undefined) this.slices = [];
    return record;
  }

  /** Records that the filter left out since it was asked last. */
  takeUnread(): number {
    const count = this.unread;
    this.unread = 0;
    return count;
  }
}

function recordAt(slice: RecordSlice | undefined, index = 0): QueuedRecord | undefined {
  if (slice === undefined) return undefined;
  return { slice, index, timeMs: slice.block.timesMs[index] ?? 0, offset: slice.block.offsets[index] ?? -1 };
}
