import type { PartitionAssigner } from "kafkajs";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup";

const joinAndSync = ConsumerGroup.prototype.joinAndSync;

/** By the assigners of the members that asked for it. */
const hooks = new WeakMap<object, () => Promise<void>>();

/**
 * An assigner whose member does something before each join: that is when its partitions may go to others, and the last time
 * that it can tell the group how far it is before they ask. kafkajs only says so, and does not wait.
 */
export function beforeJoin(assigner: PartitionAssigner, hook: () => Promise<void>): PartitionAssigner {
  return (config) => {
    const made = { ...assigner(config) };
    hooks.set(made, hook);
    return made;
  };
}

/** Idempotent; members that did not ask for it join as ever. */
export function installBeforeJoin(): void {
  ConsumerGroup.prototype.joinAndSync = waitAndJoin;
}

async function waitAndJoin(this: ConsumerGroup): Promise<unknown> {
  for (const assigner of this.assigners) await hooks.get(assigner)?.();
  return await joinAndSync.call(this);
}
