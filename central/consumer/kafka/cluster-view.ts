/** One look at the cluster: who in the group reads the partitions of our topics, and how far these go. */
import { type Admin, AssignerProtocol } from "kafkajs";
import type { ClusterPartition, ClusterView, GroupView } from "../coverage.ts";

/** What is looked for, and what need not be asked. */
export interface ClusterQuestion {
  readonly topics: readonly string[];
  readonly groupId: string;
  /** Partitions that we read ourselves: every fetch tells their ends. */
  isOurs(topic: string, partition: number): boolean;
}

/** Throws what kafkajs throws. */
export async function viewCluster(admin: Admin, question: ClusterQuestion): Promise<ClusterView> {
  const { topics, groupId } = question;
  const { topics: described } = await admin.fetchTopicMetadata({ topics: [...topics] });
  const group = await viewGroup(admin, groupId);
  const partitions: ClusterPartition[] = [];
  for (const { name: topic, partitions: found } of described) {
    const numbers = found.map(({ partitionId }) => partitionId).sort((a, b) => a - b);
    const allOurs = numbers.every((partition) => question.isOurs(topic, partition));
    const ends = allOurs ? [] : await admin.fetchTopicOffsets(topic);
    for (const partition of numbers) {
      const told = ends.find((end) => end.partition === partition);
      const [endOffset, startOffset] = told === undefined ? [-1, -1] : [Number(told.high), Number(told.low)];
      partitions.push({ topic, partition, endOffset, startOffset });
    }
  }
  return { partitions, group };
}

async function viewGroup(admin: Admin, groupId: string): Promise<GroupView> {
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
