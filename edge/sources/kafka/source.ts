/**
 * Topics of a Kafka cluster, read as a member of a consumer group (kafkajs). Where to go on is stored with the events, in one
 * transaction; `partition-book.ts` says which of the two places counts.
 *
 *     joined ─▶ the group's offsets are asked for ─▶ seek ─▶ fetched ─▶ appended, position moved ─▶ (committer) ─▶ group told
 */
import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { createKafka, endlessRetry } from "../../../shared/kafka/connection/client.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import { defineSignal } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import { cutHeader } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { Config } from "./config.ts";
import { PartitionBook, startOffset } from "./partition-book.ts";
import { type ConsumedRecord, eventOf } from "./record.ts";

/** What the kafka source says. */
const signals = {
  joined: defineSignal({ name: "kafka_source_joined", level: "info", message: "Joined the consumer group" }),
  ended: defineSignal({
    name: "kafka_source_ended",
    level: "warn",
    message: "Reading from Kafka ended; it begins anew at the stored positions",
    atMostEveryMs: 10_000,
  }),
  notTold: defineSignal({
    name: "kafka_source_group_not_told",
    level: "warn",
    message: "The group cannot be told how far we are; nothing is lost by that, its lag looks larger",
    atMostEveryMs: 60_000,
  }),
} as const;

/** While there is no room, the group hears from us so often. */
const heartbeatMs = 1_000;
const againMs = 1_000;
const lookForTopicsMs = 30_000;
/** So many records between two looks at what else is to be done. */
const recordsAtOnce = 500;

