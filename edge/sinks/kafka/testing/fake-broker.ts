/**
 * A Kafka broker in memory, with the answers that Kafka 4.3.1 gave to an idempotent producer's bytes: the last five
 * batches of a producer are recognised while it runs and only the last one after its restart, a forgotten producer may
 * begin anywhere, epoch + 1 must begin at 0, and so on. The checks are its own; it shares no code with the sink beyond
 * the batch format.
 */

import { AppError } from "../../../../shared/errors/app-error.ts";
import type {
  BrokerNode,
  KafkaLink,
  LogSlice,
  NewTopic,
  PartitionBatch,
  ProduceAnswer,
} from "../../../../shared/kafka/connection/link.ts";
import { errors } from "../../../../shared/kafka/error-codes.ts";
import { crcMatches, readBatchHeader } from "../../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../../shared/kafka/record-batch/records.ts";

interface Producer {
  epoch: number;
  recent: { first: number; last: number; offset: number; timeMs: number }[];
  lastAppendMs: number;
}

interface Partition {
  log: { offset: number; bytes: Buffer; count: number; timeMs: number }[];
  end: number;
  start: number;
  producers: Map<bigint, Producer>;
}

/** What happens to the next Produce request. */
export type Fault = "request_lost" | "answer_lost" | { readonly code: number; readonly appended?: boolean };

export class FakeBroker implements KafkaLink {
  clusterId = "cluster-1";
  logAppendTime = true;
  mayRead = true;
  expirationMs = 86_400_000;
  messageBytesMax = 1_048_588;
  throttleMs = 0;
  connected = false;
  connections = 0;
  readonly asked = "broker:9092";
  /** Taken one by one by Produce requests. */
  faults: Fault[] = [];
  down = false;
  readonly requests: string[] = [];
  private topics = new Map<string, Partition[]>();
  private nextProducerId = 7n;

  /** Its own clock: milliseconds since 1970, and never wrong. */
  timeMs = 1_700_000_000_000;

  addTopic(topic: string, partitions = 1): void {
    this.topics.set(topic, []);
    this.grow(topic, partitions);
  }

  grow(topic: string, partitions: number): void {
    const all = this.topics.get(topic) ?? [];
    while (all.length < partitions) all.push({ log: [], end: 0, start: 0, producers: new Map() });
  }

  get node(): BrokerNode {
    return { clusterId: this.clusterId, nodeId: 1, host: "broker", port: 9092 };
  }

  /** Values of all records in the log, in order. */
  values(topic: string, partition = 0): string[] {
    return this.partition(topic, partition).log.flatMap(({ bytes }) =>
      [...decodeRecords(bytes)].map(({ value }) => `${value}`),
    );
  }

  /** Clean or not: only the last batch of each producer is still recognised. */
  restart(): void {
    for (const partitions of this.topics.values()) {
      for (const { producers } of partitions) {
        for (const producer of producers.values()) producer.recent = producer.recent.slice(-1);
      }
    }
  }

  /** The end of the log is gone, with what was known of it. */
  lose(topic: string, batches: number): void {
    const partition = this.partition(topic, 0);
    for (const lost of partition.log.splice(-batches)) {
      partition.end = lost.offset;
      const { producerId, baseSequence } = readBatchHeader(lost.bytes);
      const producer = partition.producers.get(producerId);
      if (producer === undefined) continue;
      producer.recent = producer.recent.filter(({ first }) => first !== baseSequence);
    }
    // As a broker that reads its log again: the last batch that is there counts.
    partition.producers.clear();
    for (const { bytes, offset, timeMs } of partition.log) {
      const { producerId, producerEpoch, baseSequence, recordCount } = readBatchHeader(bytes);
      const recent = [{ first: baseSequence, last: baseSequence + recordCount - 1, offset, timeMs }];
      partition.producers.set(producerId, { epoch: producerEpoch, recent, lastAppendMs: this.timeMs });
    }
  }

  /** Retention deletes the oldest batches. */
  deleteOldest(topic: string, batches: number): void {
    const partition = this.partition(topic, 0);
    partition.log.splice(0, batches);
    partition.start = partition.log[0]?.offset ?? partition.end;
  }

  wipe(clusterId: string): void {
    this.clusterId = clusterId;
    this.nextProducerId = 7n;
    for (const [topic, partitions] of this.topics) this.addTopic(topic, partitions.length);
  }

  async topic(name: string) {
    this.answer("Metadata");
    const partitions = this.topics.get(name);
    const { node } = this;
    if (partitions === undefined)
      return {
        clusterId: this.clusterId,
        errorCode: 3,
        leaders: [],
        leaderEpochs: [],
        replicas: [],
        askedBroker: "broker:9092",
      };
    return {
      clusterId: this.clusterId,
      errorCode: 0,
      leaders: partitions.map(() => node),
      leaderEpochs: partitions.map(() => -1),
      replicas: partitions.map(() => 1),
      askedBroker: "broker:9092",
    };
  }

  askOthersFirst(_broker: string): void {}

  async ready(node: BrokerNode) {
    if (this.down) throw new AppError("KAFKA_UNREACHABLE", "connect in a test: down");
    this.check(node);
  }

  async produce(node: BrokerNode, batches: readonly PartitionBatch[]): Promise<readonly ProduceAnswer[]> {
    this.answer(`Produce ${batches.length}`);
    this.check(node);
    const fault = this.faults.shift();
    if (fault === "request_lost") throw new AppError("KAFKA_UNREACHABLE", "produce in a test: request lost");
    if (typeof fault === "object" && fault.appended !== true) return batches.map(() => this.error(fault.code));
    const answers = batches.map((batch) => this.append(batch));
    if (fault === "answer_lost") throw new AppError("KAFKA_UNREACHABLE", "produce in a test: answer lost");
    return fault === undefined ? answers : batches.map(() => this.error(fault.code));
  }

