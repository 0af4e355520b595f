import { invariant } from "../../errors/invariant.ts";
import type { PartitionBatch, ProduceAnswer } from "../connection/link.ts";
import type { Message } from "../message.ts";

/**
 * Produce, api 0: acks=all, batches as they stand. Version 7 allows zstd, 8 names the records that were refused.
 * `timeoutMs` is how long the leader may wait for its replicas. `transactionalId`: of the transaction that they are part of.
 */
export function produceMessage(
  batches: readonly PartitionBatch[],
  timeoutMs: number,
  transactionalId: string | null = null,
): Message<readonly ProduceAnswer[]> {
  const topics = [...new Set(batches.map((batch) => batch.topic))];
  return {
    name: "Produce",
    apiKey: 0,
    versions: { min: 7, max: 8 },
    bytes: batches.reduce((sum, batch) => sum + sizeOf(batch) + batch.topic.length + 64, 64),
    write: (to) => {
      to.string(transactionalId).int16(-1).int32(timeoutMs);
      to.list(topics, (topic) => {
        const ofTopic = batches.filter((batch) => batch.topic === topic);
        invariant(
          new Set(ofTopic.map((batch) => batch.partition)).size === ofTopic.length,
          "a Produce request holds a partition once",
        );
        to.string(topic).list(ofTopic, (batch) => to.int32(batch.partition).bytes(batch.bytes, batch.trailer));
      });
    },
    read: (from, version) => {
      const found = new Map<string, Omit<ProduceAnswer, "throttleMs">>();
      from.list(() => {
        const topic = from.string();
        from.list(() => {
          const partition = from.int32();
          const errorCode = from.int16();
          const baseOffset = from.long();
          const appendTimeMs = from.long();
          from.int64(); // log start offset
          if (version >= 8) {
            from.list(() => [from.int32(), from.string()]); // records that were refused, and why
            from.string(); // why, in words
          }
          found.set(`${topic}/${partition}`, { errorCode, baseOffset, appendTimeMs });
        });
      });
      const throttleMs = from.int32();
      return batches.map(({ topic, partition }) => {
        const answer = found.get(`${topic}/${partition}`);
        if (answer === undefined) throw new RangeError(`the answer leaves out ${topic}/${partition}`);
        return { ...answer, throttleMs };
      });
    },
  };
}

/** Bytes of a whole batch. */
export function sizeOf({ bytes, trailer }: PartitionBatch): number {
  return bytes.length + (trailer?.length ?? 0);
}