export class KafkaSource implements Source {
  private readonly groupId: string;
  private assigned = 0;
  private trouble: string | undefined;
  private readonly counts = { received: 0, joins: 0 };

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.groupId = config.groupId ?? `tailgate-${context.agent}-${context.name}`;
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const book = new PartitionBook(this.groupId, intake.positions());
    while (!signal.aborted) {
      try {
        await this.session(book, intake, signal);
      } catch (thrown) {
        const error = explainClientError("read from Kafka", thrown, this.config);
        this.trouble = messageOf(error);
        this.context.report(signals.ended, { component: this.context.name, error: this.trouble, hint: error.hint });
      }
      if (!signal.aborted) await sleep(againMs, signal);
    }
  }

  async stop(): Promise<void> {}

  status(): Readonly<Record<string, unknown>> {
    const { groupId, assigned, counts, trouble } = this;
    return { groupId, assigned, ...counts, ...(trouble === undefined ? {} : { trouble }) };
  }

  /** One membership, until it ends. */
  private async session(book: PartitionBook, intake: Intake, signal: AbortSignal): Promise<void> {
    const { config, context, groupId } = this;
    const kafka = createKafka({
      brokers: config.brokers,
      clientId: config.clientId ?? `tailgate-${context.agent}`,
      tls: config.tls,
      sasl: config.sasl,
      report: context.report,
      component: context.name,
    });
    const { sessionTimeout } = config;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout,
      rebalanceTimeout: 2 * sessionTimeout,
      heartbeatInterval: Math.min(3_000, sessionTimeout / 3),
      maxBytesPerPartition: limits.readBytes,
      maxBytes: 4 * limits.readBytes,
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      retry: endlessRetry,
    });
    const topics = await this.findTopics(kafka);
    const over = new AbortController();
    const stop = () => over.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const crashed = new Promise<never>((_resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        this.onJoin({ kafka, consumer, book, signal: over.signal }, payload.memberAssignment).catch(reject);
      });
    });
    crashed.catch(stop);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: config.start === "beginning" });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => this.take(payload, book, intake, over.signal),
      });
      await Promise.race([crashed, this.tellGroup({ kafka, consumer, book, signal: over.signal }, topics, intake)]);
    } finally {
      signal.removeEventListener("abort", stop);
      over.abort();
      this.assigned = 0;
      await consumer.disconnect().catch(() => undefined);
    }
  }

  private async findTopics(kafka: Kafka): Promise<readonly string[]> {
    const { topics, topicsPattern } = this.config;
    if (topicsPattern === undefined) return topics ?? [];
    const admin = kafka.admin({ retry: { retries: 2 } });
    try {
      await admin.connect();
      const found = (await admin.listTopics()).filter((name) => !name.startsWith("__") && topicsPattern.test(name));
      if (found.length > 0) return found.sort();
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
    throw new AppError("KAFKA_TOPIC_MISSING", `read topics like ${topicsPattern.source}: there is none`);
  }

  /** Nothing is fetched before it is known where to go on. Synchronous up to the pause: kafkajs fetches as soon as it returns. */
  private async onJoin(session: Session, assignment: Readonly<Record<string, number[]>>): Promise<void> {
    const { kafka, consumer, book, signal } = session;
    const topics = Object.keys(assignment);
    const join = ++this.counts.joins;
    consumer.pause(topics.map((topic) => ({ topic, partitions: assignment[topic] ?? [] })));
    this.assigned = Object.values(assignment).reduce((sum, each) => sum + each.length, 0);
    this.trouble = undefined;
    this.context.report(signals.joined, {
      component: this.context.name,
      group: this.groupId,
      partitions: this.assigned,
    });
    const groups = await this.groupOffsets(kafka, topics);
    // Another assignment has come meanwhile, and asks for itself.
    if (signal.aborted || join !== this.counts.joins) return;
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const place = book.place(topic, partition);
        const offset = startOffset(place.next, groups.get(`${topic}/${partition}`));
        if (offset === undefined) continue;
        place.next = offset;
        consumer.seek({ topic, partition, offset: String(offset) });
      }
      consumer.resume([{ topic, partitions }]);
    }
  }

  private async groupOffsets(kafka: Kafka, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    if (topics.length === 0) return found;
    const admin = kafka.admin();
    try {
      await admin.connect();
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId: this.groupId, topics: [...topics] })) {
        // -1: the group was never told.
        for (const { partition, offset } of partitions) {
          if (Number(offset) >= 0) found.set(`${topic}/${partition}`, Number(offset));
        }
      }
      return found;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  /** Appends the records of a partition; while there is no room, the group hears that we are there. */
  private async take(
    payload: EachBatchPayload,
    book: PartitionBook,
    intake: Intake,
    signal: AbortSignal,
  ): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const { topic, partition, messages } = batch;
    const place = book.place(topic, partition);
    for (let at = 0; at < messages.length; at += recordsAtOnce) {
      while (!intake.takesNow() || at > 0) {
        const turn = AbortSignal.any([signal, AbortSignal.timeout(heartbeatMs)]);
        await intake.ready(turn);
        await heartbeat();
        if (signal.aborted || !isRunning() || isStale()) return;
        if (intake.takesNow()) break;
      }
      if (signal.aborted || !isRunning() || isStale()) return;
      for (const message of messages.slice(at, at + recordsAtOnce)) {
        const offset = Number(message.offset);
        // Fetched again although it was appended: the assignment changed and came back.
        if (place.next !== undefined && offset < place.next) continue;
        this.append(intake, { topic, partition, ...message });
        place.next = offset + 1;
      }
      intake.moved(place);
      resolveOffset(String((place.next ?? 1) - 1));
    }
  }

  private append(intake: Intake, record: ConsumedRecord): void {
    const { body, prepare } = eventOf(record, this.config);
    const end = Math.min(body.length, limits.lineBytesMax);
    this.counts.received++;
    let leftOut = 0;
    intake.appendWith(body, 0, end, (view) => {
      leftOut = prepare(view);
      if (end < body.length) view.setHeader(cutHeader, String(end));
    });
    if (leftOut > 0) intake.count("headers_left_out", leftOut);
    if (end === body.length) return;
    intake.count("cut", 1);
    intake.count("cut_bytes", body.length - end);
  }

  /** Until the session is over: what is committed here is told to the group. Resolves when the topics are others. */
  private async tellGroup(session: Session, topics: readonly string[], intake: Intake): Promise<void> {
    const { kafka, consumer, book, signal } = session;
    const { commitInterval, topicsPattern } = this.config;
    let told = "";
    let lookedMs = performance.now();
    while (!signal.aborted) {
      await sleep(commitInterval, signal);
      const offsets = book.snapshot();
      const text = JSON.stringify(offsets);
      // Never ahead of what is stored: after a crash the group's offset would hide what we have lost.
      if (text !== told && offsets.length > 0 && (await intake.committed(signal))) {
        try {
          await consumer.commitOffsets([...offsets]);
          told = text;
        } catch (error) {
          this.context.report(signals.notTold, { component: this.context.name, error: messageOf(error) });
        }
      }
      if (topicsPattern === undefined || performance.now() - lookedMs < lookForTopicsMs) continue;
      lookedMs = performance.now();
      if ((await this.findTopics(kafka)).join() !== topics.join()) return;
    }
  }
}

/** One membership in the group. */
interface Session {
  readonly kafka: Kafka;
  readonly consumer: Consumer;
  readonly book: PartitionBook;
  readonly signal: AbortSignal;
}
