/**
 * The group's protocol carries the name of the store that its members write to.
 *
 * A consumer group divides a topic among its members. Two centrals with a store each, in one group, would so store half
 * of the topic each, and both would look healthy. Kafka lets a member in only when it offers the protocol that all the
 * others offer (error 23, INCONSISTENT_GROUP_PROTOCOL). Ours is called after the store: instances on one store share the
 * work, and anybody else is turned away by the broker and told so.
 */
import { type PartitionAssigner, PartitionAssigners } from "kafkajs";

/** The name under which members with this store find together. */
export function protocolOf(storeId: string): string {
  return `tailgate-store-${storeId}`;
}

/** kafkajs's round robin, under the store's name. */
export function storeAssigner(name: string): PartitionAssigner {
  return (config) => ({ ...PartitionAssigners.roundRobin(config), name });
}

/** Whether the group has turned us away: its members write to another store, or are another program. */
export function isGroupRefused(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ("type" in error && error.type === "INCONSISTENT_GROUP_PROTOCOL") return true;
  }
  return false;
}
