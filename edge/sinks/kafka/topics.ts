/**
 * What the sink knows of its topics: leaders, partitions, settings. Asked for when a lane needs it, kept for a while, and
 * asked again after anything that makes it doubtful; lanes that ask at the same time share one question.
 */
import { sleep } from "../../../shared/async/sleep.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { formatAddress } from "../../../shared/config/address.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { BrokerNode, KafkaLink, TopicMetadata } from "../../../shared/kafka/connection/link.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import { codes } from "./codes.ts";
import { CreationRate } from "./creation-rate.ts";
import { refusal } from "./refusal.ts";
import { signals, type Telemetry } from "./telemetry.ts";
import { settingsOf, type TopicSettings, unknownSettings, warningsOf } from "./topic-settings.ts";

/** How a topic is made when it is missing. */
export interface CreateTopic {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly retentionMs: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly perMinute: number;
}

export interface TopicsOptions {
  readonly link: KafkaLink;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly create: CreateTopic | undefined;
  readonly partitionsKnown: (topic: string, partitions: number) => void;
}

/** A topic that exists. */
export interface TopicRoute extends TopicMetadata {
  readonly topic: string;
  readonly settings: TopicSettings;
}

/** How often, and how many times, a topic that was just created is looked for. */
const madeEveryMs = 100;
const madeTriesMax = 20;

const keptMs = 300_000;

interface Entry {
  readonly route: Promise<TopicRoute>;
  readonly askedMs: number;
  /** Connections opened until the answer came. */
  connections: number;
}

export class Topics {
  /** The cluster that answered last. */
  clusterId: string | undefined;
  private readonly entries = new Map<string, Entry>();
  private readonly settings = new Map<string, TopicSettings>();

  private readonly rate: CreationRate | undefined;

  constructor(private readonly options: TopicsOptions) {
    const { create, clock } = options;
    this.rate = create && new CreationRate(create.perMinute, clock.uptimeMs());
  }

  /**
   * The topic as the cluster has it.
   *
   * @throws AppError `KAFKA_TOPIC_MISSING`, `KAFKA_UNAUTHORIZED`, or what the link throws.
   */
  async route(topic: string): Promise<TopicRoute> {
    const nowMs = this.options.clock.uptimeMs();
    const known = this.entries.get(topic);
    if (known !== undefined && nowMs - known.askedMs < keptMs) return await known.route;
    const entry: Entry = { route: this.ask(topic), askedMs: nowMs, connections: Number.POSITIVE_INFINITY };
    this.entries.set(topic, entry);
    try {
      const route = await entry.route;
      entry.connections = this.options.link.connections;
      return route;
    } catch (thrown) {
      if (this.entries.get(topic) === entry) this.entries.delete(topic);
      throw thrown;
    }
  }

  /**
   * Asks the next time afresh when a connection was opened since the last answer: whoever was away may be another one, with another
   * log. Answers whether that is so.
   */
  outdated(topic: string): boolean {
    const entry = this.entries.get(topic);
    if (entry === undefined || entry.connections >= this.options.link.connections) return false;
    this.entries.delete(topic);
    return true;
  }

  /**
   * Something about the topic is not as it was: the next question goes to the cluster, and to another broker than the
   * one whose word this was.
   *
   * `leader`: with whom it did not work. It is asked after all others: one that was cut off from the rest would name
   * itself again, whoever named it before.
   */
  forget(topic: string, leader: BrokerNode | undefined): void {
    const entry = this.entries.get(topic);
    this.entries.delete(topic);
    entry?.route.then(
      ({ askedBroker }) => {
        this.options.link.askOthersFirst(askedBroker);
        if (leader !== undefined) this.options.link.askOthersFirst(formatAddress(leader));
      },
      () => {}, // Whoever waits for it is told.
    );
  }

  forgetAll(): void {
    for (const topic of [...this.entries.keys()]) this.forget(topic, undefined);
  }

