/**
 * Membership in a consumer group (kafkajs), for those who keep themselves how far they are: what is stored here counts, and the
 * group is told afterwards.
 *
 *     joined ─▶ the group's offsets are asked for ─▶ seek ─▶ fetched ─▶ taken ─▶ (stored by whoever takes) ─▶ group told
 */
import { type Admin, type Consumer, type EachBatchPayload, type Kafka, PartitionAssigners } from "kafkajs";
import { aborted } from "../../shared/async/aborted.ts";
import { withDeadline } from "../../shared/async/deadline.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { beforeJoin } from "../../shared/kafka/connection/before-join.ts";
import { createKafka, endlessRetry, type KafkaConnection } from "../../shared/kafka/connection/client.ts";
import { kafkaClientError } from "../../shared/kafka/connection/client-log.ts";
import { explainClientError } from "../../shared/kafka/connection/connect-error.ts";
import type { Fields, Report } from "../../shared/telemetry/log.ts";
import { limits } from "../core/limits.ts";
import { rangeAssigner } from "./kafka-range.ts";
import { aboutTopic, isAnotherTopic, type TopicIds, topicIdOf } from "./kafka-topic-ids.ts";

/** Whom to ask, and as which group. */
export interface KafkaGroupOptions {
  readonly connection: KafkaConnection;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  /** Where to begin with a partition that neither we nor the group know. */
  readonly fromBeginning: boolean;
  /** How often the group is told. */
  readonly tellEveryMs: number;
  /** The ids of topics, as the cluster has them now. */
  readonly topicIds: (topics: readonly string[]) => Promise<TopicIds>;
  readonly report: Report;
  /** In whose name the log speaks. */
  readonly component: string;
}

/** An offset of a partition, in Kafka's own words. */
export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** Offsets that a topic has of a partition: from `low` to below `high`. */
export interface PartitionEnds {
  readonly low: number;
  readonly high: number;
}

/** What was found of a partition before it is read. */
export interface FoundPartition {
  /** What the group was told; undefined: nothing. */
  readonly groups: ToldOffset | undefined;
  readonly ends: PartitionEnds | undefined;
  /** Of the topic; undefined: the brokers do not tell. */
  readonly topicId: string | undefined;
}

/** An offset that the group was told, and of which topic of that name; undefined: whoever told it did not say. */
export interface ToldOffset {
  readonly offset: number;
  readonly topicId: string | undefined;
}

/** Whether a reader is where it cannot go on; it is asked for a place again then. By `topic/partition`. */
export type Judge = (ends: ReadonlyMap<string, PartitionEnds>) => boolean;

/** Who reads. */
export interface KafkaGroupReader {
  /** The topics to read now. @throws AppError when there are none. */
  topics(kafka: Kafka): Promise<readonly string[]>;
  /** Whether the topics are looked for again while they are read. */
  readonly looksForTopics: boolean;
  /** Another assignment: nothing of it is fetched before `begins` has answered for each. */
  joined(assignment: Readonly<Record<string, readonly number[]>>): void;
  /** The topics as they are now, before `begins` is asked. */
  prepare?(ids: TopicIds): void;
  /** Where a partition goes on; undefined: nobody knows. */
  begins(topic: string, partition: number, found: FoundPartition): number | undefined;
  /** The cluster is about to be asked for the ends of what is ours. */
  looking(): Judge;
  /** Takes the records of a partition, with heartbeats while it waits. */
  take(payload: EachBatchPayload, signal: AbortSignal): Promise<void>;
  /** What the group may be told now; waits until that is stored. Undefined: not now. */
  told(signal: AbortSignal): Promise<readonly PartitionOffset[] | undefined>;
  /** The group could not be told. */
  notTold(error: unknown): void;
}

const lookForTopicsMs = 30_000;
/** How often the cluster is asked where the topics end, and whether they are still the same. With many topics less often. */
const lookEveryMs = 10_000;
const lookMsPerTopic = 100;
const askEveryMs = 200;
const leaveMsMax = 3_000;
/** Well below a session. */
const tellMsMax = 2_000;

/** One membership: from connecting until the signal aborts, it crashes, or the topics are others. */
export class KafkaGroup {
  private readonly kafka: Kafka;
  private readonly consumer: Consumer;
  private readonly over = new AbortController();
  /** What the client complained of last, and when. */
  private complaint: { readonly words: string; readonly atMs: number } | undefined;
  private joins = 0;
  private joining: Promise<void> = Promise.resolve();
  private toldText = "";
  private assignment: Readonly<Record<string, readonly number[]>> = {};
  /** Of the topics that are read, as they were when reading began. */
  private ids: TopicIds = new Map();
  /** When their ids were asked for last, apart from looks. */
  private readonly askedMs = new Map<string, number>();
  private asking: Promise<Admin> | undefined;

