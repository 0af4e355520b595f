/**
 * `KafkaLink` over kafkajs. One connection a broker, opened when somebody asks and again after it ended; nothing is kept
 * across connections, so that a stuck client is always rebuilt from zero, its host name looked up again.
 */

import { type Address, formatAddress, parseAddress } from "../../config/address.ts";
import { AppError } from "../../errors/app-error.ts";
import type { Random } from "../../random/random.ts";
import type { Report } from "../../telemetry/log.ts";
import { errors } from "../error-codes.ts";
import type { Message } from "../message.ts";
import { createTopicMessage } from "../messages/create-topics.ts";
import { describeConfigsMessage } from "../messages/describe-configs.ts";
import { describeProducersMessage } from "../messages/describe-producers.ts";
import { readLogMessage } from "../messages/fetch.ts";
import { initProducerIdMessage } from "../messages/init-producer-id.ts";
import { endOffsetMessage } from "../messages/list-offsets.ts";
import { metadataMessage } from "../messages/metadata.ts";
import { produceMessage } from "../messages/produce.ts";
import { BrokerConnection, type ConnectionOptions } from "./broker-connection.ts";
import { BrokerOrder } from "./broker-order.ts";
import { createKafka, type KafkaConnection } from "./client.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import type { BrokerNode, KafkaLink, NewTopic, PartitionBatch } from "./link.ts";

/** Which cluster, how long to wait (milliseconds), and in whose name the log speaks. */
export interface LinkOptions extends KafkaConnection {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly report: Report;
  readonly component: string;
  readonly random: Random;
}

/** A link that takes every message, for those who speak more of the protocol than the port names. */
export interface AskingLink extends KafkaLink {
  /** To this node of this cluster and no other. */
  ask<Answer>(node: BrokerNode, message: Message<Answer>): Promise<Answer>;
  /** What any broker can answer. */
  askAnyone<Answer>(message: Message<Answer>): Promise<Answer>;
}

/** Connects to nothing before the first question. */
export function createKafkajsLink(options: LinkOptions): AskingLink {
  return new KafkajsLink(options);
}

/** How many brokers one question may go to before it fails; the next question begins with those not tried. */
const triesMin = 3;

class KafkajsLink implements AskingLink {
  connections = 0;
  asked: string | undefined;
  private readonly open = new Map<string, Promise<BrokerConnection>>();
  private readonly alive = new Set<BrokerConnection>();
  private readonly numbers = new WeakMap<BrokerConnection, number>();
  private readonly order: BrokerOrder;
  private readonly epochs = new LeaderEpochs();
  private readonly connectionOptions: ConnectionOptions;
  private closed = false;

  constructor(private readonly options: LinkOptions) {
    const seeds = options.brokers.map(parseAddress);
    this.order = new BrokerOrder(seeds, Math.floor(options.random.next() * seeds.length));
    this.connectionOptions = { ...options, logger: createKafka(options).logger() };
  }

  get connected(): boolean {
    return [...this.alive].some((connection) => connection.alive);
  }

  async topic(name: string) {
    for (let others = this.order.brokers.length - 1; ; others--) {
      const { broker, answer } = await this.askAny(metadataMessage(name));
      this.order.learn(answer.nodes);
      const { topic } = answer;
      if (topic !== undefined && (others <= 0 || !this.epochs.outdated(name, topic))) {
        this.epochs.note(name, topic);
        return { ...topic, askedBroker: formatAddress(broker) };
      }
      this.order.last(broker);
      if (topic === undefined) {
        throw new AppError("KAFKA_UNREACHABLE", `ask for topic ${name}: the answer leaves it out`);
      }
    }
  }

  askOthersFirst(broker: string): void {
    this.order.last(parseAddress(broker));
  }

  async ready(node: BrokerNode) {
    return this.numbers.get(await this.connect(node)) ?? 0;
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
    const { controller } = (await this.askAny(metadataMessage(undefined))).answer;
    if (controller === undefined) throw new AppError("KAFKA_UNREACHABLE", `create topic ${topic.topic}: no controller`);
    return await this.ask(controller, createTopicMessage(topic));
  }

  async describeConfigs(topic: string) {
    return (await this.askAny(describeConfigsMessage(topic))).answer;
  }

  close(): void {
    this.closed = true;
    for (const connection of this.alive) connection.destroy(this.closedError());
    this.alive.clear();
    this.open.clear();
  }

  async askAnyone<Answer>(message: Message<Answer>): Promise<Answer> {
    return (await this.askAny(message)).answer;
  }

  async ask<Answer>(node: BrokerNode, message: Message<Answer>): Promise<Answer> {
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

  /** What any broker can answer. Whoever does not answer is asked last from then on. */
  private async askAny<Answer>(message: Message<Answer>): Promise<{ broker: Address; answer: Answer }> {
    const { broker, connection } = await this.any();
    this.asked = formatAddress(broker);
    try {
      return { broker, answer: await connection.send(message) };
    } catch (thrown) {
      this.order.last(broker);
      throw thrown;
    }
  }

  /** The first of the line that can be reached. */
  private async any(): Promise<{ broker: Address; connection: BrokerConnection }> {
    const { brokers } = this.order;
    let last: unknown;
    for (const broker of brokers.slice(0, Math.max(triesMin, this.options.brokers.length))) {
      try {
        return { broker, connection: await this.at(broker) };
      } catch (thrown) {
        last = thrown;
        this.order.last(broker);
      }
    }
    throw last ?? this.closedError();
  }

  /** The connection to an address; callers at the same time share one attempt. */
  private async at(address: Address): Promise<BrokerConnection> {
    if (this.closed) throw this.closedError();
    const key = formatAddress(address);
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
      this.numbers.set(connection, this.connections);
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
