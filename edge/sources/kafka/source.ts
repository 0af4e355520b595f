/**
 * Topics of a Kafka cluster, read as a member of a consumer group (`records/kafka-group.ts`). Where to go on is stored with the
 * events, in one transaction; `partition-book.ts` says which of the two places counts.
 */
import type { EachBatchPayload, Kafka } from "kafkajs";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import { bookedReport } from "../../../shared/telemetry/counting-report.ts";
import { defineSignal, type Report } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import { cutHeader } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { KafkaGroup } from "../../records/kafka-group.ts";
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
  notFlume: defineSignal({
    name: "kafka_source_not_flume_event",
    level: "warn",
    message: "A record's value is no Flume event; it is taken as it stands, with the header not_flume_event",
    atMostEveryMs: 60_000,
    counts: { book: "not_flume_events" },
  }),
} as const;

/** While there is no room, the group hears from us so often. */
const heartbeatMs = 1_000;
const againMs = 1_000;
/** So many records between two looks at what else is to be done. */
const recordsAtOnce = 500;

export class KafkaSource implements Source {
  private readonly groupId: string;
  private assigned = 0;
  private trouble: string | undefined;
  private readonly counts = { received: 0, joins: 0 };
  private report: Report;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.report = context.report;
    this.groupId = config.groupId ?? `tailgate-${context.agent}-${context.name}`;
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.report = bookedReport(this.context.report, (name, amount) => intake.count(name, amount));
    const book = new PartitionBook(this.groupId, intake.positions());
    while (!signal.aborted) {
      try {
        await this.session(book, intake, signal);
      } catch (thrown) {
        const error = thrown instanceof AppError ? thrown : explainClientError("read from Kafka", thrown, this.config);
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
    const group = new KafkaGroup(
      {
        connection: {
          brokers: config.brokers,
          clientId: config.clientId ?? `tailgate-${context.agent}`,
          tls: config.tls,
          sasl: config.sasl,
        },
        groupId,
        sessionTimeoutMs: config.sessionTimeout,
        fromBeginning: config.start === "beginning",
        tellEveryMs: config.commitInterval,
        report: context.report,
        component: context.name,
      },
      {
        topics: (kafka) => this.findTopics(kafka),
        looksForTopics: config.topicsPattern !== undefined,
        joined: (assignment) => this.joined(assignment),
        begins: (topic, partition, groups) => {
          const place = book.place(topic, partition);
          const offset = startOffset(place.next, groups);
          if (offset !== undefined) place.next = offset;
          return offset;
        },
        take: (payload, over) => this.take(payload, book, intake, over),
        // Never ahead of what is stored: after a crash the group's offset would hide what we have lost.
        told: async (over) => {
          const offsets = book.snapshot();
          return offsets.length > 0 && (await intake.committed(over)) ? offsets : undefined;
        },
        notTold: (error) => context.report(signals.notTold, { component: context.name, error: messageOf(error) }),
      },
    );
    try {
      await group.run(signal);
    } finally {
      this.assigned = 0;
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

  private joined(assignment: Readonly<Record<string, readonly number[]>>): void {
    this.counts.joins++;
    this.assigned = Object.values(assignment).reduce((sum, each) => sum + each.length, 0);
    this.trouble = undefined;
    const { groupId: group, assigned: partitions, context } = this;
    context.report(signals.joined, { component: context.name, group, partitions });
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
    const { body, isAsExpected, prepare } = eventOf(record, this.config);
    const end = Math.min(body.length, limits.lineBytesMax);
    this.counts.received++;
    let leftOut = 0;
    intake.appendWith(body, 0, end, (view) => {
      leftOut = prepare(view);
      if (end < body.length) view.setHeader(cutHeader, String(end));
    });
    if (leftOut > 0) intake.count("headers_left_out", leftOut);
    if (!isAsExpected) {
      const { topic, partition, offset } = record;
      this.report(signals.notFlume, { component: this.context.name, topic, partition, offset });
    }
    if (end === body.length) return;
    intake.count("cut", 1);
    intake.count("cut_bytes", body.length - end);
  }
}