  constructor(
    private readonly options: KafkaGroupOptions,
    private readonly reader: KafkaGroupReader,
  ) {
    const { connection, groupId, sessionTimeoutMs: sessionTimeout, component } = options;
    const report: Report = (signal, fields = {}) => {
      if (signal === kafkaClientError) this.complaint = { words: wordsOf(fields), atMs: performance.now() };
      options.report(signal, fields);
    };
    this.kafka = createKafka({ ...connection, report, component });
    this.consumer = this.kafka.consumer({
      groupId,
      // The second is what members before this had: a group has what all its members know.
      partitionAssigners: [beforeJoin(rangeAssigner, () => this.beforeJoin()), PartitionAssigners.roundRobin],
      sessionTimeout,
      rebalanceTimeout: 2 * sessionTimeout,
      heartbeatInterval: Math.min(3_000, sessionTimeout / 3),
      maxBytesPerPartition: limits.readBytes,
      maxBytes: 4 * limits.readBytes,
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      // One way back: whatever ends this membership, the next one begins with a new client. One that kafkajs starts anew by itself,
      // while we let go of it, would be a member that nobody reads from.
      retry: { ...endlessRetry, restartOnFailure: async () => false },
    });
  }

  /** What the client complained of since then; undefined: nothing. */
  complaintSince(ms: number): string | undefined {
    return this.complaint !== undefined && this.complaint.atMs >= ms ? this.complaint.words : undefined;
  }

