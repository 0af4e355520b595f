import type { ProducersAnswer } from "../connection/link.ts";
import type { Message } from "../message.ts";

/** DescribeProducers, api 61 (KIP-664): whom the leader of a partition remembers. Flexible from the start. */
export function describeProducersMessage(topic: string, partition: number): Message<ProducersAnswer> {
  return {
    name: "DescribeProducers",
    apiKey: 61,
    versions: { min: 0, max: 0 },
    flexibleFrom: 0,
    write: (to) => {
      to.uvarint(2).compactString(topic).uvarint(2).int32(partition).tags().tags();
    },
    read: (from) => {
      from.int32(); // throttle
      const [answer] = from
        .compactList(() => {
          from.compactString(); // topic
          const partitions = from.compactList<ProducersAnswer>(() => {
            from.int32(); // partition
            const errorCode = from.int16();
            from.compactString(); // message
            const producers = from.compactList(() => {
              const producerId = from.int64();
              const producerEpoch = from.int32();
              const lastSequence = from.int32();
              from.int64(); // last timestamp
              from.int32(); // coordinator epoch
              from.int64(); // start of an open transaction
              from.tags();
              return { producerId, producerEpoch, lastSequence };
            });
            from.tags();
            return errorCode === 0 ? { errorCode, producers } : { errorCode };
          });
          from.tags();
          return partitions;
        })
        .flat();
      if (answer === undefined) throw new RangeError(`the answer leaves out ${topic}/${partition}`);
      return answer;
    },
  };
}
