/** Reads the topic as a member of the consumer group, into `TakenTopic`, while there is room. */
import type { EachBatchPayload } from "kafkajs";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { Gaps } from "../../records/kafka-gaps.ts";
import { type FoundPartition, type Judge, KafkaGroup, type KafkaGroupOptions } from "../../records/kafka-group.ts";
import { isAnotherTopic, type TopicIds } from "../../records/kafka-topic-ids.ts";
import type { TakenTopic } from "./taken-topic.ts";
import { signals } from "./telemetry.ts";

export interface TopicReaderOptions {
  readonly topic: string;
  readonly group: KafkaGroupOptions;
  readonly taken: TakenTopic;
  /** Has something to take arrived? */
  readonly arrived: () => void;
  /** The id that the stored progress is about. */
  readonly progress: { topicId: string | undefined };
  readonly report: Report;
  /** Another reader of the same is gone then. */
  readonly after: Promise<void>;
}

const againMs = 1_000;
/** While there is no room, the group hears from us so often. */
const heartbeatMs = 1_000;
/** So many records between two looks at what else is to be done. */
const recordsAtOnce = 500;

export class TopicReader {
  assigned = 0;
  /** Why it does not read; undefined: it does. */
  trouble: string | undefined;
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;
  private knownTopicId: string | undefined;
  private readonly gaps = new Gaps();
  /** What is read now is another topic than before: what the group was told of the name may be about that one. */
  private isAnew = false;
  private member: KafkaGroup | undefined;

  constructor(private readonly options: TopicReaderOptions) {
    this.knownTopicId = options.progress.topicId;
    this.done = this.run();
  }

  /** Leaves the group; what was read and not taken is the next member's. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.done;
    this.options.taken.assigned([]);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { topic, group, report, after } = this.options;
    await after;
    while (!signal.aborted) {
      try {
        this.member = new KafkaGroup(group, {
          topics: async () => [topic],
          looksForTopics: false,
          joined: (assignment) => this.joined(assignment[topic] ?? []),
          prepare: (ids) => this.prepare(ids),
          begins: (_, partition, found) => this.begins(partition, found),
          looking: () => this.looking(),
          take: (payload, over) => this.take(payload, over),
          told: async () => this.told(),
          notTold: (error) => report(signals.notTold, { error: messageOf(error) }),
        });
        await this.member.run(signal);
      } catch (thrown) {
        const error =
          thrown instanceof AppError ? thrown : explainClientError("read the topic", thrown, group.connection);
        this.trouble = messageOf(error);
        report(signals.ended, { topic, error: this.trouble, hint: error.hint });
      }
      this.assigned = 0;
      if (!signal.aborted) await sleep(againMs, signal);
    }
  }

  private joined(partitions: readonly number[]): void {
    const { taken, group, topic, report } = this.options;
    this.assigned = partitions.length;
    this.trouble = undefined;
    taken.assigned(partitions);
    report(signals.joined, { topic, group: group.groupId, partitions: partitions.length });
  }

  /** Is it still the topic that we know? */
  private prepare(ids: TopicIds): void {
    const { taken, topic, progress, report } = this.options;
    const id = ids.get(topic);
    this.isAnew = isAnotherTopic(this.knownTopicId, id);
    if (this.isAnew) {
      report(signals.anotherTopic, { topic });
      taken.forgetAll();
    }
    if (id === undefined || id === this.knownTopicId) return;
    this.knownTopicId = id;
    progress.topicId = id;
  }

  private begins(partition: number, { groups, ends, topicId }: FoundPartition): number | undefined {
    const isOfBefore = isAnotherTopic(groups?.topicId, topicId) || (this.isAnew && groups?.topicId !== topicId);
    const known = this.options.taken.begins(partition, isOfBefore ? undefined : groups?.offset, ends);
    return known ?? (this.isAnew ? (ends?.low ?? 0) : undefined);
  }

  private looking(): Judge {
    const { taken, report } = this.options;
    const judge = taken.looking();
    return (ends) => {
      for (const { topic, partition, from, to } of this.gaps.lost(ends)) {
        report(signals.outrun, { topic, partition, from, to, count: to - from + 1 });
      }
      return judge(ends);
    };
  }

  private async take(payload: EachBatchPayload, signal: AbortSignal): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const { partition, messages } = batch;
    const { taken, arrived } = this.options;
    if ((await this.member?.isSame(batch.topic)) === false) return;
    if (await this.isAstray(partition, Number(messages[0]?.offset ?? -1))) return;
    for (let at = 0; at < messages.length; at += recordsAtOnce) {
      while (!taken.hasRoom) {
        const turn = AbortSignal.any([signal, AbortSignal.timeout(heartbeatMs)]);
        await taken.room.wait(turn);
        await heartbeat();
        if (signal.aborted || !isRunning() || isStale()) return;
      }
      if (signal.aborted || !isRunning() || isStale()) return;
      const some = messages.slice(at, at + recordsAtOnce);
      for (const message of some) taken.accept(partition, message, Number(batch.highWatermark));
      const last = some.at(-1);
      if (last !== undefined) resolveOffset(last.offset);
      arrived();
    }
  }

  /** These offsets are not those that were expected: has the topic deleted some, or is it another one? */
  private async isAstray(partition: number, first: number): Promise<boolean> {
    const { taken, topic } = this.options;
    const expected = taken.expected(partition);
    if (this.member === undefined || expected === undefined || first === expected) return false;
    if (first > expected) {
      taken.passOver(partition, first);
      if (!this.gaps.note({ topic, partition, from: expected, to: first - 1 })) return false;
    }
    return await this.member.look();
  }

  private told() {
    const { taken, topic } = this.options;
    return taken.offsets().map(({ partition, offset }) => ({ topic, partition, offset: String(offset) }));
  }
}
