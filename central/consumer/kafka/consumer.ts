/**
 * The consumer over kafkajs: keeps one group session alive, finds the topics of the config, and begins anew whenever a
 * session ends or the brokers have been silent for too long.
 */
import type { Kafka } from "kafkajs";
import { Backoff } from "../../../shared/async/backoff.ts";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { sleep } from "../../../shared/async/sleep.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { createKafka, type KafkaConnection } from "../../../shared/kafka/connection/client.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import type { Random } from "../../../shared/random/random.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Consumer, ConsumerHandler, ConsumerState } from "../consumer.ts";
import { createBriefKafka } from "./brief-client.ts";
import { installFetchSeam, watchFetches } from "./fetch-seam.ts";
import { type GroupOptions, GroupSession } from "./group-session.ts";
import { brokersAway, brokersRefuse, consumerRestarted, leaveSlow, topicsFound, topicsMissing } from "./telemetry.ts";
import { selectTopics, type TopicSelection } from "./topics.ts";

export interface KafkaConsumerOptions extends Omit<GroupOptions, "report"> {
  readonly connection: KafkaConnection;
  readonly topics: TopicSelection;
  readonly report: Report;
  readonly clock: Clock;
  readonly random: Random;
}

/** Fetches are answered every half second, data or not: a longer silence is a dead connection. */
const silenceMs = 30_000;
const lookForTopicsEveryMs = 10_000;
const adminDeadlineMs = 15_000;
const leaveDeadlineMs = 5_000;

export class KafkaConsumer implements Consumer {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private session: GroupSession | undefined;
  private readonly highWatermarks = new Map<string, number>();
  private joins = 0;
  private lastAnswerMs = -1;

  constructor(private readonly options: KafkaConsumerOptions) {}

  start(handler: ConsumerHandler): void {
    installFetchSeam();
    this.running = this.run(handler);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  state(): ConsumerState {
    const partitions = (this.session?.partitions ?? []).map(({ topic, partition }) => ({
      topic,
      partition,
      highWatermark: this.highWatermarks.get(`${topic}/${partition}`) ?? -1,
    }));
    const connected = this.lastAnswerMs >= 0 && this.options.clock.uptimeMs() - this.lastAnswerMs < 5_000;
    const rebalances = this.joins + (this.session?.joins ?? 0);
    return { connected, partitions, rebalances, lastAnswerUptimeMs: this.lastAnswerMs };
  }

  private async run(handler: ConsumerHandler): Promise<void> {
    using _watch = watchFetches(({ topic, partition, highWatermark, errorCode }) => {
      this.lastAnswerMs = this.options.clock.uptimeMs();
      if (errorCode === 0) this.highWatermarks.set(`${topic}/${partition}`, highWatermark);
    });
    const { signal } = this.stopping;
    const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 }, this.options.random);
    while (!signal.aborted) {
      const kafka = createKafka({ ...this.options.connection, report: this.options.report, component: "consumer" });
      const topics = await this.findTopics();
      if (topics === undefined || topics.length === 0) {
        await sleep(topics === undefined ? backoff.nextMs() : 500, signal);
        continue;
      }
      this.options.report(topicsFound, { topics: topics.join(",") });
      const cause = await this.live(kafka, topics, handler);
      if (cause === undefined) continue; // stopped, or the topics have changed
      this.options.report(consumerRestarted, { cause });
      await sleep(backoff.nextMs(), signal);
      if (this.session !== undefined && this.session.joins > 0) backoff.reset();
    }
  }

  /** One session from start to end; the reason when it ended by itself. */
  private async live(kafka: Kafka, topics: readonly string[], handler: ConsumerHandler): Promise<string | undefined> {
    const session = new GroupSession(kafka, this.options, handler);
    this.session = session;
    const over = new AbortController();
    try {
      await Promise.race([
        session.start(topics).then(() => session.ended),
        session.ended,
        aborted(this.stopping.signal),
        this.silence(session, over.signal),
        this.otherTopics(topics, over.signal),
      ]);
      return undefined;
    } catch (thrown) {
      return messageOf(thrown);
    } finally {
      over.abort();
      this.joins += session.joins;
      await this.leave(session);
      this.session = undefined;
    }
  }

  private async leave(session: GroupSession): Promise<void> {
    try {
      await withDeadline(session.stop(), leaveDeadlineMs, () => unreachable("leave the group: no answer in time"));
    } catch (thrown) {
      this.options.report(leaveSlow, { error: messageOf(thrown) });
    }
  }

  /** Rejects when no broker has answered for too long although there is something to fetch. */
  private async silence(session: GroupSession, signal: AbortSignal): Promise<never> {
    let quietSinceMs = this.options.clock.uptimeMs();
    while (!signal.aborted) {
      await sleep(1_000, signal);
      const nowMs = this.options.clock.uptimeMs();
      if (session.handling || session.partitions.length === 0) quietSinceMs = nowMs;
      quietSinceMs = Math.max(quietSinceMs, this.lastAnswerMs);
      if (nowMs - quietSinceMs > silenceMs) throw unreachable(`fetch: no answer for ${silenceMs / 1000} s`);
    }
    return await never();
  }

  /** Resolves when the cluster's topics, seen through the config, are no longer the ones consumed. */
  private async otherTopics(current: readonly string[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(lookForTopicsEveryMs, signal);
      if (signal.aborted) break;
      const found = await this.findTopics();
      if (found !== undefined && found.length > 0 && found.join() !== current.join()) return;
    }
    return await never();
  }

  /** Undefined when no broker answers. */
  private async findTopics(): Promise<readonly string[] | undefined> {
    const admin = createBriefKafka(this.options.connection).admin();
    try {
      const list = admin.connect().then(() => admin.listTopics());
      const existing = await withDeadline(list, adminDeadlineMs, () => unreachable("list topics: no answer in time"));
      const topics = selectTopics(this.options.topics, existing);
      if (topics.length === 0) this.options.report(topicsMissing, { wanted: this.options.topics.text });
      return topics;
    } catch (thrown) {
      const error = explainClientError("list topics", thrown, this.options.connection);
      const { code, hint } = error;
      const signal = code === "KAFKA_UNREACHABLE" ? brokersAway : brokersRefuse;
      this.options.report(signal, { code, error: messageOf(error), hint });
      return undefined;
    } finally {
      admin.disconnect().catch((thrown: unknown) => this.options.report(brokersAway, { error: messageOf(thrown) }));
    }
  }
}

function unreachable(message: string): AppError {
  return new AppError("KAFKA_UNREACHABLE", message);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function never(): Promise<never> {
  return new Promise<never>(() => {});
}
