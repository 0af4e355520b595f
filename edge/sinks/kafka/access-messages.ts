import type { NewTopic } from "../../../shared/kafka/connection/link.ts";
import type { Message } from "../../../shared/kafka/message.ts";
import { createTopicMessage } from "../../../shared/kafka/messages/topics.ts";

/** A broker as it advertises itself. */
export interface AdvertisedBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** What a topic is to us. */
export interface TopicAccess {
  readonly errorCode: number;
  readonly partitions: number;
  /** Each broker that leads a partition, once. */
  readonly leaders: readonly AdvertisedBroker[];
  readonly leaderless: number;
  /** Whether we may WRITE. */
  readonly mayWrite: boolean;
  readonly controller: AdvertisedBroker | undefined;
}

/** AclOperation.WRITE (KIP-430: a bit for each operation that is allowed). */
const writeBit = 1 << 4;

/** Metadata, api 3, version 8: a topic with what we may do to it (KIP-430, Kafka 2.3 and later); creates nothing. */
export function topicAccessMessage(topic: string): Message<TopicAccess> {
  return {
    name: "Metadata",
    apiKey: 3,
    version: 8,
    write: (to) => {
      to.list([topic], (name) => to.string(name));
      to.int8(0).int8(0).int8(1); // create it: no; our operations on the cluster: no; on the topic: yes
    },
    read: (from) => {
      from.int32(); // throttle
      const brokers = from.list(() => {
        const broker = { nodeId: from.int32(), host: from.string() ?? "", port: from.int32() };
        from.string(); // rack
        return broker;
      });
      from.string(); // cluster id
      const controllerId = from.int32();
      const [first] = from.list(() => {
        const errorCode = from.int16();
        from.string(); // name
        from.int8(); // internal
        const leaderIds = from.list(() => {
          from.int16(); // the partition's error: without a leader it says so there too
          from.int32(); // partition
          const leaderId = from.int32();
          from.int32(); // leader epoch
          for (let lists = 0; lists < 3; lists++) from.list(() => from.int32()); // replicas, in sync, offline
          return leaderId;
        });
        return { errorCode, leaderIds, operations: from.int32() };
      });
      if (first === undefined) throw new RangeError(`the answer leaves out ${topic}`);
      const { errorCode, leaderIds, operations } = first;
      return {
        errorCode,
        partitions: leaderIds.length,
        leaders: brokers.filter(({ nodeId }) => leaderIds.includes(nodeId)),
        leaderless: leaderIds.filter((id) => id < 0).length,
        mayWrite: (operations & writeBit) !== 0,
        controller: brokers.find(({ nodeId }) => nodeId === controllerId),
      };
    },
  };
}

/** CreateTopics, api 19, version 4, that only asks whether it would be done (`validate_only`). */
export function mayCreateMessage(topic: NewTopic): ReturnType<typeof createTopicMessage> {
  const real = createTopicMessage(topic);
  return {
    ...real,
    write: (to) => {
      to.list([topic], (each) => {
        to.string(each.topic).int32(each.partitions).int16(each.replicationFactor).int32(0);
        to.list(Object.entries(each.settings), ([name, value]) => to.string(name).string(value));
      });
      to.int32(5_000).int8(1);
    },
  };
}
