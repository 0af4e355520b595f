/**
 * The way into the topic: what is put is divided over its partitions (partition-choice.ts) and brought into each in order
 * (partition-writer.ts). A batch has ended when all of it is there, or was refused for ever; until then it counts against
 * the channel's capacity, and its source's position stays.
 */
import { Backoff } from "../../../shared/async/backoff.ts";
import { Gate } from "../../../shared/async/gate.ts";
import { sleep } from "../../../shared/async/sleep.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { parseAddress } from "../../../shared/config/address.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { explainConnect } from "../../../shared/kafka/connection/connect-error.ts";
import type { BrokerNode, KafkaLink, TopicMetadata } from "../../../shared/kafka/connection/link.ts";
import type { Random } from "../../../shared/random/random.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { Comeback } from "../../records/comeback.ts";
import { codes } from "./codes.ts";
import type { Config } from "./config.ts";
import { outgoingParts } from "./outgoing.ts";
import { partitionOf } from "./partition-choice.ts";
import { PartitionWriter, type WriterHost } from "./partition-writer.ts";
import { signals } from "./telemetry.ts";
import { topicRefusal } from "./topic-refusal.ts";

/** What became of a batch: of each of its records, taken or refused. */
export interface PutEnd {
  taken(count: number): void;
  refused(count: number): void;
  /** All of it has ended. */
  ended(): void;
}

export interface TopicWriterOptions {
  readonly config: Config;
  readonly agent: string;
  readonly link: KafkaLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
}

/** What is divided and not sent yet: the rest waits as it was put. */
const dividedBytesMax = 4 * 1024 * 1024;
/** How long what the cluster said of the topic is believed: a topic that grew is noticed then. */
const routeKeptMs = 60_000;

export class TopicWriter {
  private readonly waiting: { readonly batch: PutBatch; readonly end: PutEnd }[] = [];
  private readonly writers = new Map<number, PartitionWriter>();
  private readonly stopped = new AbortController();
  private readonly sent = new Gate();
  private readonly comeback: Comeback;
  private readonly host: WriterHost;
  private dividing = false;
  private dividedBytes = 0;
  private route: { readonly topic: Promise<TopicMetadata>; readonly askedMs: number } | undefined;
  private trouble: string | undefined;

  constructor(private readonly options: TopicWriterOptions) {
    const { config, link, clock, random, report } = options;
    const { topic } = config;
    this.comeback = new Comeback({
      servers: config.brokers.map(parseAddress),
      ask: () => link.topic(topic),
      random,
    });
    this.host = {
      link,
      topic,
      clock,
      signal: this.stopped.signal,
      backoff: () => new Backoff({ initialMs: 100, maxMs: 5_000 }, random),
      leader: (partition) => this.leader(partition),
      doubtRoute: () => {
        this.route = undefined;
      },
      worked: () => this.worked(),
      failed: (error) => this.failed(error),
      maybeRepeated: (partition, count) => report(signals.maybeRepeated, { topic, partition, count }),
      pause: (ms) => this.pause(ms),
    };
  }

  /** Why the topic takes nothing; undefined: it takes, or nothing was tried. */
  get away(): string | undefined {
    return this.trouble;
  }

  put(batch: PutBatch, end: PutEnd): void {
    this.waiting.push({ batch, end });
    if (!this.dividing) void this.divide();
  }

  close(): void {
    this.stopped.abort();
    this.comeback.stop();
  }

  /** Divides what waits as soon as it is known how many partitions there are. */
  private async divide(): Promise<void> {
    this.dividing = true;
    const { signal } = this.stopped;
    const backoff = this.host.backoff();
    for (let head = this.waiting[0]; head !== undefined && !signal.aborted; head = this.waiting[0]) {
      try {
        const { leaders } = await this.topic();
        this.hand(head.batch, head.end, leaders.length);
        this.waiting.shift();
        backoff.reset();
      } catch (thrown) {
        if (signal.aborted) break;
        this.route = undefined;
        const cause = thrown instanceof AppError ? thrown : undefined;
        this.failed(cause ?? new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, "ask for the topic", { cause: thrown }));
        await this.pause(backoff.nextMs());
      }
      while (this.dividedBytes > dividedBytesMax && !signal.aborted) await this.sent.wait(signal);
    }
    this.dividing = false;
  }

  private hand(batch: PutBatch, end: PutEnd, partitions: number): void {
    const { config, agent, report } = this.options;
    const { topic, parseAsFlumeEvent, compression, partitionIdHeader, defaultPartitionId } = config;
    const rules = { agent, partitionIdHeader, defaultPartitionId };
    const parts = outgoingParts(batch, {
      parseAsFlumeEvent,
      compression,
      partitionOf: (record) =>
        partitionOf(record, partitions, rules, () => report(signals.wrongPartition, { topic, partitions })),
    });
    let left = batch.count;
    const settle = (count: number, bytes: number) => {
      left -= count;
      this.dividedBytes -= bytes;
      this.sent.open();
      if (left === 0) end.ended();
    };
    for (const part of parts) {
      this.dividedBytes += part.batch.bytes.length;
      let open = part.batch.count;
      const bytesOf = (count: number) => {
        open -= count;
        return open === 0 ? part.batch.bytes.length : 0;
      };
      this.writer(part.partition).push({
        batch: part.batch,
        taken: (count) => {
          end.taken(count);
          settle(count, bytesOf(count));
        },
        refused: (count, reason) => {
          const { stream } = batch.lane;
          report(signals.refused, { topic, partition: part.partition, stream, count, reason });
          end.refused(count);
          settle(count, bytesOf(count));
        },
      });
    }
  }

  private writer(partition: number): PartitionWriter {
    let writer = this.writers.get(partition);
    if (writer === undefined) {
      writer = new PartitionWriter(partition, this.host);
      this.writers.set(partition, writer);
    }
    return writer;
  }

  private async leader(partition: number): Promise<BrokerNode> {
    const { leaders } = await this.topic();
    const leader = leaders[partition];
    if (leader !== undefined) return leader;
    const message = `send to ${this.options.config.topic}/${partition}: it has no leader now`;
    throw new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, message);
  }

  /** Those who ask at the same time share one question. */
  private topic(): Promise<TopicMetadata> {
    const nowMs = this.options.clock.uptimeMs();
    if (this.route === undefined || nowMs - this.route.askedMs > routeKeptMs) {
      this.route = { topic: this.ask(), askedMs: nowMs };
    }
    return this.route.topic;
  }

  private async ask(): Promise<TopicMetadata> {
    const { topic } = this.options.config;
    const found = await this.options.link.topic(topic);
    if (found.leaders.length > 0) return found;
    throw topicRefusal(topic, found.errorCode);
  }

  private worked(): void {
    if (this.trouble === undefined) return;
    this.trouble = undefined;
    this.options.report(signals.back, { topic: this.options.config.topic });
  }

  private failed(error: AppError): void {
    const { config, report } = this.options;
    const { message, hint, cause } = explainConnect(error, config);
    this.trouble = cause === undefined ? message : `${message}: ${messageOf(cause)}`;
    report(signals.away, { topic: config.topic, error: this.trouble, hint });
  }

  /** No longer than the brokers are away. */
  private async pause(ms: number): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([this.stopped.signal, over.signal]);
    await Promise.race([sleep(ms, either), this.comeback.wait(either)]);
    over.abort();
  }
}
