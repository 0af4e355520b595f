/**
 * What the group had stored, and this store does not hold. We commit to Kafka what is stored, after it was stored: so the
 * group stands beyond the store only where that was another store, or this one at a later time. Its disk may not be
 * mounted, or it was made anew, or put back from a copy.
 *
 * What the group has committed is all that tells of it. So it is not moved back: each start finds it again until the
 * store has got there.
 */
import type { Report } from "../../shared/telemetry/log.ts";
import { partitionName, type TopicPartition } from "../records/partition.ts";
import type { Position } from "../store/store.ts";
import { storeBehindGroup } from "../telemetry.ts";

/** A partition of which the group had stored up to `committed`, and this store holds what lies before `next`. */
export interface PartitionBehind extends TopicPartition {
  readonly next: number;
  readonly committed: number;
}

export class EarlierStore {
  private readonly marks = new Map<string, PartitionBehind>();

  constructor(private readonly report: Report) {}

  /** A partition is ours. True: the store lacks some of it. Said once until all of them are filled. */
  assigned(at: TopicPartition, committed: number | undefined, position: Position | undefined): boolean {
    const { topic, partition } = at;
    const next = position?.next ?? 0;
    const before = this.marks.size;
    this.forget(at);
    if (committed === undefined || committed <= next) return false;
    const mark = { topic, partition, next, committed };
    this.marks.set(partitionName(at), mark);
    const hint =
      "Is the store's disk mounted, is it the right copy? Put it there and start central again; or wait until this one is filled from Kafka; or begin with another `group`.";
    if (before === 0) this.report(storeBehindGroup, { ...mark, hint });
    return true;
  }

  /** Its topic was made anew: what was committed is of the earlier one. */
  forget(at: TopicPartition): void {
    this.marks.delete(partitionName(at));
  }

  /** After something was stored. */
  storedUpTo(at: TopicPartition, next: number): void {
    const key = partitionName(at);
    const mark = this.marks.get(key);
    if (mark === undefined) return;
    if (next >= mark.committed) this.marks.delete(key);
    else this.marks.set(key, { ...mark, next });
  }

  lacks(at: TopicPartition): boolean {
    return this.marks.has(partitionName(at));
  }

  /** Of those that are ours now: another member has the others, and says it. */
  behind(ours: readonly TopicPartition[]): readonly PartitionBehind[] {
    return ours.flatMap((at) => this.marks.get(partitionName(at)) ?? []);
  }
}
