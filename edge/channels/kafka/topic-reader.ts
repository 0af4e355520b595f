/** Reads the topic as a member of the consumer group, into `TakenTopic`, while there is room. */
import type { EachBatchPayload } from "kafkajs";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { explainClientError } from "../../../shared/kafka/connection/connect-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { KafkaGroup, type KafkaGroupOptions } from "../../records/kafka-group.ts";
import type { TakenTopic } from "./taken-topic.ts";
import { signals } from "./telemetry.ts";

export interface TopicReaderOptions {
  readonly topic: string;
  readonly group: KafkaGroupOptions;
  readonly taken: TakenTopic;
  /** Has something to take arrived? */
  readonly arrived: () => void;
  /** The topic's id as the cluster has it; undefined: it has none, or does not say. */
  readonly topicId: () => Promise<string | undefined>;
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
/** How often a gap between two records makes us ask what the topic has deleted. */
const gapEveryMs = 10_000;

export class TopicReader {
  assigned = 0;
  /** Why it does not read; undefined: it does. */
  trouble: string | undefined;
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;
  private knownTopicId: string | undefined;
  private gapAskedMs = Number.NEGATIVE_INFINITY;
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
    const { topic, group, report, taken, after } = this.options;
    await after;
    while (!signal.aborted) {
      try {
        this.member = new KafkaGroup(group, {
          topics: async () => [topic],
          looksForTopics: false,
          joined: (assignment) => this.joined(assignment[topic] ?? []),
          prepare: () => this.prepare(),
          begins: (_, partition, groups, ends) => taken.begins(partition, groups, ends),
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

  /** What the topic has, and whether it is still the one that we know. */
  private async prepare(): Promise<void> {
    const { taken, topicId, topic, progress, report } = this.options;
    const id = await topicId();
    if (id !== undefined && id !== this.knownTopicId) {
      if (this.knownTopicId !== undefined) {
        report(signals.anotherTopic, { topic });
        taken.forgetAll();
      }
      this.knownTopicId = id;
      progress.topicId = id;
    }
  }

  private async take(payload: EachBatchPayload, signal: AbortSignal): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const { partition, messages } = batch;
    const { taken, arrived } = this.options;
    await this.lookForGap(partition, Number(messages[0]?.offset ?? -1));
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

  /** Offsets that are missing are control records, compacted, or deleted by retention before we came: only that is a loss. */
  private async lookForGap(partition: number, first: number): Promise<void> {
    const { taken, topic, report } = this.options;
    const expected = taken.expected(partition);
    const nowMs = performance.now();
    if (this.member === undefined || expected === undefined || first <= expected) return;
    if (nowMs - this.gapAskedMs < gapEveryMs) return;
    this.gapAskedMs = nowMs;
    const low = (await this.member.ends([topic])).get(`${topic}/${partition}`)?.low ?? 0;
    if (low <= expected) return;
    report(signals.outrun, { topic, partition, from: expected, to: low - 1, count: low - expected });
  }

  private told() {
    const { taken, topic } = this.options;
    return taken.offsets().map(({ partition, offset }) => ({ topic, partition, offset: String(offset) }));
  }
}
