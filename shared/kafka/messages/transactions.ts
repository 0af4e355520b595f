/**
 * The requests of a transaction that moves a group's offsets with its records (KIP-98):
 *
 *     FindCoordinator       which broker keeps the transactions of this id, and the offsets of this group
 *     AddPartitionsToTxn    before the first record to a partition          → the transactions' coordinator
 *     (Produce)                                                             → the partitions' leaders
 *     AddOffsetsToTxn       before the group's offsets                      → the transactions' coordinator
 *     TxnOffsetCommit       the offsets; they count once it is committed    → the group's coordinator
 *     EndTxn                commit or roll back                             → the transactions' coordinator
 *     OffsetFetch           what the group has committed                    → the group's coordinator
 *
 * In the versions before tagged fields, which every broker still has.
 */
import type { ProducerId } from "../connection/link.ts";
import type { Message } from "../message.ts";
import type { WireReader } from "../wire.ts";

/** Kafka's error code. */
export interface ErrorAnswer {
  readonly errorCode: number;
}

/** Who sends, under which id. */
export interface Transaction extends ProducerId {
  readonly transactionalId: string;
}

/** How far a group is with a partition. */
export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The group's own words. */
  readonly metadata: string;
}

/** FindCoordinator, api 10. */
export function findCoordinatorMessage(
  key: string,
  kind: "group" | "transaction",
): Message<ErrorAnswer & { readonly nodeId: number; readonly host: string; readonly port: number }> {
  return {
    name: "FindCoordinator",
    apiKey: 10,
    versions: { min: 1, max: 2 },
    write: (to) => void to.string(key).int8(kind === "group" ? 0 : 1),
    read: (from) => {
      from.int32(); // throttle
      const errorCode = from.int16();
      from.string(); // why, in words
      return { errorCode, nodeId: from.int32(), host: from.string() ?? "", port: from.int32() };
    },
  };
}

/** AddPartitionsToTxn, api 24; the first error of any partition. */
export function addPartitionsMessage(
  { transactionalId, producerId, producerEpoch }: Transaction,
  topic: string,
  partitions: readonly number[],
): Message<ErrorAnswer> {
  return {
    name: "AddPartitionsToTxn",
    apiKey: 24,
    versions: { min: 0, max: 2 },
    write: (to) => {
      to.string(transactionalId).int64(producerId).int16(producerEpoch);
      to.list([topic], (name) => to.string(name).list(partitions, (partition) => to.int32(partition)));
    },
    read: (from) => {
      from.int32(); // throttle
      return firstError(readByTopic(from, () => from.int16()));
    },
  };
}

/** AddOffsetsToTxn, api 25. */
export function addOffsetsMessage(
  { transactionalId, producerId, producerEpoch }: Transaction,
  group: string,
): Message<ErrorAnswer> {
  return {
    name: "AddOffsetsToTxn",
    apiKey: 25,
    versions: { min: 0, max: 2 },
    write: (to) => void to.string(transactionalId).int64(producerId).int16(producerEpoch).string(group),
    read: (from) => {
      from.int32(); // throttle
      return { errorCode: from.int16() };
    },
  };
}

/** TxnOffsetCommit, api 28; the first error of any partition. */
export function txnOffsetCommitMessage(
  { transactionalId, producerId, producerEpoch }: Transaction,
  group: string,
  offsets: readonly GroupOffset[],
): Message<ErrorAnswer> {
  const topics = [...new Set(offsets.map(({ topic }) => topic))];
  return {
    name: "TxnOffsetCommit",
    apiKey: 28,
    versions: { min: 0, max: 2 },
    write: (to, version) => {
      to.string(transactionalId).string(group).int64(producerId).int16(producerEpoch);
      to.list(topics, (topic) => {
        const ofTopic = offsets.filter((one) => one.topic === topic);
        to.string(topic).list(ofTopic, ({ partition, offset, metadata }) => {
          to.int32(partition).int64(offset);
          if (version >= 2) to.int32(-1); // leader epoch: not told
          to.string(metadata);
        });
      });
    },
    read: (from) => {
      from.int32(); // throttle
      return firstError(readByTopic(from, () => from.int16()));
    },
  };
}

/** EndTxn, api 26. */
export function endTransactionMessage(
  { transactionalId, producerId, producerEpoch }: Transaction,
  commit: boolean,
): Message<ErrorAnswer> {
  return {
    name: "EndTxn",
    apiKey: 26,
    versions: { min: 0, max: 2 },
    write: (to) =>
      void to
        .string(transactionalId)
        .int64(producerId)
        .int16(producerEpoch)
        .int8(commit ? 1 : 0),
    read: (from) => {
      from.int32(); // throttle
      return { errorCode: from.int16() };
    },
  };
}

/** OffsetFetch, api 9: all that the group has committed. */
export function offsetFetchMessage(group: string): Message<ErrorAnswer & { readonly offsets: readonly GroupOffset[] }> {
  return {
    name: "OffsetFetch",
    apiKey: 9,
    versions: { min: 3, max: 5 },
    write: (to) => void to.string(group).int32(-1), // every topic
    read: (from, version) => {
      from.int32(); // throttle
      const rows = readByTopic(from, (topic, partition) => {
        const offset = from.long();
        if (version >= 5) from.int32(); // leader epoch
        const metadata = from.string() ?? "";
        return { errorCode: from.int16(), row: { topic, partition, offset, metadata } };
      });
      const errorCode = from.int16() || (rows.find((one) => one.errorCode !== 0)?.errorCode ?? 0);
      return { errorCode, offsets: rows.map(({ row }) => row).filter(({ offset }) => offset >= 0) };
    },
  };
}

function readByTopic<T>(from: WireReader, read: (topic: string, partition: number) => T): T[] {
  return from
    .list(() => {
      const topic = from.string() ?? "";
      return from.list(() => read(topic, from.int32()));
    })
    .flat();
}

function firstError(codes: readonly number[]): ErrorAnswer {
  return { errorCode: codes.find((code) => code !== 0) ?? 0 };
}
