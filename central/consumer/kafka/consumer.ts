/**
 * The consumer over kafkajs: keeps one group session alive, finds the topics of the config, looks at who reads their
 * partitions, and begins anew whenever a session ends or the brokers have been silent for too long.
 */

import type { Admin, Kafka } from "kafkajs";
import { aborted } from "../../../shared/async/aborted.ts";
import { Backoff } from "../../../shared/async/backoff.ts";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { sleep } from "../../../shared/async/sleep.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError, hasCode, messageOf } from "../../../shared/errors/app-error.ts";
import { createKafka, type KafkaConnection } from "../../../shared/kafka/connection/client.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import { type FetchedPartition, fetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import type { Random } from "../../../shared/random/random.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { partitionName, type TopicPartition } from "../../records/partition.ts";
import type { Consumer, ConsumerHandler, ConsumerState, PartitionState } from "../consumer.ts";
import { Coverage, unreadGraceMs } from "../coverage.ts";
import { createBriefKafka } from "./brief-client.ts";
import { viewCommitted, viewGroup, viewTopics } from "./cluster-view.ts";
import { type GroupOptions, GroupSession, type SessionEvents } from "./group-session.ts";
import { consumerHint } from "./hints.ts";
import { PartitionEnds } from "./partition-ends.ts";
import { StallWatch } from "./stall-watch.ts";
import { isGroupRefused } from "./store-protocol.ts";
import {
  brokersAway,
  brokersRefuse,
  clusterUnseen,
  consumerRestarted,
  groupRefused,
  leaveSlow,
  partitionStalled,
  partitionsUnread,
  topicIdsUnknown,
  topicsFound,
  topicsMissing,
} from "./telemetry.ts";
import { askTopicIds, hasOtherTopic, type TopicIds } from "./topic-ids.ts";
import { selectTopics, type TopicSelection } from "./topics.ts";

export interface KafkaConsumerOptions extends Omit<GroupOptions, "report"> {
  readonly connection: KafkaConnection;
  readonly topics: TopicSelection;
  /** What members with our store offer the group (`protocolOf`); another one as soon as the store is another one. */
  readonly protocol: () => string;
  readonly report: Report;
  readonly clock: Clock;
  readonly random: Random;
}

/** Fetches are answered every half second, data or not: a longer silence is a dead connection. */
const silenceMs = 30_000;
/** Others have a session's time to join again; a coordinator that does not let us in for so long never will. */
const joinMsMax = 60_000;
/** Members without partitions and members that wait for their store still send a heartbeat every second. */
const connectedMs = 5_000;
/** A partition whose end was told by a fetch since then need not be asked for. */
const toldMs = 5_000;
/** The first look at who reads what, after joining; then with each look for topics. */
const firstLookMs = 3_000;
const lookForTopicsEveryMs = 10_000;
/** The group may let us in once its other members have gone. */
const refusedWaitMs = 3_000;
/** What a broker says may have it look again at once; so often it is asked at most. */
const lookAgainMsMin = 1_000;
const adminDeadlineMs = 15_000;
const leaveDeadlineMs = 5_000;

export class KafkaConsumer implements Consumer {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private session: GroupSession | undefined;
  private readonly ends = new PartitionEnds();
  private readonly coverage = new Coverage();
  private readonly stalls = new StallWatch();
  private missingTopics: readonly string[] = [];
  private refused = false;
  /** A broker does not know a topic that we read: kafkajs reads none of the others until it is left out. */
  private topicGone = false;
  private joins = 0;
  private lastAnswerMs: number | undefined;
  private lastFetchMs = -1;

  constructor(private readonly options: KafkaConsumerOptions) {}