  async initProducerId() {
    this.answer("InitProducerId");
    return { errorCode: 0, producerId: this.nextProducerId++, producerEpoch: 0 } as const;
  }

  async describeProducers(_node: BrokerNode, topic: string, partition: number) {
    this.answer("DescribeProducers");
    if (!this.mayRead) return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED };
    this.expire(this.partition(topic, partition));
    const producers = [...this.partition(topic, partition).producers].map(([producerId, { epoch, recent }]) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence: recent.at(-1)?.last ?? -1,
    }));
    return { errorCode: 0 as const, producers };
  }

  async endOffset(_node: BrokerNode, topic: string, partition: number) {
    this.answer("ListOffsets");
    return { errorCode: 0, offset: this.partition(topic, partition).end };
  }

  async readLog(_node: BrokerNode, topic: string, partition: number, offset: number): Promise<LogSlice> {
    this.answer(`Fetch ${offset}`);
    const none = { highWatermark: -1, logStartOffset: -1, bytes: Buffer.alloc(0) };
    if (!this.mayRead) return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, ...none };
    const { log, end, start } = this.partition(topic, partition);
    if (offset > end || offset < start) return { errorCode: 1, ...none };
    const found = log.filter((batch) => batch.offset + batch.count > offset).slice(0, 2);
    return {
      errorCode: 0,
      highWatermark: end,
      logStartOffset: start,
      bytes: Buffer.concat(found.map((each) => each.bytes)),
    };
  }

  async createTopic({ topic, partitions }: NewTopic) {
    this.answer("CreateTopics");
    if (this.topics.has(topic)) return { errorCode: errors.TOPIC_ALREADY_EXISTS, message: undefined };
    this.addTopic(topic, partitions);
    return { errorCode: 0, message: undefined };
  }

  async describeConfigs() {
    this.answer("DescribeConfigs");
    const type = this.logAppendTime ? "LogAppendTime" : "CreateTime";
    return { errorCode: 0, settings: new Map([["message.timestamp.type", type]]) };
  }

  close(): void {
    this.connected = false;
  }

  private append({ topic, partition: index, bytes }: PartitionBatch): ProduceAnswer {
    const partition = this.topics.get(topic)?.[index];
    if (partition === undefined) return this.error(errors.UNKNOWN_TOPIC_OR_PARTITION);
    this.expire(partition);
    const { producerId, producerEpoch, baseSequence, recordCount } = readBatchHeader(bytes);
    if (!crcMatches(bytes)) return this.error(errors.CORRUPT_MESSAGE);
    if (bytes.length > this.messageBytesMax) return this.error(errors.MESSAGE_TOO_LARGE);
    const last = (baseSequence + recordCount - 1) % 2 ** 31;
    const known = partition.producers.get(producerId);
    if (known !== undefined) {
      if (producerEpoch < known.epoch) return this.error(errors.INVALID_PRODUCER_EPOCH);
      const repeat = known.recent.find((each) => each.first === baseSequence && each.last === last);
      if (producerEpoch === known.epoch && repeat !== undefined) return this.taken(repeat.offset, repeat.timeMs, true);
      const follows = ((known.recent.at(-1)?.last ?? -1) + 1) % 2 ** 31;
      const expected = producerEpoch > known.epoch ? 0 : follows;
      if (baseSequence !== expected) return this.error(errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    const offset = partition.end;
    const { timeMs } = this;
    const stored = Buffer.from(bytes);
    stored.writeBigInt64BE(BigInt(offset), 0);
    partition.log.push({ offset, bytes: stored, count: recordCount, timeMs });
    partition.end += recordCount;
    const recent = known?.epoch === producerEpoch ? known.recent : [];
    recent.push({ first: baseSequence, last, offset, timeMs });
    partition.producers.set(producerId, {
      epoch: producerEpoch,
      recent: recent.slice(-5),
      lastAppendMs: this.timeMs,
    });
    return this.taken(offset, timeMs, false);
  }

  private expire(partition: Partition): void {
    for (const [producerId, { lastAppendMs }] of partition.producers) {
      if (this.timeMs - lastAppendMs > this.expirationMs) partition.producers.delete(producerId);
    }
  }

  private taken(baseOffset: number, timeMs: number, repeat: boolean): ProduceAnswer {
    const appendTimeMs = this.logAppendTime || repeat ? timeMs : -1;
    return { errorCode: 0, baseOffset, appendTimeMs, throttleMs: this.throttleMs };
  }

  private error(errorCode: number): ProduceAnswer {
    return { errorCode, baseOffset: -1, appendTimeMs: -1, throttleMs: this.throttleMs };
  }

  private answer(request: string): void {
    if (this.down) throw new AppError("KAFKA_UNREACHABLE", `${request} in a test: down`);
    if (!this.connected) this.connections++;
    this.connected = true;
    this.requests.push(request);
  }

  private check(node: BrokerNode): void {
    if (node.clusterId !== this.clusterId) throw new AppError("KAFKA_CLUSTER_CHANGED", "talk in a test: changed");
  }

  private partition(topic: string, index: number): Partition {
    const partition = this.topics.get(topic)?.[index];
    if (partition === undefined) throw new Error(`no partition ${topic}/${index} in a test`);
    return partition;
  }
}
