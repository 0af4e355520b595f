import type { BrokerNode } from "../../../shared/kafka/connection/link.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import type { ClusterMetadata } from "../../../shared/kafka/messages/metadata.ts";

/** What a topic is to us. */
export interface TopicAccess {
  readonly errorCode: number;
  readonly partitions: number;
  /** Each broker that leads a partition, once. */
  readonly leaders: readonly BrokerNode[];
  readonly leaderless: number;
  /** Whether we may WRITE; true when the broker does not say (before Kafka 2.3): the first batch will tell. */
  readonly mayWrite: boolean;
  readonly controller: BrokerNode | undefined;
}

/** AclOperation.WRITE (KIP-430: a bit for each operation that is allowed). */
const writeBit = 1 << 4;

/** What metadata that was asked with `operations` say of the topic. */
export function topicAccess({ nodes, controller, topic }: ClusterMetadata): TopicAccess {
  const leading = topic?.leaders ?? [];
  const ids = new Set(leading.map((leader) => leader?.nodeId));
  return {
    errorCode: topic?.errorCode ?? errors.UNKNOWN_TOPIC_OR_PARTITION,
    partitions: leading.length,
    leaders: nodes.filter(({ nodeId }) => ids.has(nodeId)),
    leaderless: leading.filter((leader) => leader === undefined).length,
    mayWrite: topic?.operations === undefined || (topic.operations & writeBit) !== 0,
    controller,
  };
}
