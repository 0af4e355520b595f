import type { LogSlice } from "../connection/link.ts";
import type { Message } from "../message.ts";
import type { WireReader } from "../wire.ts";

/** A transaction that was rolled back, as the broker lists it for readers of committed records. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** What a broker answers to Fetch for one partition; offsets that it does not name are -1. */
export interface FetchPartitionAnswer {
  readonly partition: number;
  readonly errorCode: number;
  /** The offset after the last record that all in-sync replicas have. */
  readonly highWatermark: number;
  /** The offset after the last record that a reader of committed records may see. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly preferredReadReplica: number;
  /** Record batches as they stand in the log; the last one may be cut off. A slice of the answer, not a copy. */
  readonly records: Buffer;
}

/** What a broker answers to Fetch. */
export interface FetchAnswer {
  readonly throttleMs: number;
  /** Of the whole request. */
  readonly errorCode: number;
  readonly sessionId: number;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly FetchPartitionAnswer[] }[];
}

/** Reads the body of a Fetch response, versions 4 to 11 (Kafka protocol guide, "Fetch API"). */
export function readFetchAnswer(from: WireReader, version: number): FetchAnswer {
  const throttleMs = from.int32();
  const errorCode = version >= 7 ? from.int16() : 0;
  const sessionId = version >= 7 ? from.int32() : 0;
  const topics = from.list(() => ({
    topic: from.string() ?? "",
    partitions: from.list(() => readPartition(from, version)),
  }));
  return { throttleMs, errorCode, sessionId, topics };
}

function readPartition(from: WireReader, version: number): FetchPartitionAnswer {
  return {
    partition: from.int32(),
    errorCode: from.int16(),
    highWatermark: from.long(),
    lastStableOffset: from.long(),
    logStartOffset: version >= 5 ? from.long() : -1,
    aborted: from.list(() => ({ producerId: from.int64(), firstOffset: from.long() })), // null reads as none
    preferredReadReplica: version >= 11 ? from.int32() : -1,
    records: from.bytes(),
  };
}

/**
 * Fetch of one partition as a reader of committed records, no session. Half a second of waiting is what an empty answer
 * costs. Undefined: the answer leaves the partition out; `errorCode` then says why.
 */
export function fetchCommittedMessage(
  topic: string,
  partition: number,
  offset: number,
  bytesMax: number,
): Message<{ readonly errorCode: number; readonly answer: FetchPartitionAnswer | undefined }> {
  return {
    name: "Fetch",
    apiKey: 1,
    versions: { min: 10, max: 11 },
    write: (to, version) => {
      to.int32(-1).int32(committedWaitMsMax).int32(1).int32(bytesMax).int8(1).int32(0).int32(-1);
      to.list([topic], (name) =>
        to.string(name).list([partition], (index) => to.int32(index).int32(-1).int64(offset).int64(-1).int32(bytesMax)),
      );
      to.int32(0); // nothing forgotten
      if (version >= 11) to.string("");
    },
    read: (from, version) => {
      const { errorCode, topics } = readFetchAnswer(from, version);
      return { errorCode, answer: topics.flatMap(({ partitions }) => partitions)[0] };
    },
  };
}

const committedWaitMsMax = 500;
const sliceBytesMax = 1024 * 1024;
/** Kafka answers at once when it has something; Tansu hands nothing at all to somebody who does not wait. */
const waitMsMax = 50;

/** Fetch, api 1, of one partition, no session. Version 10 is the first that hands out zstd, 11 names a rack. */
export function readLogMessage(topic: string, partition: number, offset: number): Message<LogSlice> {
  return {
    name: "Fetch",
    apiKey: 1,
    versions: { min: 10, max: 11 },
    write: (to, version) => {
      to.int32(-1).int32(waitMsMax).int32(1).int32(sliceBytesMax).int8(0).int32(0).int32(-1);
      to.list([topic], (name) =>
        to
          .string(name)
          .list([partition], (index) => to.int32(index).int32(-1).int64(offset).int64(-1).int32(sliceBytesMax)),
      );
      to.int32(0); // nothing forgotten
      if (version >= 11) to.string(""); // no rack: the leader itself is asked
    },
    read: (from, version) => {
      const { errorCode, topics } = readFetchAnswer(from, version);
      const [slice] = topics.flatMap(({ partitions }) => partitions);
      if (slice === undefined) return { errorCode, highWatermark: -1, logStartOffset: -1, bytes: Buffer.alloc(0) };
      const { highWatermark, logStartOffset, records } = slice;
      return { errorCode: slice.errorCode, highWatermark, logStartOffset, bytes: records };
    },
  };
}
