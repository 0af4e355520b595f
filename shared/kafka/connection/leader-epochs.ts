import type { DescribedTopic } from "../messages/metadata.ts";

/**
 * How far the leadership of each partition had come when it was heard of last. Kafka counts a partition's leaders (KIP-320):
 * a broker that names a lower number than was heard before does not know the newest leader.
 */
export class LeaderEpochs {
  private readonly newest = new Map<string, readonly number[]>();

  /** Whether somebody has named a later leader of one of its partitions. Brokers that name no number are believed. */
  outdated(name: string, topic: DescribedTopic): boolean {
    const known = this.newest.get(`${topic.clusterId}/${name}`) ?? [];
    return topic.leaderEpochs.some((epoch, partition) => epoch >= 0 && epoch < (known[partition] ?? -1));
  }

  /** Holds from now on, also when it is lower: a topic that is made anew begins to count anew. */
  note(name: string, topic: DescribedTopic): void {
    this.newest.set(`${topic.clusterId}/${name}`, topic.leaderEpochs);
  }
}
