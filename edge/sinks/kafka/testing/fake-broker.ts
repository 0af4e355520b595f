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
  /** What the leader has: with an uncommitted tail from `highWatermark` on while the followers do not follow. */
  log: { offset: number; bytes: Buffer; count: number; timeMs: number; foreign?: boolean }[];
  end: number;
  start: number;
  highWatermark: number;
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
  faults: (Fault | undefined)[] = [];
  down = false;
  /** Off: followers do not follow. The leader appends, commits nothing and answers 7, to a recognised repeat as well. */
  replicating = true;
  /** Node id of the leader of all partitions. */
  leader = 1;
  /** With the producer's time: what lies more than an hour ahead is refused (message.timestamp.after.max.ms). */
  refusesFuture = false;
  /** A repeat is answered with 46, as by brokers that are not Apache's. */
  saysDuplicate = false;
  /** An epoch that it did not give out itself is refused, as by Tansu. */
  refusesSteps = false;
  /** A producer that it does not know has to ask for an id: 59. */
  wantsKnown = false;
  /** DescribeProducers: Kafka before 2.8 and some others do not know it. */
  describes = true;
  /** Answers to the next requests for a producer id. */
  producerIdErrors: number[] = [];
  readonly requests: string[] = [];
  private topics = new Map<string, Partition[]>();
  private nextProducerId = 7n;
  private readonly given = new Set<bigint>();

  /** Its own clock: milliseconds since 1970, and never wrong. */
  timeMs = 1_700_000_000_000;

  addTopic(topic: string, partitions = 1): void {
    this.topics.set(topic, []);
    this.grow(topic, partitions);
  }

  grow(topic: string, partitions: number): void {
    const all = this.topics.get(topic) ?? [];
    while (all.length < partitions) all.push({ log: [], end: 0, start: 0, highWatermark: 0, producers: new Map() });
  }

  get node(): BrokerNode {
    return { clusterId: this.clusterId, nodeId: this.leader, host: "broker", port: 9092 };
  }

  /** All batches in the log as they were sent. */
  batches(topic: string, partition = 0): Buffer[] {
    return this.partition(topic, partition)
      .log.filter(({ foreign }) => foreign !== true)
      .map(({ bytes }) => bytes);
  }

  /** Values of all records in the log, in order. */
  values(topic: string, partition = 0): string[] {
    return this.partition(topic, partition)
      .log.filter(({ foreign }) => foreign !== true)
      .flatMap(({ bytes }) => [...decodeRecords(bytes)].map(({ value }) => `${value}`));
  }

  /** The same of what is committed. */
  committed(topic: string): string[] {
    const { highWatermark, log } = this.partition(topic, 0);
    const records = log.filter(({ foreign }) => foreign !== true).reduce((sum, { count }) => sum + count, 0);
    const open = log.filter(({ offset, foreign }) => offset >= highWatermark && foreign !== true);
    return this.values(topic).slice(0, records - open.reduce((sum, { count }) => sum + count, 0));
  }

  /** The followers follow again: all that the leader has is committed. */
  catchUp(): void {
    this.replicating = true;
    for (const partition of [...this.topics.values()].flat()) partition.highWatermark = partition.end;
  }

  /**
   * Another broker leads: a clean election, so that the uncommitted tail is gone and nothing else; it knows of producers
   * what its own log says. `keep`: an unclean one, that many of the batches are left.
   */
  elect(keep = Number.POSITIVE_INFINITY): void {
    this.leader++;
    this.replicating = true;
    for (const partition of [...this.topics.values()].flat()) {
      const { log, highWatermark } = partition;
      partition.log = log.filter(({ offset, count }) => offset + count <= highWatermark).slice(0, keep);
      const last = partition.log.at(-1);
      partition.end = last === undefined ? (keep === 0 ? 0 : partition.start) : last.offset + last.count;
      if (keep === 0) partition.start = 0;
      partition.highWatermark = partition.end;
      this.readAgain(partition);
    }
  }

  /** As after an expiry that came earlier than we were told. */
  forgetProducers(): void {
    this.given.clear();
    for (const { producers } of [...this.topics.values()].flat()) producers.clear();
  }

  /** Somebody else writes into the partition. */
  writeForeign(topic: string, count: number): void {
    const partition = this.partition(topic, 0);
    const bytes = Buffer.alloc(61);
    bytes.writeBigInt64BE(BigInt(partition.end), 0);
    bytes.writeInt32BE(49, 8);
    bytes.writeInt8(2, 16);
    bytes.writeInt32BE(count - 1, 23);
    bytes.writeBigInt64BE(-1n, 43);
    partition.log.push({ offset: partition.end, bytes, count, timeMs: this.timeMs, foreign: true });
    partition.end += count;
    if (this.replicating) partition.highWatermark = partition.end;
  }

  /** Somebody else has written under our producer, so many epochs later. */
  takeOver(topic: string, epochs: number): void {
    for (const producer of this.partition(topic, 0).producers.values()) producer.epoch += epochs;
  }

  /** Clean or not: only the last batch of each producer is still recognised. */
  restart(): void {
    this.connected = false;
    for (const partitions of this.topics.values()) {
      for (const { producers } of partitions) {
        for (const producer of producers.values()) producer.recent = producer.recent.slice(-1);
      }
    }
  }

  /** The end of the log is gone, with what was known of it. */
  lose(topic: string, batches: number): void {
    const partition = this.partition(topic, 0);
    for (const lost of partition.log.splice(-batches)) partition.end = lost.offset;
    partition.highWatermark = partition.end;
    this.readAgain(partition);
  }

  /** As a broker that reads its log again: of each producer the last batch that is there counts. */
  private readAgain(partition: Partition): void {
    partition.producers.clear();
    for (const { bytes, offset, timeMs } of partition.log) {
      const { producerId, producerEpoch, baseSequence, recordCount } = readBatchHeader(bytes);
      if (producerId < 0n) continue;
      const recent = [{ first: baseSequence, last: baseSequence + recordCount - 1, offset, timeMs }];
      partition.producers.set(producerId, { epoch: producerEpoch, recent, lastAppendMs: timeMs });
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
    this.connect();
    return this.connections;
  }

  async produce(node: BrokerNode, batches: readonly PartitionBatch[]): Promise<readonly ProduceAnswer[]> {
    this.answer(`Produce ${batches.length}`);
    this.check(node);
    const fault = this.faults.shift();
    if (fault === "request_lost" || fault === "answer_lost") this.connected = false;
    if (fault === "request_lost") throw new AppError("KAFKA_UNREACHABLE", "produce in a test: request lost");
    if (typeof fault === "object" && fault.appended !== true) return batches.map(() => this.error(fault.code));
    if (node.nodeId !== this.leader) return batches.map(() => this.error(errors.NOT_LEADER_OR_FOLLOWER));
    const answers = batches.map((batch) => this.append(batch));
    if (fault === "answer_lost") throw new AppError("KAFKA_UNREACHABLE", "produce in a test: answer lost");
    return fault === undefined ? answers : batches.map(() => this.error(fault.code));
  }

  async initProducerId() {
    this.answer("InitProducerId");
    const errorCode = this.producerIdErrors.shift();
    if (errorCode !== undefined) return { errorCode };
    this.given.add(this.nextProducerId);
    return { errorCode: 0, producerId: this.nextProducerId++, producerEpoch: 0 } as const;
  }

  async describeProducers(node: BrokerNode, topic: string, partition: number) {
    this.answer("DescribeProducers");
    if (node.nodeId !== this.leader) return { errorCode: errors.NOT_LEADER_OR_FOLLOWER };
    if (!this.describes) return { errorCode: errors.UNSUPPORTED_VERSION };
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
    return { errorCode: 0, offset: this.partition(topic, partition).highWatermark };
  }

  async readLog(node: BrokerNode, topic: string, partition: number, offset: number): Promise<LogSlice> {
    this.answer(`Fetch ${offset}`);
    const none = { highWatermark: -1, logStartOffset: -1, bytes: Buffer.alloc(0) };
    if (!this.mayRead) return { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, ...none };
    if (node.nodeId !== this.leader) return { errorCode: errors.NOT_LEADER_OR_FOLLOWER, ...none };
    const { log, end, start, highWatermark } = this.partition(topic, partition);
    if (offset > end || offset < start) return { errorCode: 1, ...none };
    const committed = log.filter((batch) => batch.offset + batch.count <= highWatermark);
    const found = committed.filter((batch) => batch.offset + batch.count > offset).slice(0, 2);
    return {
      errorCode: 0,
      highWatermark,
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

  private append({ topic, partition: index, bytes: most, trailer }: PartitionBatch): ProduceAnswer {
    const bytes = trailer === undefined ? most : Buffer.concat([most, trailer]);
    const partition = this.topics.get(topic)?.[index];
    if (partition === undefined) return this.error(errors.UNKNOWN_TOPIC_OR_PARTITION);
    this.expire(partition);
    const { producerId, producerEpoch, baseSequence, recordCount } = readBatchHeader(bytes);
    if (!crcMatches(bytes)) return this.error(errors.CORRUPT_MESSAGE);
    const { maxTimestampMs } = readBatchHeader(bytes);
    if (this.refusesFuture && !this.logAppendTime && maxTimestampMs > this.timeMs + 3_600_000) {
      return this.error(errors.INVALID_TIMESTAMP);
    }
    if (bytes.length > this.messageBytesMax) return this.error(errors.MESSAGE_TOO_LARGE);
    const last = (baseSequence + recordCount - 1) % 2 ** 31;
    if (this.wantsKnown && !this.given.has(producerId)) return this.error(errors.UNKNOWN_PRODUCER_ID);
    if (this.refusesSteps && producerEpoch > 0) return this.error(errors.PRODUCER_FENCED);
    // A batch of no producer is appended as it comes, and nothing is remembered of it.
    const known = producerId < 0n ? undefined : partition.producers.get(producerId);
    if (known !== undefined) {
      if (producerEpoch < known.epoch) return this.error(errors.INVALID_PRODUCER_EPOCH);
      const repeat = known.recent.find((each) => each.first === baseSequence && each.last === last);
      if (producerEpoch === known.epoch && repeat !== undefined) {
        if (this.saysDuplicate) return this.error(errors.DUPLICATE_SEQUENCE_NUMBER);
        // A recognised repeat waits for the high watermark like any other (DelayedProduce).
        if (this.replicating) return this.taken(repeat.offset, repeat.timeMs, true);
        return this.error(errors.REQUEST_TIMED_OUT);
      }
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
    const remembered = { epoch: producerEpoch, recent: recent.slice(-5), lastAppendMs: this.timeMs };
    if (producerId >= 0n) partition.producers.set(producerId, remembered);
    if (!this.replicating) return this.error(errors.REQUEST_TIMED_OUT);
    partition.highWatermark = partition.end;
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
    this.connect();
    this.requests.push(request);
  }

  private connect(): void {
    if (!this.connected) this.connections++;
    this.connected = true;
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
