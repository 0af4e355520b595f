/** One partition of a range, read an answer at a time: what it holds in memory is bounded by one answer of the broker. */
import type { Arrival } from "../consumer/consumer.ts";
import type { ArrivalBuilder } from "../consumer/kafka/arrival.ts";
import type { DamagedRange, TopicPartition } from "../records/partition.ts";
import type { RecordSlice } from "../records/record-block.ts";
import type { RecordFilter } from "./filter.ts";
import type { Cluster } from "./kafka/cluster.ts";

/** From where to where, exclusive. */
export interface FeedRange extends TopicPartition {
  readonly next: number;
  readonly until: number;
}

/** What one answer brought. */
export interface FeedPart {
  /** What the filter lets through, ascending. */
  readonly slices: readonly RecordSlice[];
  /** Records of the range that were looked at. */
  readonly read: number;
  readonly damaged: readonly DamagedRange[];
  /** Everything below it is done. */
  readonly next: number;
  /** Offsets of the range that the log does not hold any more. */
  readonly gone: { readonly firstOffset: number; readonly lastOffset: number } | undefined;
}

/** After so many answers without anything there is nothing between here and the range's end: compacted, or rolled back. */
const emptyAnswersMax = 3;

export class Feed {
  private empty = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly builder: ArrivalBuilder,
    private readonly filter: RecordFilter,
  ) {}

  /** Undefined: nothing came this time. */
  async read({ topic, partition, next, until }: FeedRange): Promise<FeedPart | undefined> {
    const at = { topic, partition };
    const nothing = { slices: [], read: 0, damaged: [], gone: undefined };
    const fetched = await this.cluster.fetch(at, next);
    if (fetched === undefined) {
      const start = (await this.cluster.offset(at, "start")) ?? 0;
      const end = (await this.cluster.offset(at, "end")) ?? 0;
      // Before the log's start, or after its end: made anew, or cut.
      const to = next < start ? Math.min(start, until) : end < until && next >= end ? until : next;
      const gone = to > next ? { firstOffset: next, lastOffset: to - 1 } : undefined;
      return gone && { ...nothing, next: to, gone };
    }
    const arrival = fetched.frames.length === 0 ? undefined : this.builder.build(fetched);
    if (arrival === undefined || arrival.nextOffset <= next) {
      if (++this.empty < emptyAnswersMax || fetched.highWatermark < until) return undefined;
      return { ...nothing, next: until };
    }
    this.empty = 0;
    return this.part(arrival, next, until);
  }

  private part({ topic, blocks, damaged, nextOffset }: Arrival, from: number, until: number): FeedPart {
    const slices: RecordSlice[] = [];
    let read = 0;
    for (const block of blocks) {
      const found = this.filter.slices(block, topic, { from, to: until });
      slices.push(...found.slices);
      read += found.read;
    }
    return {
      slices,
      read,
      damaged: damaged.filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < until),
      next: Math.min(until, nextOffset),
      gone: undefined,
    };
  }
}
