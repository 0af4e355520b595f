/**
 * Notices a partition whose position in the store stands still although a broker says, now, that there is more to read.
 * It looks at both ends and at nothing between them: a consumer that is stuck (here or in another central on this
 * store), a group that never comes to rest, a store that is waited for. The consumer's own watch (stall-watch.ts) sees more,
 * and sooner, but only while it is fetching.
 */
import { partitionName, type TopicPartition } from "../records/partition.ts";

/** What is looked at of a partition. */
export interface PartitionProgress extends TopicPartition {
  readonly generation: number;
  readonly next: number;
  /** null: unknown. */
  readonly lag: number | null;
  readonly untoldForMs: number;
}

/** No store and no group takes so long. */
export const stillMs = 30_000;
/** An older word of a broker accuses nobody: Kafka may be away. More than two looks at the cluster. */
const wordMsMax = 25_000;
/** Nobody looked: the store did not answer, or the process was frozen. */
const lookMsMax = 10_000;

interface Standing {
  readonly generation: number;
  readonly next: number;
  readonly sinceMs: number;
}

export class StillWatch {
  private standing = new Map<string, Standing>();
  private lookedMs = Number.NEGATIVE_INFINITY;

  /** Names those that have stood still for too long. `held`: the store takes nothing, which is a reason of its own. */
  look(partitions: readonly PartitionProgress[], held: boolean, nowMs: number): ReadonlySet<string> {
    const goesOn = !held && nowMs - this.lookedMs <= lookMsMax;
    this.lookedMs = nowMs;
    const before = this.standing;
    this.standing = new Map();
    const still = new Set<string>();
    for (const one of partitions) {
      if (one.lag === null || one.lag === 0 || one.untoldForMs > wordMsMax) continue;
      const key = partitionName(one);
      const seen = before.get(key);
      const same = goesOn && seen !== undefined && seen.generation === one.generation && seen.next === one.next;
      const sinceMs = same ? seen.sinceMs : nowMs;
      this.standing.set(key, { generation: one.generation, next: one.next, sinceMs });
      if (nowMs - sinceMs >= stillMs) still.add(key);
    }
    return still;
  }
}
