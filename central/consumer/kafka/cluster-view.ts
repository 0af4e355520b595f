/** One look at the cluster: how far the partitions of our topics go, and who in the group reads them. */
import { type Admin, AssignerProtocol } from "kafkajs";
import { partitionName, type TopicPartition } from "../../records/partition.ts";
import type { ClusterPartition, GroupView } from "../coverage.ts";

/**
 * The partitions of the topics. A topic is not asked for its ends where a fetch has told all of them just now (`isTold`).
 * Throws what kafkajs throws.
 */
export async function viewTopics(
  admin: Admin,
  topics: readonly string[],
  isTold: (partition: TopicPartition) => boolean,
): Promise<readonly ClusterPartition[]> {
  const { topics: described } = await admin.fetchTopicMetadata({ topics: [...topics] });
  const partitions: ClusterPartition[] = [];
  for (const { name: topic, partitions: found } of described) {
    const numbers = found.map(({ partitionId }) => partitionId).sort((a, b) => a - b);
    const ends = numbers.every((partition) => isTold({ topic, partition })) ? [] : await endsOf(admin, topic);
    for (const partition of numbers) {
      const told = ends.find((end) => end.partition === partition);
      const [endOffset, startOffset] = told === undefined ? [-1, -1] : [Number(told.high), Number(told.low)];
      partitions.push({ topic, partition, endOffset, startOffset });
    }
  }
  return partitions;
}

/** A topic with a leader that is away must not hide the others; how old its ends are is kept and shown. */
async function endsOf(admin: Admin, topic: string): ReturnType<Admin["fetchTopicOffsets"]> {
  try {
    return await admin.fetchTopicOffsets(topic);
  } catch {
    return [];
  }
}

/**
 * What the group has committed, by the names of partitions; of all topics, so that one that is just deleted hides no
 * other. Throws what kafkajs throws.
 */
export async function viewCommitted(admin: Admin, groupId: string): Promise<ReadonlyMap<string, number>> {
  await admin.fetchTopicMetadata(); // kafkajs finds no coordinator before it has asked for the cluster's brokers.
  const told = await admin.fetchOffsets({ groupId, topics: [] });
  const all = told.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => [partitionName({ topic, partition }), Number(offset)] as const),
  );
  return new Map(all.filter(([, offset]) => offset >= 0));
}

/**
 * Who is in the group, and what each member reads. After `viewTopics`: kafkajs finds no coordinator before it has asked
 * for the cluster's brokers. Throws what kafkajs throws.
 */
export async function viewGroup(admin: Admin, groupId: string): Promise<GroupView> {
  const { groups } = await admin.describeGroups([groupId]);
  const group = groups[0];
  if (group === undefined) return { protocol: "", members: [] };
  const members = group.members.map(({ clientId, clientHost, memberAssignment }) => {
    const assignment =
      memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment);
    const partitions = Object.entries(assignment?.assignment ?? {}).flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    );
    return { clientId, clientHost, partitions };
  });
  return { protocol: group.protocol, members };
}
