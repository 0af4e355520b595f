/**
 * Tries a cluster as the sink would use it: every broker of the config, with its TLS and its login; each topic that can
 * be known beforehand, with the permission to write; and the brokers that lead it, under the addresses that the cluster
 * gives out (`advertised.listeners`), which are the ones that batches will go to. Only questions are asked.
 */

import { type Address, formatAddress, parseAddress } from "../../../shared/config/address.ts";
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { BrokerConnection } from "../../../shared/kafka/connection/broker-connection.ts";
import { createKafka } from "../../../shared/kafka/connection/client.ts";
import { explainSilence } from "../../../shared/kafka/connection/connect-error.ts";
import type { LinkOptions } from "../../../shared/kafka/connection/kafkajs-link.ts";
import type { BrokerNode, NewTopic } from "../../../shared/kafka/connection/link.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import type { Message } from "../../../shared/kafka/message.ts";
import { createTopicMessage } from "../../../shared/kafka/messages/create-topics.ts";
import { metadataMessage } from "../../../shared/kafka/messages/metadata.ts";
import type { Finding } from "../../core/sink.ts";
import { codes } from "./codes.ts";
import type { Config } from "./config.ts";
import { parseTopicPattern } from "./layout.ts";
import { refusal } from "./refusal.ts";
import { type TopicAccess, topicAccess } from "./topic-access.ts";

/** However patient the sink is: somebody waits for the answer. */
const stepMsMax = 5_000;