  start(handler: ConsumerHandler): void {
    this.running = this.run(handler);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  state(): ConsumerState {
    const nowMs = this.options.clock.uptimeMs();
    const ours = this.session?.partitions ?? [];
    return {
      connected: this.lastAnswerMs !== undefined && nowMs - this.lastAnswerMs < connectedMs,
      partitions: ours.map((partition) => this.partitionState(partition, nowMs)),
      others: this.coverage.others(ours, nowMs).map((one) => ({ ...one, ...this.ends.of(one, nowMs) })),
      missingTopics: this.missingTopics,
      groupRefused: this.refused,
      rebalances: this.joins + (this.session?.joins ?? 0),
    };
  }

  private partitionState({ topic, partition }: TopicPartition, nowMs: number): PartitionState {
    const at = { topic, partition };
    return {
      ...at,
      ...this.ends.of(at, nowMs),
      stalledForMs: this.stalls.stalledForMs(partitionName(at), nowMs),
    };
  }

  private async run(handler: ConsumerHandler): Promise<void> {
    const { report } = this.options;
    const { signal } = this.stopping;
    const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 }, this.options.random);
    while (!signal.aborted) {
      const { connection } = this.options;
      const fetched = (partition: FetchedPartition) => this.fetched(partition);
      const kafka = createKafka({
        ...{ ...connection, report, component: "consumer", fetched },
        fetchWaitMs: () => this.session?.fetchWaitMs,
      });
      const topics = await this.findTopics();
      if (topics === undefined || topics.length === 0) {
        await sleep(topics === undefined ? backoff.nextMs() : 500, signal);
        continue;
      }
      report(topicsFound, { topics: topics.join(",") });
      const cause = await this.live(kafka, topics, handler);
      if (cause === undefined) continue; // stopped, or the topics or the store have changed
      this.refused = isGroupRefused(cause);
      if (this.refused) {
        const { groupId: group } = this.options;
        const hint = "Give this central a `group` of its own, or let it share the other one's `store`.";
        report(groupRefused, { group, hint });
        await this.lookAround(topics);
        await sleep(refusedWaitMs, signal);
        continue;
      }
      report(consumerRestarted, { cause: messageOf(cause) });
      await sleep(backoff.nextMs(), signal);
      if (this.session !== undefined && this.session.joins > 0) backoff.reset();
    }
  }

  /** True: to be handed on, although it brings nothing. Retention has outrun us, which must not wait for the next record. */
  private fetched(fetched: FetchedPartition): boolean {
    const nowMs = this.options.clock.uptimeMs();
    this.lastAnswerMs = nowMs;
    this.lastFetchMs = nowMs;
    const { topic, partition, errorCode, highWatermark, logStartOffset = -1, frames } = fetched;
    if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) this.topicGone = true;
    if (errorCode !== 0) return false;
    const key = partitionName({ topic, partition });
    this.ends.told(fetched, { ...fetched, logStartOffset }, nowMs);
    this.stalls.seen(key, highWatermark, logStartOffset, nowMs);
    return frames.length === 0 && this.stalls.isOutrun(key, logStartOffset);
  }

  /** One session from start to end; the reason when it ended by itself. */
  private async live(kafka: Kafka, topics: readonly string[], handler: ConsumerHandler): Promise<unknown> {
    const protocol = this.options.protocol();
    const parts = {
      kafka,
      protocol,
      events: this.events(),
      fetched: fetchedPartition,
      topicIds: (names: readonly string[]) => this.topicIds(names),
      committed: () => this.committed(),
    };
    const session = new GroupSession(parts, this.options, handler);
    this.session = session;
    const over = new AbortController();
    try {
      await Promise.race([
        session.start(topics).then(() => session.ended),
        session.ended,
        aborted(AbortSignal.any([this.stopping.signal, over.signal])),
        this.silence(session, over.signal),
        this.changes(session, topics, over.signal),
      ]);
      return undefined;
    } catch (thrown) {
      return thrown;
    } finally {
      over.abort();
      this.joins += session.joins;
      await this.leave(session);
      this.session = undefined;
    }
  }

  private events(): SessionEvents {
    const { clock } = this.options;
    return {
      answered: () => {
        this.lastAnswerMs = clock.uptimeMs();
      },
      joined: () => {
        this.refused = false;
        this.stalls.clear();
      },
      moved: (partition, next) => this.stalls.moved(partitionName(partition), next, clock.uptimeMs()),
    };
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
      if (session.handling) this.stalls.held(nowMs);
      if (session.handling || (session.joins > 0 && session.partitions.length === 0)) quietSinceMs = nowMs;
      quietSinceMs = Math.max(quietSinceMs, this.lastFetchMs);
      this.reportStalls(session, nowMs);
      const isIn = session.joins > 0;
      const limitMs = isIn ? silenceMs : joinMsMax;
      if (nowMs - quietSinceMs > limitMs) {
        throw unreachable(`${isIn ? "fetch" : "join the group"}: no answer for ${limitMs / 1_000} s`);
      }
    }
    return await never();
  }

  private reportStalls(session: GroupSession, nowMs: number): void {
    for (const { topic, partition } of session.partitions) {
      const forMs = this.stalls.stalledForMs(partitionName({ topic, partition }), nowMs);
      if (forMs > 0) this.options.report(partitionStalled, { topic, partition, forSeconds: Math.round(forMs / 1_000) });
    }
  }

  /** Resolves when the cluster's topics, seen through the config, or our store are no longer those of the session. */
  private async changes(session: GroupSession, topics: readonly string[], signal: AbortSignal): Promise<void> {
    await sleep(firstLookMs, signal);
    while (!signal.aborted) {
      await this.lookAround(topics);
      await this.untilNextLook(signal);
      if (signal.aborted) break;
      const found = await this.findTopics();
      if (found !== undefined && found.length > 0 && found.join() !== topics.join()) return;
      if (this.options.protocol() !== session.protocol) return;
      const ids = await this.topicIds(topics);
      if (ids !== undefined && hasOtherTopic(session.topicIds, ids)) return;
    }
    return await never();
  }

  private async untilNextLook(signal: AbortSignal): Promise<void> {
    await sleep(lookAgainMsMin, signal);
    for (
      let leftMs = lookForTopicsEveryMs - lookAgainMsMin;
      leftMs > 0 && !this.topicGone;
      leftMs -= lookAgainMsMin / 4
    ) {
      if (signal.aborted) return;
      await sleep(lookAgainMsMin / 4, signal);
    }
    this.topicGone = false;
  }

  /** Looks at who reads the partitions, and says so when nobody does. */
  private async lookAround(topics: readonly string[]): Promise<void> {
    const { groupId, clock, report } = this.options;
    const isTold = (at: TopicPartition) => {
      const { highWatermark, untoldForMs } = this.ends.of(at, clock.uptimeMs());
      return highWatermark >= 0 && untoldForMs < toldMs;
    };
    try {
      await this.ask("look at the cluster", async (admin) => {
        // The topics first: their ends are told even when the group's coordinator is away.
        const partitions = await viewTopics(admin, topics, isTold);
        for (const { endOffset: highWatermark, startOffset: logStartOffset, ...at } of partitions) {
          if (highWatermark >= 0) this.ends.looked(at, { highWatermark, logStartOffset }, clock.uptimeMs());
        }
        const group = await viewGroup(admin, groupId);
        this.coverage.look({ partitions, group }, this.options.protocol(), clock.uptimeMs());
      });
    } catch (thrown) {
      report(clusterUnseen, { error: messageOf(thrown) });
    }
    const unread = this.state().others.filter(({ unreadForMs }) => unreadForMs >= unreadGraceMs);
    if (unread.length === 0) return;
    const names = unread.slice(0, 10).map(({ topic, partition }) => `${topic}/${partition}`);
    const hint = "See /api/v1/lag. Is another program, or a central with another store, in the group?";
    report(partitionsUnread, { count: unread.length, partitions: names.join(","), group: groupId, hint });
  }

  /** Undefined when no broker answers. */
  private async findTopics(): Promise<readonly string[] | undefined> {
    const { topics: selection, report } = this.options;
    try {
      const existing = await this.ask("list topics", (admin) => admin.listTopics());
      this.missingTopics = selection.names.filter((name) => !existing.includes(name));
      const topics = selectTopics(selection, existing);
      const wanted = topics.length === 0 ? selection.text : this.missingTopics.join(", ");
      if (topics.length === 0 || this.missingTopics.length > 0) report(topicsMissing, { wanted });
      return topics;
    } catch (thrown) {
      const error = explainClientError("list topics", thrown, this.options.connection);
      const signal = hasCode(error, "KAFKA_UNREACHABLE") ? brokersAway : brokersRefuse;
      report(signal, { code: error.code, error: messageOf(error), hint: consumerHint(error) });
      return undefined;
    }
  }

  /** Undefined when no broker answers. */
  private async topicIds(topics: readonly string[]): Promise<TopicIds | undefined> {
    try {
      return await askTopicIds(this.options.connection, topics);
    } catch (thrown) {
      this.options.report(topicIdsUnknown, { error: messageOf(thrown) });
      return undefined;
    }
  }

  /** Undefined when no broker answers. */
  private async committed(): Promise<ReadonlyMap<string, number> | undefined> {
    try {
      return await this.ask("read the group's positions", (admin) => viewCommitted(admin, this.options.groupId));
    } catch (thrown) {
      this.options.report(clusterUnseen, { error: messageOf(thrown) });
      return undefined;
    }
  }

  /** One question to the cluster, through a client of its own that gives up. */
  private async ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    const { connection, clock, report } = this.options;
    const admin = createBriefKafka(connection).admin();
    try {
      const answer = admin.connect().then(() => question(admin));
      const answered = await withDeadline(answer, adminDeadlineMs, () => unreachable(`${doing}: no answer in time`));
      this.lastAnswerMs = clock.uptimeMs();
      return answered;
    } finally {
      admin.disconnect().catch((thrown: unknown) => report(brokersAway, { error: messageOf(thrown) }));
    }
  }
}

function unreachable(message: string): AppError {
  return new AppError("KAFKA_UNREACHABLE", message);
}

function never(): Promise<never> {
  return new Promise<never>(() => {});
}