  /** @throws AppError why it ended by itself. */
  async run(signal: AbortSignal): Promise<void> {
    const { consumer, over, reader } = this;
    const stop = () => over.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      const topics = await reader.topics(this.kafka);
      const crashed = new Promise<never>((_resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
          this.joined(payload.memberAssignment).catch(reject);
        });
      });
      crashed.catch(() => {}); // It is told below, when somebody waits.
      this.joining = this.join(topics);
      this.joining.catch(() => {});
      await Promise.race([crashed, this.joining, aborted(over.signal)]);
      await Promise.race([crashed, this.tellWhileItLasts(topics), this.lookWhileItLasts()]);
    } catch (thrown) {
      throw thrown instanceof AppError
        ? thrown
        : explainClientError("read from Kafka", thrown, this.options.connection);
    } finally {
      signal.removeEventListener("abort", stop);
      over.abort();
      await this.leave();
    }
  }

  private async join(topics: readonly string[]): Promise<void> {
    const { consumer, over, reader } = this;
    await consumer.connect();
    // Where retention has outrun us, kafkajs goes to this end: what is left of the log must not be passed over.
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => reader.take(payload, over.signal),
    });
  }

  /**
   * The last word to the group, and goodbye. Who leaves while he joins would become a member all the same, one that nobody reads from
   * and that keeps its partitions: so the joining is waited for, behind our back when a broker is away.
   */
  private async leave(): Promise<void> {
    const late = () => new AppError("KAFKA_UNREACHABLE", "leave the group: no answer in time");
    const goodbye = async () => {
      await this.joining.catch(() => {});
      if (this.joins > 0) await this.tell(AbortSignal.timeout(leaveMsMax));
      await this.consumer.disconnect();
    };
    this.endAsking();
    await withDeadline(goodbye(), leaveMsMax, late).catch(() => {});
  }

  private async joined(assignment: Readonly<Record<string, number[]>>): Promise<void> {
    this.assignment = assignment;
    const begun = this.begin();
    if (!this.over.signal.aborted) this.reader.joined(assignment);
    await begun;
  }

  /** Some of what is ours may go to another member, which goes on where the group says. */
  private async beforeJoin(): Promise<void> {
    if (this.joins === 0 || this.over.signal.aborted) return;
    const late = () => new AppError("KAFKA_UNREACHABLE", "tell the group before a rebalance: no answer in time");
    await withDeadline(this.tell(this.over.signal), tellMsMax, late).catch((error: unknown) =>
      this.reader.notTold(error),
    );
  }

  /** Nothing is fetched before it is known where to go on. Synchronous up to the pause: kafkajs fetches as soon as it returns. */
  private async begin(): Promise<void> {
    const { consumer, reader, assignment } = this;
    const topics = Object.keys(assignment);
    const join = ++this.joins;
    this.toldText = "";
    consumer.pause(topics.map((topic) => ({ topic, partitions: [...(assignment[topic] ?? [])] })));
    if (this.over.signal.aborted) return;
    // A client of its own has heard nothing old of the topics.
    this.endAsking();
    const groups = await this.groupOffsets(topics);
    const { ids, ends } = await this.seen(topics);
    // Another assignment has come meanwhile, and asks for itself.
    if (this.over.signal.aborted || join !== this.joins) return;
    this.ids = ids;
    if (topics.length > 0) reader.prepare?.(ids);
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const name = `${topic}/${partition}`;
        const found = { groups: groups.get(name), ends: ends.get(name), topicId: ids.get(topic) };
        const known = reader.begins(topic, partition, found);
        const offset = known ?? (this.options.fromBeginning ? undefined : found.ends?.high);
        if (offset !== undefined) consumer.seek({ topic, partition, offset: String(offset) });
      }
      consumer.resume([{ topic, partitions: [...partitions] }]);
    }
  }

  /**
   * Asks whether the topics are still the same, and where they end. True: reading goes on somewhere else, and what was fetched
   * counts no more.
   */
  async look(): Promise<boolean> {
    const { joins } = this;
    const topics = Object.keys(this.assignment);
    const judge = this.reader.looking();
    const { ids, ends } = await this.seen(topics);
    if (this.over.signal.aborted || joins !== this.joins) return true;
    const isOther = topics.some((topic) => isAnotherTopic(this.ids.get(topic), ids.get(topic)));
    if (!judge(ends) && !isOther) return false;
    await this.begin();
    return true;
  }

  /**
   * Whether what was fetched is of the topic that is read: one that was made anew in between may have records at the same
   * offsets. Asked often enough that hardly anything of another topic is taken for one of this; `look` finds the rest.
   */
  async isSame(topic: string): Promise<boolean> {
    const known = this.ids.get(topic);
    if (known === undefined || performance.now() - (this.askedMs.get(topic) ?? 0) < askEveryMs) return true;
    const id = (await this.options.topicIds([topic])).get(topic);
    this.askedMs.set(topic, performance.now());
    return !isAnotherTopic(known, id) || !(await this.look());
  }

  /** The topics' ids and ends, which belong together: a topic that is made anew in between is asked for again. */
  private async seen(topics: readonly string[]) {
    const { topicIds } = this.options;
    for (let before = await topicIds(topics); ; ) {
      const ends = await this.ends(topics);
      const ids = await topicIds(topics);
      if (topics.every((topic) => before.get(topic) === ids.get(topic))) return { ids, ends };
      before = ids;
    }
  }

  /** What the topics have now, by `topic/partition`. */
  private async ends(topics: readonly string[]): Promise<ReadonlyMap<string, PartitionEnds>> {
    return await this.ask(topics, async (admin) => {
      const found = new Map<string, PartitionEnds>();
      for (const topic of topics) {
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
          found.set(`${topic}/${partition}`, { low: Number(low), high: Number(high) });
        }
      }
      return found;
    });
  }

  private async groupOffsets(topics: readonly string[]): Promise<ReadonlyMap<string, ToldOffset>> {
    const { groupId } = this.options;
    return await this.ask(topics, async (admin) => {
      const found = new Map<string, ToldOffset>();
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId, topics: [...topics] })) {
        for (const { partition, offset: text, metadata } of partitions) {
          const offset = Number(text);
          // -1: the group was never told.
          if (offset >= 0) found.set(`${topic}/${partition}`, { offset, topicId: topicIdOf(metadata) });
        }
      }
      return found;
    });
  }

  /** A question to the cluster, by a client for questions. About no topics there is nothing to ask. */
  private async ask<Found>(
    topics: readonly string[],
    question: (admin: Admin) => Promise<ReadonlyMap<string, Found>>,
  ): Promise<ReadonlyMap<string, Found>> {
    if (topics.length === 0) return new Map();
    this.asking ??= this.newAdmin();
    const { asking } = this;
    try {
      return await question(await asking);
    } catch (thrown) {
      // The next question has a new one.
      if (this.asking === asking) this.endAsking();
      throw thrown;
    }
  }

  private async newAdmin(): Promise<Admin> {
    const admin = this.kafka.admin();
    await admin.connect();
    return admin;
  }

  private endAsking(): void {
    this.asking?.then((admin) => admin.disconnect()).catch(() => undefined);
    this.asking = undefined;
  }

  /** Until it is over. */
  private async lookWhileItLasts(): Promise<void> {
    const { signal } = this.over;
    while (!signal.aborted) {
      await sleep(Math.max(lookEveryMs, lookMsPerTopic * Object.keys(this.assignment).length), signal);
      // A cluster that does not answer is told by whoever fetches.
      if (!signal.aborted) await this.look().catch(() => undefined);
    }
  }

  /** Until it is over. Resolves when the topics are others. */
  private async tellWhileItLasts(topics: readonly string[]): Promise<void> {
    const { signal } = this.over;
    let lookedMs = performance.now();
    while (!signal.aborted) {
      await sleep(this.options.tellEveryMs, signal);
      if (signal.aborted) return;
      await this.tell(signal);
      if (!this.reader.looksForTopics || performance.now() - lookedMs < lookForTopicsMs) continue;
      lookedMs = performance.now();
      if ((await this.reader.topics(this.kafka)).join() !== topics.join()) return;
    }
  }

  private async tell(signal: AbortSignal): Promise<void> {
    const offsets = await this.reader.told(signal);
    if (offsets === undefined || offsets.length === 0) return;
    const text = JSON.stringify(offsets);
    if (text === this.toldText) return;
    const about = (topic: string) => aboutTopic(this.ids.get(topic)) ?? null;
    try {
      await this.consumer.commitOffsets(offsets.map((each) => ({ ...each, metadata: about(each.topic) })));
      this.toldText = text;
    } catch (error) {
      this.reader.notTold(error);
    }
  }
}

function wordsOf({ error, said }: Fields): string {
  return String(error ?? said);
}
