/**
 * The one place where we reach into kafkajs 2.2.4: its parser of Fetch responses. kafkajs goes on to do what it is good
 * at (group, metadata, connections, which offset to ask for); the records come to us as the bytes the broker sent.
 * kafkajs's own decoder makes an object per record, checks no CRC, and stops the consumer for ever at a batch that it
 * cannot decompress. For kafkajs a partition's whole answer is now a single "message" whose offset is its last one.
 */
import protocol from "kafkajs/src/protocol/requests";
import { type BatchFrame, splitBatches } from "./decode-batch.ts";

/** A transaction that was rolled back, as the broker lists it for readers of committed records. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** What the broker answered for one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The offset behind the last record that we may read: of open transactions nothing. */
  readonly highWatermark: number;
  /** The offset behind the last record that the log holds. */
  readonly endOffset: number;
  readonly logStartOffset: number | undefined;
  readonly aborted: readonly AbortedTransaction[];
  readonly frames: readonly BatchFrame[];
}

/** Long enough for a busy machine; the broker itself answers within the fetch's wait. */
const requestTimeoutMs = 20_000;

const fetched = new WeakMap<object, FetchedPartition>();
const watchers = new Set<(partition: FetchedPartition) => void>();
let installed = false;

/** Makes kafkajs hand over bytes. Idempotent, for the whole process. */
export function installFetchSeam(): void {
  if (installed) return;
  installed = true;
  const { Fetch } = protocol.requests;
  const original = Fetch.protocol;
  Fetch.protocol = ({ version }) => {
    const create = original({ version });
    if (version < 4) return create;
    return (options) => {
      const { request, response } = create(options);
      return {
        request,
        requestTimeout: requestTimeoutMs,
        response: { decode: async (bytes: Buffer) => decodeResponse(bytes, version), parse: response.parse },
      };
    };
  };
}

/** The partition behind the "message" of a batch that kafkajs handed out. */
export function fetchedPartition(message: object): FetchedPartition | undefined {
  return fetched.get(message);
}

/** Sees every answer, empty ones too: for high watermarks and for knowing that the broker lives. */
export function watchFetches(watcher: (partition: FetchedPartition) => void): Disposable {
  watchers.add(watcher);
  return { [Symbol.dispose]: () => watchers.delete(watcher) };
}

/** Fetch response, versions 4 to 11 (Kafka protocol guide, "Fetch API"). */
function decodeResponse(bytes: Buffer, version: number): object {
  const reader = new ResponseReader(bytes);
  const throttleTime = reader.int32();
  const errorCode = version >= 7 ? reader.int16() : 0;
  const sessionId = version >= 7 ? reader.int32() : 0;
  const responses = reader.array(() => {
    const topicName = reader.string();
    return { topicName, partitions: reader.array(() => partitionOf(reader, topicName, version)) };
  });
  // The broker throttles by muting the connection; kafkajs must not wait a second time (KIP-219).
  return { throttleTime: 0, clientSideThrottleTime: throttleTime, errorCode, sessionId, responses };
}

function partitionOf(reader: ResponseReader, topic: string, version: number): object {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = version >= 5 ? reader.int64() : -1;
  const aborted = reader.array(() => ({ producerId: reader.bigint64(), firstOffset: reader.int64() }));
  const preferredReadReplica = version >= 11 ? reader.int32() : -1;
  const frames = splitBatches(reader.bytes());
  const raw: FetchedPartition = {
    topic,
    partition,
    errorCode,
    // Behind the last stable offset nothing can be read by us: lag that counted it would never reach zero.
    highWatermark: lastStableOffset >= 0 ? Math.min(lastStableOffset, highWatermark) : highWatermark,
    endOffset: highWatermark,
    logStartOffset: logStartOffset >= 0 ? logStartOffset : undefined,
    aborted,
    frames,
  };
  for (const watcher of watchers) watcher(raw);
  const last = frames.at(-1);
  const messages = last === undefined ? [] : [message(raw, last.lastOffset)];
  return {
    partition,
    errorCode,
    highWatermark: String(highWatermark),
    lastStableOffset: String(lastStableOffset),
    lastStartOffset: String(logStartOffset),
    abortedTransactions: [],
    preferredReadReplica,
    messages,
  };
}

function message(raw: FetchedPartition, offset: number): object {
  const stand = { offset: String(offset), key: null, value: null, isControlRecord: false, batchContext: {} };
  fetched.set(stand, raw);
  return stand;
}

class ResponseReader {
  private position = 0;
  constructor(private readonly source: Buffer) {}
  int16(): number {
    return this.source.readInt16BE(this.step(2));
  }
  int32(): number {
    return this.source.readInt32BE(this.step(4));
  }
  bigint64(): bigint {
    return this.source.readBigInt64BE(this.step(8));
  }
  int64(): number {
    return Number(this.bigint64());
  }
  string(): string {
    const length = Math.max(0, this.int16());
    const start = this.step(length);
    return this.source.toString("utf8", start, start + length);
  }
  /** Null is as good as empty. */
  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    const start = this.step(length);
    return this.source.subarray(start, start + length);
  }
  array<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(read());
    return items;
  }
  private step(bytes: number): number {
    const start = this.position;
    this.position += bytes;
    return start;
  }
}