/** Looks at all of it; what comes too late for the signal is a finding too. */
export async function probeCluster(config: Config, link: LinkOptions, signal: AbortSignal): Promise<Finding[]> {
  const probe = new Probe(config, link);
  const abort = () => probe.close(new AppError("KAFKA_UNREACHABLE", "talk to Kafka: the time to try it is over"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    const brokers = await Promise.all(config.brokers.map((broker) => probe.broker(parseAddress(broker))));
    const topics: Finding[] = [];
    if (probe.answers) for (const topic of topicsOf(config)) topics.push(...(await probe.topic(topic)));
    return [...brokers, ...topics];
  } finally {
    signal.removeEventListener("abort", abort);
    abort();
  }
}

/** The topics that do not depend on events. */
function topicsOf({ topic, topicDefault }: Config): readonly string[] {
  const pattern = parseTopicPattern(topic);
  const fixed = pattern.ok && pattern.pieces.every((piece) => "text" in piece);
  return [...new Set([...(fixed ? [topic] : []), ...(topicDefault === undefined ? [] : [topicDefault])])];
}

class Probe {
  private readonly connections = new Map<string, Promise<BrokerConnection>>();
  private readonly open: BrokerConnection[] = [];
  private over: AppError | undefined;
  private readonly ended = Promise.withResolvers<never>();

  constructor(
    private readonly config: Config,
    private readonly link: LinkOptions,
  ) {
    this.ended.promise.catch(() => {}); // Only who waits for a connection is told.
  }

  /** Whether somebody can be asked about topics. */
  get answers(): boolean {
    return this.open.length > 0;
  }

  async broker(address: Address, leads?: string): Promise<Finding> {
    const at = formatAddress(address);
    const what = leads === undefined ? at : `${at} (leads ${leads})`;
    try {
      await this.connect(address);
      return { what, says: `answers${securityOf(this.config)}` };
    } catch (thrown) {
      return { what, error: this.explain(thrown, leads !== undefined) };
    }
  }

  async topic(topic: string): Promise<readonly Finding[]> {
    const what = `topic ${topic}`;
    try {
      const access = await this.askAccess(topic);
      if (access.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) {
        return [{ what, says: await this.missing(topic, access.controller) }];
      }
      checkAccess(topic, access);
      const { partitions, leaders } = access;
      const unknown = leaders.filter((leader) => !this.connections.has(formatAddress(leader)));
      const found = await Promise.all(unknown.map((leader) => this.broker(leader, topic)));
      return [{ what, says: `${partitions} partition${partitions === 1 ? "" : "s"}, may be written to` }, ...found];
    } catch (thrown) {
      return [{ what, error: errorOf(thrown) }];
    }
  }

  close(error: AppError): void {
    this.over ??= error;
    this.ended.reject(error);
    for (const connection of this.open) connection.destroy(this.over);
  }

  private async askAccess(topic: string): Promise<TopicAccess> {
    const connection = this.anyone(`ask for topic ${topic}`);
    return topicAccess(await connection.send(metadataMessage(topic, { operations: true })));
  }

  /** The words for a topic that the sink would make. @throws AppError when it would not, or could not. */
  private async missing(topic: string, controller: BrokerNode | undefined): Promise<string> {
    const planned = plannedTopic(topic, this.config);
    if (planned === undefined) {
      const hint = "Create it before events come (they are held meanwhile), or let the sink do so: `createTopic`.";
      throw new AppError("KAFKA_TOPIC_MISSING", `ask for topic ${topic}: there is none, and no createTopic`, { hint });
    }
    const { errorCode, message } = await this.ask(controller, createTopicMessage(planned, { validateOnly: true }));
    if (errorCode === errors.NONE) return `missing; createTopic makes it, with ${planned.partitions} partitions`;
    const refused =
      errorCode === errors.TOPIC_AUTHORIZATION_FAILED || errorCode === errors.CLUSTER_AUTHORIZATION_FAILED;
    const said = `try to create topic ${topic}: ${errorName(errorCode)}${message === undefined ? "" : `: ${message}`}`;
    if (!refused) throw new AppError("KAFKA_TOPIC_MISSING", said, { hint: "Correct `createTopic`, or create it." });
    const hint = "Grant CREATE on the topic or the cluster, or create the topic and remove `createTopic`.";
    throw new AppError("KAFKA_UNAUTHORIZED", said, { hint });
  }

  private async ask<Answer>(broker: BrokerNode | undefined, message: Message<Answer>): Promise<Answer> {
    const connection = broker === undefined ? this.anyone(message.name) : await this.connect(broker);
    return await connection.send(message);
  }

  private anyone(doing: string): BrokerConnection {
    const connection = this.open.find((each) => each.alive);
    if (connection === undefined) throw this.over ?? new AppError("KAFKA_UNREACHABLE", `${doing}: nobody answers`);
    return connection;
  }

  private connect(address: Address): Promise<BrokerConnection> {
    const { link, connections } = this;
    const known = connections.get(formatAddress(address));
    if (known !== undefined) return known;
    const options = {
      ...link,
      connectTimeoutMs: Math.min(link.connectTimeoutMs, stepMsMax),
      requestTimeoutMs: Math.min(link.requestTimeoutMs, stepMsMax),
      logger: createKafka(link).logger(),
    };
    const attempt = Promise.race([this.ended.promise, this.begin(address, options)]);
    connections.set(formatAddress(address), attempt);
    return attempt;
  }

  private async begin(address: Address, options: Parameters<typeof BrokerConnection.open>[1]) {
    const connection = await BrokerConnection.open(address, options);
    if (this.over !== undefined) connection.destroy(this.over);
    this.open.push(connection);
    return connection;
  }

  private explain(thrown: unknown, advertised: boolean): AppError {
    const error = explainSilence(errorOf(thrown), this.config);
    if (!advertised || !hasCode(error, "KAFKA_UNREACHABLE")) return error;
    const hint = "The cluster gives out this address (advertised.listeners): it must be reachable from here too.";
    return new AppError(error.declared, error.message, { cause: error.cause, hint });
  }
}

/** @throws AppError when batches could not go there now. */
function checkAccess(topic: string, { errorCode, mayWrite, leaderless }: TopicAccess): void {
  const ask = `ask for topic ${topic}`;
  if (errorCode !== errors.NONE && errorCode !== errors.LEADER_NOT_AVAILABLE) throw refusal(ask, errorCode);
  if (!mayWrite) throw new AppError("KAFKA_UNAUTHORIZED", `${ask}: it may be seen, but not written to`);
  if (errorCode === errors.NONE && leaderless === 0) return;
  throw new AppError(codes.KAFKA_NOT_READY, `${ask}: not every partition has a leader now`);
}

/** As the sink would make it (Topics.create); undefined: it would not. */
function plannedTopic(topic: string, { createTopic }: Config): NewTopic | undefined {
  if (createTopic === undefined) return undefined;
  const { partitions, replication = -1, retention, settings } = createTopic;
  const own = { "message.timestamp.type": "LogAppendTime", "retention.ms": String(retention) };
  return { topic, partitions, replicationFactor: replication, settings: { ...own, ...settings } };
}

function errorOf(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError("KAFKA_UNREACHABLE", "talk to Kafka", { cause: thrown });
}

function securityOf({ tls, sasl }: Config): string {
  const parts: string[] = [];
  if (tls !== undefined) parts.push(tls.verify ? "TLS" : "TLS, not verified");
  if (tls?.cert !== undefined) parts.push("our certificate accepted");
  if (sasl !== undefined) parts.push(`${sasl.mechanism} as ${sasl.username}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