  private async ask(topic: string): Promise<TopicRoute> {
    const { link, telemetry, partitionsKnown } = this.options;
    const metadata = await link.topic(topic);
    this.noteCluster(metadata.clusterId);
    // One that knows nothing of the topic may be the only one.
    if (metadata.errorCode !== errors.NONE) link.askOthersFirst(metadata.askedBroker);
    switch (metadata.errorCode) {
      case errors.NONE:
        break;
      case errors.UNKNOWN_TOPIC_OR_PARTITION:
        return await this.create(topic);
      default:
        throw refusal(`ask for topic ${topic}`, metadata.errorCode);
    }
    partitionsKnown(topic, metadata.leaders.length);
    const key = `${metadata.clusterId}/${topic}`;
    let settings = this.settings.get(key);
    if (settings === undefined) {
      settings = await this.describe(topic);
      this.settings.set(key, settings);
      for (const warning of warningsOf(settings, metadata.replicas[0] ?? 1)) {
        telemetry.report(signals.topicSettings, { topic, ...warning });
      }
    }
    return { ...metadata, topic, settings };
  }

  private async describe(topic: string): Promise<TopicSettings> {
    const { errorCode, settings } = await this.options.link.describeConfigs(topic);
    return errorCode === errors.NONE ? settingsOf(settings) : unknownSettings;
  }

  private async create(topic: string): Promise<TopicRoute> {
    const { link, create, telemetry } = this.options;
    if (create === undefined) throw new AppError("KAFKA_TOPIC_MISSING", `ask for topic ${topic}: there is none`);
    const waitMs = this.rate?.takeOrWaitMs(this.options.clock.uptimeMs()) ?? 0;
    if (waitMs > 0) {
      const hint = "More topics are missing than `createTopic.perMinute` allows; it goes on by itself.";
      throw new AppError("KAFKA_TOPIC_MISSING", `create topic ${topic}: it has to wait`, {
        retryAfterMs: waitMs,
        hint,
      });
    }
    const { partitions, replicationFactor, retentionMs } = create;
    const settings = {
      "message.timestamp.type": "LogAppendTime",
      "retention.ms": String(retentionMs),
      ...create.settings,
    };
    const answer = await link.createTopic({ topic, partitions, replicationFactor, settings });
    switch (answer.errorCode) {
      case errors.NONE:
        telemetry.report(signals.topicCreated, { topic, partitions, replicationFactor });
        break;
      case errors.TOPIC_ALREADY_EXISTS:
        break;
      case errors.TOPIC_AUTHORIZATION_FAILED:
      case errors.CLUSTER_AUTHORIZATION_FAILED:
        throw new AppError("KAFKA_UNAUTHORIZED", `create topic ${topic}: ${errorName(answer.errorCode)}`, {
          hint: "Grant CREATE on the topic or the cluster, or create the topic and remove `createTopic` from the config.",
        });
      default:
        throw new AppError(
          "KAFKA_TOPIC_MISSING",
          `create topic ${topic}: ${errorName(answer.errorCode)}${answer.message === undefined ? "" : `: ${answer.message}`}`,
        );
    }
    return await this.made(topic);
  }

  /** A topic that was created just now, as soon as it has its leaders: they take a moment, which is nobody's mistake. */
  private async made(topic: string): Promise<TopicRoute> {
    for (let tries = 0; tries < madeTriesMax; tries++) {
      const { errorCode, leaders } = await this.options.link.topic(topic);
      const led = leaders.length > 0 && !leaders.includes(undefined);
      if (errorCode === errors.NONE && led) return await this.ask(topic);
      await sleep(madeEveryMs, new AbortController().signal);
    }
    throw new AppError(codes.KAFKA_NOT_READY, `ask for topic ${topic}: created just now, and not led yet`);
  }

  private noteCluster(clusterId: string): void {
    const { telemetry, link } = this.options;
    if (this.clusterId === clusterId) return;
    if (this.clusterId === undefined) telemetry.report(signals.connected, { clusterId });
    else telemetry.report(signals.clusterChanged, { before: this.clusterId, clusterId, connections: link.connections });
    this.clusterId = clusterId;
  }
}
