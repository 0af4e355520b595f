/**
 * The port between the sink and a Kafka client: what the sink asks of one, and no word of any client in it. Every
 * request is on its own: it is answered, or it rejects and nobody knows what became of it. A link never sends anything
 * twice by itself; who asks again, and with what, is the sink's business.
 */

/** A broker as metadata names it, in the cluster that said so. */
export interface BrokerNode {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** What the cluster knows of a topic. */
export interface TopicMetadata {
  readonly clusterId: string;
  /** Kafka's error code for the topic; 0: none, 3: there is no such topic (or we may not see it). */
  readonly errorCode: number;
  /** By partition number; undefined where the partition has no leader now. */
  readonly leaders: readonly (BrokerNode | undefined)[];
  /** Replicas of each partition, by partition number. */
  readonly replicas: readonly number[];
  /** By partition number: how often its leader has changed (KIP-320); -1 where the broker does not say. */
  readonly leaderEpochs: readonly number[];
  /** Who said so: `host:port`. */
  readonly askedBroker: string;
}

/** A stamped record batch for one partition. A request holds a partition at most once. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  /** The end of the batch, where it was made apart from the rest: its signature. */
  readonly trailer?: Buffer | undefined;
}

/** What the leader answered for one partition of a Produce request. */
export interface ProduceAnswer {
  readonly errorCode: number;
  /** Offset of the batch's first record; -1 with an error. Of the copy in the log when the batch was a repeat. */
  readonly baseOffset: number;
  /**
   * Broker's time of the append, milliseconds since 1970; -1 on a topic that keeps the producer's time, unless the
   * batch was a repeat.
   */
  readonly appendTimeMs: number;
  /** How long the broker asks us to be quiet; honouring it is up to the sender. */
  readonly throttleMs: number;
}

/** What the broker knows an idempotent producer by (KIP-98); the epoch tells its lives apart. */
export interface ProducerId {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** A producer that the leader remembers for a partition (KIP-664). */
export interface ActiveProducer extends ProducerId {
  /** Sequence of the last record it appended. */
  readonly lastSequence: number;
}

/** The answer to DescribeProducers: who has appended to a partition and is remembered, or Kafka's error code. */
export type ProducersAnswer =
  | { readonly errorCode: 0; readonly producers: readonly ActiveProducer[] }
  /** Not allowed, not supported by the broker, not the leader, … */
  | { readonly errorCode: number; readonly producers?: undefined };

/** Raw record batches of a partition, as they stand in the log. The last one may be cut off. */
export interface LogSlice {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly bytes: Buffer;
}

/** A topic to be made; settings under the names Kafka gives them. */
export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * A way to a Kafka cluster.
 *
 * Rejections are `AppError`: `KAFKA_UNREACHABLE` (not connected, not answered within the deadline, connection lost: the
 * request may have been carried out), `KAFKA_AUTHENTICATION` (nothing was asked yet), `KAFKA_VERSION` (the broker does not speak the request:
 * nothing was sent), `KAFKA_CLUSTER_CHANGED` (the
 * address answers for another cluster than the node's: nothing was sent).
 */
export interface KafkaLink {
  /** Asks afresh, by way of any broker that answers. A topic that is missing is an answer, not an error; it is not created. */
  topic(name: string): Promise<TopicMetadata>;
  /**
   * What this broker said of the cluster did not hold: all others are asked before it. A leader that was cut off from its
   * cluster names itself for ever.
   */
  askOthersFirst(broker: string): void;
  /**
   * Connects to the node when there is no connection. Answers a number of the connection: while it stays the same, the process that
   * answers is the same. When it rejects, nothing was sent.
   */
  ready(node: BrokerNode): Promise<number>;
  /** acks=all. One answer a batch, in the same order. */
  produce(node: BrokerNode, batches: readonly PartitionBatch[]): Promise<readonly ProduceAnswer[]>;
  /** A producer id that nobody else has, epoch 0. */
  initProducerId(node: BrokerNode): Promise<({ errorCode: 0 } & ProducerId) | { errorCode: number }>;
  /** Needs READ on the topic; error 35 when the broker is older than Kafka 2.8. */
  describeProducers(node: BrokerNode, topic: string, partition: number): Promise<ProducersAnswer>;
  /** The offset that the next record will get; needs DESCRIBE, which WRITE implies. */
  endOffset(node: BrokerNode, topic: string, partition: number): Promise<{ errorCode: number; offset: number }>;
  /** Up to about 1 MiB of the log from `offset` on, hardly waiting for more; needs READ. */
  readLog(node: BrokerNode, topic: string, partition: number, offset: number): Promise<LogSlice>;
  /** Error 36 when it exists already. */
  createTopic(topic: NewTopic): Promise<{ errorCode: number; message: string | undefined }>;
  /** The topic's settings by name; needs DESCRIBE_CONFIGS. */
  describeConfigs(topic: string): Promise<{ errorCode: number; settings: ReadonlyMap<string, string> }>;
  /** Who was asked about the cluster last, `host:port`; undefined before the first question. */
  readonly asked: string | undefined;
  /** Whether a connection stands now. */
  readonly connected: boolean;
  /** Connections opened so far: each one after the first means that something was lost. */
  readonly connections: number;
  /** Ends all connections; what is in flight rejects. */
  close(): void;
}
