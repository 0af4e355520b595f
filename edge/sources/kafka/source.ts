/**
 * Topics of a Kafka cluster, read as a member of a consumer group (`records/kafka-group.ts`). Where to go on is stored with the
 * events, in one transaction; `partition-book.ts` says which of the two places counts.
 */
import type { EachBatchPayload, Kafka } from "kafkajs";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import { type AskingLink, createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import { bookedReport, countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { Fields, Report, Signal } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import { cutHeader } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { Gaps, isOutside } from "../../records/kafka-gaps.ts";
import { type FoundPartition, type Judge, KafkaGroup } from "../../records/kafka-group.ts";
import { askTopicIds } from "../../records/kafka-topic-ids.ts";
import type { Config } from "./config.ts";
import { endsOf, PartitionBook, type PartitionPlace } from "./partition-book.ts";
import { type ConsumedRecord, eventOf } from "./record.ts";
import { StallWatch } from "./stall-watch.ts";
import { signals } from "./telemetry.ts";

/** While there is no room, the group hears from us so often. */
const heartbeatMs = 1_000;
const againMs = 1_000;
/** So many records between two looks at what else is to be done. */
const recordsAtOnce = 500;
/** Nothing stands still that has not moved for less than that; the cluster is looked at every ten seconds. */
const stallMsMin = 8_000;
/** For questions beside the group's own. */
const timeouts = { connectTimeoutMs: 5_000, requestTimeoutMs: 10_000 };

export class KafkaSource implements Source {
  private readonly groupId: string;
  private trouble: string | undefined;
  private readonly counts = { received: 0, joins: 0 };
  private readonly counted: Report;
  private report: Report;
  private book: PartitionBook | undefined;
  private readonly gaps = new Gaps();
  private readonly watch = new StallWatch();
  private stallsLookedMs = 0;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { metrics, name } = context;
    const labels = { source: name };
    this.counted = countingReport(signals, { report: context.report, metrics, labels });
    this.report = this.counted;
    this.groupId = config.groupId ?? `tailgate-${context.agent}-${name}`;
    const lagHelp = "Records of the topics, in partitions of this agent, that were not read yet.";
    metrics.observe("tailgate_kafka_source_lag", lagHelp, labels, () =>
      this.places.reduce((sum, { lag }) => sum + lag, 0),
    );
    const partitionsHelp = "Partitions that are this agent's; 0 while it is no member of the group.";
    metrics.observe("tailgate_kafka_source_partitions", partitionsHelp, labels, () => this.places.length);
    const stalledHelp = "Partitions that have records to read, and none come.";
    metrics.observe("tailgate_kafka_source_stalled", stalledHelp, labels, () => this.watch.now.length);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.report = bookedReport(this.counted, (name, amount) => intake.count(name, amount));
    const book = new PartitionBook(this.groupId, intake.positions());
    this.book = book;
    while (!signal.aborted) {
      try {
        await this.session(book, intake, signal);
      } catch (thrown) {
        const error = thrown instanceof AppError ? thrown : explainClientError("read from Kafka", thrown, this.config);
        this.trouble = messageOf(error);
        this.say(signals.ended, { error: this.trouble, hint: error.hint });
      }
      if (!signal.aborted) await sleep(againMs, signal);
    }
  }

  async stop(): Promise<void> {}

  unready(): string | undefined {
    const [first, ...others] = this.watch.now;
    if (first === undefined) return undefined;
    const { topic, partition, next } = first.place;
    const more = others.length === 0 ? "" : `, and ${others.length} more`;
    return `cannot read ${topic}/${partition} at offset ${next}${more}: ${first.reason}`;
  }

  status(): Readonly<Record<string, unknown>> {
    const { groupId, places, counts, trouble } = this;
    const stalled = this.unready();
    return {
      groupId,
      assigned: places.length,
      ...counts,
      ...(trouble === undefined ? {} : { trouble }),
      ...(stalled === undefined ? {} : { stalled }),
      partitions: places.map(({ topic, partition, next, end, lag }) => ({ topic, partition, next, end, lag })),
    };
  }

  private get places(): readonly PartitionPlace[] {
    return this.book?.assigned ?? [];
  }

  /** One membership, until it ends. */
  private async session(book: PartitionBook, intake: Intake, signal: AbortSignal): Promise<void> {
    const { config, context, groupId } = this;
    const { report, name: component, random } = context;
    const { brokers, tls, sasl, clientId = `tailgate-${context.agent}` } = config;
    const connection = { brokers, clientId, tls, sasl };
    const link: AskingLink = createKafkajsLink({ ...connection, ...timeouts, report, component, random });
    const group: KafkaGroup = new KafkaGroup(
      {
        connection,
        groupId,
        sessionTimeoutMs: config.sessionTimeout,
        fromBeginning: config.start === "beginning",
        tellEveryMs: config.commitInterval,
        topicIds: (topics) => askTopicIds(link, topics),
        report,
        component,
      },
      {
        topics: (kafka) => this.findTopics(kafka),
        looksForTopics: config.topicsPattern !== undefined,
        joined: (assignment) => {
          book.assign(assignment);
          this.joined();
        },
        begins: (topic, partition, found) => this.begin(book.place(topic, partition), found, intake),
        looking: () => this.looking(group, intake),
        take: (payload, over) =>
          this.take(payload, {
            group,
            place: book.place(payload.batch.topic, payload.batch.partition),
            intake,
            signal: over,
          }),
        // Never ahead of what is stored: after a crash the group's offset would hide what we have lost.
        told: async (over) => {
          const offsets = book.snapshot();
          return offsets.length > 0 && (await intake.committed(over)) ? offsets : undefined;
        },
        notTold: (error) => this.say(signals.notTold, { error: messageOf(error) }),
      },
    );
    try {
      await group.run(signal);
    } finally {
      book.assign({});
      this.watch.look([], undefined);
      link.close();
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

  private joined(): void {
    this.counts.joins++;
    this.trouble = undefined;
    this.say(signals.joined, { group: this.groupId, partitions: this.places.length });
  }

  /** Where a partition goes on. What is stored says from now on which topic it is about. */
  private begin(place: PartitionPlace, found: FoundPartition, intake: Intake): number | undefined {
    const { topic, partition, next: stored } = place;
    const { offset, anew, outrun } = place.begin(found);
    if (anew !== undefined) this.say(signals.anew, { topic, partition, was: anew, stored, next: offset });
    if (outrun > 0) this.sayOutrun(place, (offset ?? 0) - outrun, (offset ?? 0) - 1);
    if (offset !== undefined) intake.moved(place);
    return offset;
  }

  private looking(group: KafkaGroup, intake: Intake): Judge {
    const before = this.places.map((place) => [place, place.next] as const);
    return (ends) => {
      let isAstray = false;
      for (const [place, next] of before) {
        const found = endsOf(ends, place);
        if (found === undefined) continue;
        place.end = Math.max(found.high, next ?? 0);
        if (isOutside(next, found)) isAstray = true;
      }
      for (const { topic, partition, from, to } of this.gaps.lost(ends)) this.sayOutrun({ topic, partition }, from, to);
      this.lookForStalls(group, intake);
      return isAstray;
    };
  }

  private lookForStalls(group: KafkaGroup, intake: Intake): void {
    const sinceMs = this.stallsLookedMs;
    if (performance.now() - sinceMs < stallMsMin) return;
    this.stallsLookedMs = performance.now();
    const complaint = intake.takesNow() ? group.complaintSince(sinceMs) : undefined;
    for (const { place, reason } of this.watch.look(this.places, complaint)) {
      const { topic, partition, next, lag } = place;
      this.say(signals.stalled, { topic, partition, offset: next, lag, reason });
    }
  }

  private sayOutrun({ topic, partition }: Pick<PartitionPlace, "topic" | "partition">, from: number, to: number): void {
    this.say(signals.outrun, { topic, partition, from, to, count: to - from + 1 });
  }

  private say(signal: Signal, fields: Fields): void {
    this.report(signal, { component: this.context.name, ...fields });
  }

  /** Appends the records of a partition; while there is no room, the group hears that we are there. */
  private async take(payload: EachBatchPayload, { group, place, intake, signal }: Taking): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const { topic, partition, messages } = batch;
    if (!(await group.isSame(topic))) return;
    if (await this.isAstray(group, place, Number(batch.firstOffset() ?? messages[0]?.offset))) return;
    place.end = Math.max(place.end, Number(batch.highWatermark));
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
      // What ends the batch may be no records: the marker of a transaction.
      if (at + recordsAtOnce >= messages.length) place.next = Math.max(place.next ?? 0, Number(batch.lastOffset()) + 1);
      intake.moved(place);
      resolveOffset(String((place.next ?? 1) - 1));
    }
  }

  /** These offsets are not those that were expected: has the topic deleted some, or is it another one? */
  private async isAstray(group: KafkaGroup, place: PartitionPlace, first: number): Promise<boolean> {
    const { topic, partition, next } = place;
    if (next === undefined || first === next) return false;
    if (first > next) {
      place.next = first;
      if (!this.gaps.note({ topic, partition, from: next, to: first - 1 })) return false;
    }
    return await group.look();
  }

  private append(intake: Intake, record: ConsumedRecord): void {
    const { body, isAsExpected, withoutValue, prepare } = eventOf(record, this.config);
    const end = Math.min(body.length, limits.lineBytesMax);
    this.counts.received++;
    let leftOut = 0;
    intake.appendWith(body, 0, end, (view) => {
      leftOut = prepare(view);
      if (end < body.length) view.setHeader(cutHeader, String(end));
    });
    if (leftOut > 0) intake.count("headers_left_out", leftOut);
    const { topic, partition, offset, key } = record;
    if (!isAsExpected) this.say(signals.notFlume, { topic, partition, offset });
    if (withoutValue > 0) this.say(signals.noValue, { topic, partition, offset, count: withoutValue });
    if (key !== null && key.length > limits.keyBytesMax) this.say(signals.keyCut, { topic, partition, offset });
    if (end === body.length) return;
    intake.count("cut", 1);
    intake.count("cut_bytes", body.length - end);
  }
}

/** What taking a partition's records needs. */
interface Taking {
  readonly group: KafkaGroup;
  readonly place: PartitionPlace;
  readonly intake: Intake;
  readonly signal: AbortSignal;
}
