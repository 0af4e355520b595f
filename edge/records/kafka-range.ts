/**
 * How a group's partitions are shared out: as Kafka's own RangeAssignor does it, under its name, so that a Java consumer (a Flume)
 * and we can be members of one group. kafkajs's own way has a name that no Java client knows, and gives every member every topic;
 * here each gets partitions of the topics that it asked for, since the channels of a Flume have one group id unless they are told
 * otherwise.
 */
import { AssignerProtocol, type PartitionAssigner } from "kafkajs";

const { MemberMetadata, MemberAssignment } = AssignerProtocol;

/** For `consumer({ partitionAssigners })`. */
export const rangeAssigner: PartitionAssigner = ({ cluster }) => ({
  name: "range",
  version: 0,
  async assign({ members }) {
    const wanted = members.map(({ memberId, memberMetadata }) => ({
      memberId,
      topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
    }));
    const partitions = new Map<string, readonly number[]>();
    for (const topic of new Set(wanted.flatMap(({ topics }) => topics))) {
      // One that is not there, or not ours to see, has no partitions to share out.
      await cluster.addTargetTopic(topic).catch(() => undefined);
      partitions.set(
        topic,
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
      );
    }
    return [...shares(wanted, partitions)].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) }),
    }));
  },
  protocol({ topics }) {
    return { name: "range", metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }) };
  },
});

/** A member, and the topics that it asked for. */
export interface Wanting {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/** Each member's partitions by topic; of each topic consecutive ones, the first members one more where it does not come out even. */
export function shares(
  members: readonly Wanting[],
  partitions: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, Record<string, number[]>> {
  // A Java client takes no answer without an assignment: an empty one it takes.
  const found = new Map<string, Record<string, number[]>>(members.map(({ memberId }) => [memberId, {}]));
  for (const [topic, numbers] of partitions) {
    const who = members.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId);
    who.sort();
    const rising = numbers.toSorted((one, other) => one - other);
    let at = 0;
    for (const [index, memberId] of who.entries()) {
      const count = Math.floor(rising.length / who.length) + (index < rising.length % who.length ? 1 : 0);
      const own = found.get(memberId);
      if (count > 0 && own !== undefined) own[topic] = rising.slice(at, at + count);
      at += count;
    }
  }
  return found;
}
