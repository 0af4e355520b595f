import type { ProducerId } from "../connection/link.ts";
import type { Message } from "../message.ts";

/**
 * InitProducerId, api 22, without a transactional id: a new id. Version 2 has tagged fields, 3 takes the id that a producer
 * had (we have none: -1), 4 a new error code. Brokers other than Apache's refuse 0 to 2 although they announce them.
 */
export const initProducerIdMessage = initMessage(null, 60_000); // no transaction will need the time

/**
 * The same with a transactional id (KIP-98): ends what an earlier producer of that id left open, and fences it. A transaction that
 * lasts longer than `timeoutMs` is rolled back.
 */
export function initTransactionsMessage(transactionalId: string, timeoutMs: number): Message<InitProducerIdAnswer> {
  return initMessage(transactionalId, timeoutMs);
}

/** The id, or Kafka's error code. */
export type InitProducerIdAnswer = ({ errorCode: 0 } & ProducerId) | { errorCode: number };

function initMessage(transactionalId: string | null, timeoutMs: number): Message<InitProducerIdAnswer> {
  return {
    name: "InitProducerId",
    apiKey: 22,
    versions: { min: 0, max: 4 },
    flexibleFrom: 2,
    write: (to, version) => {
      if (version < 2) to.string(transactionalId);
      else to.compactString(transactionalId);
      to.int32(timeoutMs);
      if (version >= 3) to.int64(-1).int16(-1);
      if (version >= 2) to.tags();
    },
    read: (from) => {
      from.int32(); // throttle
      const errorCode = from.int16();
      const producerId = from.int64();
      const producerEpoch = from.int16();
      return errorCode === 0 ? { errorCode, producerId, producerEpoch } : { errorCode };
    },
  };
}
