/**
 * `KafkaLink` over kafkajs. One connection a broker, opened when somebody asks and again after it ended; nothing is kept
 * across connections, so that a stuck client is always rebuilt from zero, its host name looked up again.
 */
import { AppError } from "../../errors/app-error.ts";
import type { Random } from "../../random/random.ts";
import type { Report } from "../../telemetry/log.ts";
import { errors } from "../error-codes.ts";
import type { Message } from "../message.ts";
import { endOffsetMessage, readLogMessage } from "../messages/log.ts";
import { metadataMessage } from "../messages/metadata.ts";
import { produceMessage } from "../messages/produce.ts";
import { describeProducersMessage, initProducerIdMessage } from "../messages/producers.ts";
import { createTopicMessage, describeConfigsMessage } from "../messages/topics.ts";
import { type Address, BrokerConnection, type ConnectionOptions } from "./broker-connection.ts";
import { createKafka, type KafkaConnection } from "./client.ts";
import type { BrokerNode, KafkaLink, NewTopic, PartitionBatch } from "./link.ts";

/** Which cluster, how long to wait (milliseconds), and in whose name the log speaks. */
export interface LinkOptions extends KafkaConnection {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly report: Report;
  readonly component: string;
  readonly random: Random;
}

/** Connects to nothing before the first question. */
export function createKafkajsLink(options: LinkOptions): KafkaLink {
  return new KafkajsLink(options);
}

class KafkajsLink implements KafkaLink {
  connections = 0;
  private readonly open = new Map<string, Promise<BrokerConnection>>();
  private readonly alive = new Set<BrokerConnection>();
  private readonly seeds: readonly Address[];
  private readonly connectionOptions: ConnectionOptions;
  private seedNext: number;
  private closed = false;

  constructor(private readonly options: LinkOptions) {
    this.seeds = options.brokers.map(parseAddress);
    this.seedNext = Math.floor(options.random.next() * this.seeds.length);
    this.connectionOptions = { ...options, logger: createKafka(options).logger() };
  }

  get connected(): boolean {
    return [...this.alive].some((connection) => connection.alive);
  }

  async topic(name: string) {
    const connection = await this.any();
    const { topic } = await connection.send(metadataMessage(name));
    if (topic === undefined) throw new AppError("KAFKA_UNREACHABLE", `ask for topic ${name}: the answer leaves it out`);
    return topic;
  }

  async ready(node: BrokerNode) {
    await this.connect(node);
  }

  async produce(node: BrokerNode, batches: readonly PartitionBatch[]) {
    // The leader gives up on its replicas before we give up on it: an answer is worth more than silence.
    const timeoutMs = Math.max(1_000, this.options.requestTimeoutMs - 1_000);
    return await this.ask(node, produceMessage(batches, timeoutMs));
  }

  async initProducerId(node: BrokerNode) {
    return await this.ask(node, initProducerIdMessage);
  }

  async describeProducers(node: BrokerNode, topic: string, partition: number) {
    const message = describeProducersMessage(topic, partition);
    const connection = await this.connect(node);
    if (!connection.supports(message)) return { errorCode: errors.UNSUPPORTED_VERSION };
    return await connection.send(message);
  }

  async endOffset(node: BrokerNode, topic: string, partition: number) {
    return await this.ask(node, endOffsetMessage(topic, partition));
  }

  async readLog(node: BrokerNode, topic: string, partition: number, offset: number) {
    return await this.ask(node, readLogMessage(topic, partition, offset));
  }

  async createTopic(topic: NewTopic) {
    const { controller } = (await this.any()).cluster;
    if (controller === undefined) throw new AppError("KAFKA_UNREACHABLE", `create topic ${topic.topic}: no controller`);
    return await this.ask(controller, createTopicMessage(topic));
  }

  async describeConfigs(topic: string) {
    return await (await this.any()).send(describeConfigsMessage(topic));
  }

  close(): void {
    this.closed = true;
    for (const connection of this.alive) connection.destroy(this.closedError());
    this.alive.clear();
    this.open.clear();
  }

  private async ask<Answer>(node: BrokerNode, message: Message<Answer>): Promise<Answer> {
    return await (await this.connect(node)).send(message);
  }

  /** A connection to this node of this cluster and no other. */
  private async connect(node: BrokerNode): Promise<BrokerConnection> {
    const connection = await this.at(node);
    const { clusterId } = connection.cluster;
    if (clusterId !== node.clusterId) {
      throw new AppError(
        "KAFKA_CLUSTER_CHANGED",
        `talk to Kafka cluster ${node.clusterId}: ${node.host}:${node.port} is cluster ${clusterId} now`,
      );
    }
    return connection;
  }

  /** Whoever answers: a connection that stands, else the seeds in turn. */
  private async any(): Promise<BrokerConnection> {
    for (const connection of this.alive) if (connection.alive) return connection;
    let last: unknown;
    for (let tried = 0; tried < this.seeds.length; tried++) {
      const seed = this.seeds[this.seedNext++ % this.seeds.length];
      if (seed === undefined) break;
      try {
        return await this.at(seed);
      } catch (thrown) {
        last = thrown;
      }
    }
    throw last ?? this.closedError();
  }

  /** The connection to an address; callers at the same time share one attempt. */
  private async at(address: Address): Promise<BrokerConnection> {
    if (this.closed) throw this.closedError();
    const key = `${address.host}:${address.port}`;
    const pending = this.open.get(key);
    if (pending !== undefined) {
      const connection = await pending;
      if (connection.alive) return connection;
      this.alive.delete(connection);
      if (this.open.get(key) === pending) this.open.delete(key);
      return await this.at(address);
    }
    const attempt = BrokerConnection.open(address, this.connectionOptions);
    this.open.set(key, attempt);
    try {
      const connection = await attempt;
      this.connections++;
      if (this.closed) connection.destroy(this.closedError());
      else this.alive.add(connection);
      return connection;
    } catch (thrown) {
      if (this.open.get(key) === attempt) this.open.delete(key);
      throw thrown;
    }
  }

  private closedError(): AppError {
    return new AppError("KAFKA_UNREACHABLE", "talk to Kafka: the client is closed");
  }
}

/** `host:port`; an IPv6 host stands in brackets. The config has checked it. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(text.slice(colon + 1)) };
}
