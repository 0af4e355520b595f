/**
 * What a consumer of kafkajs is given instead of messages: the bytes that the broker sent. kafkajs goes on to do what it is
 * good at (group, metadata, connections, which offset to ask for). Its own decoder makes an object per record, checks no
 * CRC, and stops the consumer for ever at a batch that it cannot decompress. For kafkajs a partition's whole answer is a
 * single "message" whose offset is its last one.
 *
 * Only clients that ask for it (`createKafka({ fetched })`) are treated so, and each hears its own answers and no other's:
 * kafkajs hands a client's socket factory to every connection pool of that client, and by it the patch of the pool
 * (`installPatches`) knows whose request it sends.
 */
import type { ISocketFactory } from "kafkajs";
import ConnectionPool, { type ProtocolRequest } from "kafkajs/src/network/connectionPool";
import socketFactory from "kafkajs/src/network/socketFactory";
import { type AbortedTransaction, readFetchAnswer } from "../messages/fetch.ts";
import { type BatchFrame, splitBatches } from "../record-batch/frames.ts";
import { WireReader } from "../wire.ts";

/** What the broker answered for one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The offset after the last record that we may read: of open transactions nothing. */
  readonly highWatermark: number;
  /** The offset after the last record that the log holds. */
  readonly endOffset: number;
  readonly logStartOffset: number | undefined;
  readonly aborted: readonly AbortedTransaction[];
  readonly frames: readonly BatchFrame[];
}

/**
 * Told of every answer, empty ones too: for high watermarks and for knowing that the broker lives. True: the consumer is
 * handed this one although it brings no records.
 */
export type FetchListener = (partition: FetchedPartition) => boolean | undefined;

/** How long the broker may wait until there is something to answer with; undefined: as the consumer was made. */
export type FetchWait = () => number | undefined;

/** Long enough for a busy machine; the broker itself answers within the fetch's wait. */
const requestTimeoutMs = 20_000;
const fetchApiKey = 1;
const readableFrom = 4;

/** Where it says how long to wait: after the replica id, in all versions. */
const waitAt = 4;

const listeners = new WeakMap<ISocketFactory, FetchListener>();
const waits = new WeakMap<ISocketFactory, FetchWait>();
const raws = new WeakMap<object, FetchedPartition>();

/** A socket factory for one client, by which its fetches are known as its own. */
export function factoryWithListener(listener: FetchListener, waitMs?: FetchWait): ISocketFactory {
  const factory = socketFactory();
  const own: ISocketFactory = (options) => factory(options);
  listeners.set(own, listener);
  if (waitMs !== undefined) waits.set(own, waitMs);
  return own;
}

/** What stands for the "message" that kafkajs handed out; undefined for a client that did not ask for bytes. */
export function fetchedPartition(message: object): FetchedPartition | undefined {
  return raws.get(message);
}

const send = ConnectionPool.prototype.send;

/** Idempotent; clients without a listener send as ever. */
export function installRawFetch(): void {
  ConnectionPool.prototype.send = sendOrFetchRaw;
}

async function sendOrFetchRaw(this: ConnectionPool, prepared: ProtocolRequest): Promise<unknown> {
  const { apiKey, apiVersion } = prepared.request;
  const listener = apiKey === fetchApiKey && apiVersion >= readableFrom ? listeners.get(this.socketFactory) : undefined;
  if (listener === undefined) return await send.call(this, prepared);
  const decode = async (bytes: Buffer) => decodeAnswer(bytes, apiVersion, listener);
  const encode = async () => {
    const encoded = await prepared.request.encode();
    const waitMs = waits.get(this.socketFactory)?.();
    if (waitMs !== undefined) encoded.buffer.writeInt32BE(waitMs, waitAt);
    return encoded;
  };
  return await send.call(this, {
    ...prepared,
    request: { ...prepared.request, encode },
    requestTimeout: requestTimeoutMs,
    response: { ...prepared.response, decode },
  });
}

/** In kafkajs's own words, since it reads on. */
function decodeAnswer(bytes: Buffer, version: number, listener: FetchListener): object {
  const { throttleMs, errorCode, sessionId, topics } = readFetchAnswer(new WireReader(bytes), version);
  const responses = topics.map(({ topic, partitions }) => ({
    topicName: topic,
    partitions: partitions.map(({ records, ...answer }) => {
      const { partition, highWatermark, lastStableOffset, logStartOffset, preferredReadReplica } = answer;
      const frames = splitBatches(records);
      const raw: FetchedPartition = {
        topic,
        partition,
        errorCode: answer.errorCode,
        // Behind the last stable offset nothing can be read by us: lag that counted it would never reach zero.
        highWatermark: lastStableOffset >= 0 ? Math.min(lastStableOffset, highWatermark) : highWatermark,
        endOffset: highWatermark,
        logStartOffset: logStartOffset >= 0 ? logStartOffset : undefined,
        aborted: answer.aborted,
        frames,
      };
      const wanted = listener(raw) === true && answer.errorCode === 0;
      // Never before what was asked for: kafkajs would drop it, and step over an offset.
      const lastOffset = frames.at(-1)?.lastOffset ?? (wanted ? Number.MAX_SAFE_INTEGER : undefined);
      return {
        partition,
        errorCode: answer.errorCode,
        highWatermark: String(highWatermark),
        lastStableOffset: String(lastStableOffset),
        lastStartOffset: String(logStartOffset),
        abortedTransactions: [],
        preferredReadReplica,
        messages: lastOffset === undefined ? [] : [standIn(raw, lastOffset)],
      };
    }),
  }));
  // The broker throttles by muting the connection; kafkajs must not wait a second time (KIP-219).
  return { throttleTime: 0, clientSideThrottleTime: throttleMs, errorCode, sessionId, responses };
}

function standIn(raw: FetchedPartition, offset: number): object {
  const message = { offset: String(offset), key: null, value: null, isControlRecord: false, batchContext: {} };
  raws.set(message, raw);
  return message;
}
