/**
 * One life of a kafkajs consumer: from connecting to a crash, a changed list of topics, a silence, or stop. Whatever
 * ends it, the next life begins with a new client, so that no half-open connection or stuck state is carried over.
 *
 * On GROUP_JOIN all partitions are paused before kafkajs can fetch; each is sought to where the handler says and
 * resumed. `autoCommit` is off: kafkajs then keeps a sought offset to itself instead of committing it, and we commit
 * once a second, after the store's transaction, for everybody's lag tools.
 */

import type { EachBatchPayload, Kafka, Consumer as KafkaClient } from "kafkajs";
import { sleep } from "../../../shared/async/sleep.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { endlessRetry } from "../../../shared/kafka/connection/client.ts";
import { fetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { TopicPartition } from "../../records/partition.ts";
import type { AssignedPartition, ConsumerHandler, Start } from "../consumer.ts";
import { ArrivalBuilder } from "./arrival.ts";
import { storeAssigner } from "./store-protocol.ts";
import { commitFailed, groupJoined } from "./telemetry.ts";
import type { TopicIds } from "./topic-ids.ts";

/** How the group is joined and how much a fetch may bring. */
export interface GroupOptions {
  readonly groupId: string;
  /** How long the group waits for a member that is gone; the broker allows 6 s and more by default. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly fetchBytesPerPartition: number;
  /** Whose signatures are believed; undefined: they are not looked at. */
  readonly keys?: (() => KeyList) | undefined;
  readonly report: Report;
}

/** What a session tells while it lives. */
export interface SessionEvents {
  /** A broker has answered something. */
  answered(): void;
  /** Reading of a partition goes on here; -1: at the log's start. */
  moved(partition: TopicPartition, next: number): void;
  /** Another assignment: nothing is read until `moved`. */
  joined(): void;
}

/** A life's own: the client that it speaks through, the protocol that the group's members agree on, who listens. */
export interface SessionParts {
  readonly kafka: Kafka;
  readonly protocol: string;
  readonly events: SessionEvents;
  /** Undefined when no broker answers. */
  topicIds(topics: readonly string[]): Promise<TopicIds | undefined>;
}

/** Kafka answers at once when there is data; this is how long it waits when there is none. */
const fetchWaitMs = 500;
const commitEveryMs = 1_000;
/** New topics of a pattern and new partitions are noticed within this time. */
const metadataMaxAgeMs = 10_000;

export class GroupSession {
  /** Rejects when this life is over by itself. */
  readonly ended: Promise<never>;
  private readonly client: KafkaClient;
  private readonly builder: ArrivalBuilder;
  private readonly stopping = new AbortController();
  private endWith: (error: Error) => void = () => {};
  private assignment = new AbortController();
  private readonly dirty = new Map<string, { topic: string; partition: number; offset: string }>();
  private commit: EachBatchPayload["commitOffsetsIfNecessary"] | undefined;
  private lastCommitMs = 0;
  private committing: ReturnType<typeof setInterval> | undefined;
  /** Ours at the moment. */
  partitions: readonly TopicPartition[] = [];
  /** As asked for with the last assignment. */
  topicIds: TopicIds = new Map();
  /** The handler holds an arrival: no fetch can be expected meanwhile. */
  handling = false;
  joins = 0;

  /** What its members offer the group. */
  get protocol(): string {
    return this.parts.protocol;
  }

  constructor(
    private readonly parts: SessionParts,
    private readonly options: GroupOptions,
    private readonly handler: ConsumerHandler,
  ) {
    this.builder = new ArrivalBuilder(options.keys);
    this.client = parts.kafka.consumer({
      groupId: options.groupId,
      partitionAssigners: [storeAssigner(parts.protocol)],
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatMs,
      maxWaitTimeInMs: fetchWaitMs,
      minBytes: 1,
      maxBytesPerPartition: options.fetchBytesPerPartition,
      maxBytes: options.fetchBytesPerPartition * 4,
      metadataMaxAge: metadataMaxAgeMs,
      // A topic that somebody deletes would be back at once, with the broker's defaults, by our asking for it.
      allowAutoTopicCreation: false,
      // Every crash ends this life: one way back instead of two.
      retry: { ...endlessRetry, retries: 30, restartOnFailure: async () => false },
    });
    this.ended = new Promise<never>((_, reject) => {
      this.endWith = reject;
    });
    this.ended.catch(() => {}); // Whoever runs this life awaits it; nobody else has to.
  }

  async start(topics: readonly string[]): Promise<void> {
    const { client } = this;
    client.on(client.events.CRASH, ({ payload }) => this.endWith(payload.error));
    client.on(client.events.REQUEST, () => this.parts.events.answered());
    client.on(client.events.GROUP_JOIN, ({ payload }) => this.joined(payload.memberAssignment));
    await client.connect();
    await client.subscribe({ topics: [...topics], fromBeginning: true });
    await client.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => this.eachBatch(payload),
    });
    this.committing = setInterval(() => void this.commitDirty(), commitEveryMs);
  }

  /** Leaves the group, after the arrival in hand. */
  async stop(): Promise<void> {
    clearInterval(this.committing);
    this.stopping.abort();
    this.assignment.abort();
    await this.commitDirty();
    await this.client.disconnect();
  }

  /** Synchronous up to the pause: kafkajs fetches as soon as this returns. */
  private joined(assignment: Readonly<Record<string, number[]>>): void {
    this.assignment.abort();
    this.assignment = new AbortController();
    this.dirty.clear();
    this.joins++;
    this.parts.events.joined();
    const { signal } = this.assignment;
    this.partitions = Object.entries(assignment).flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    );
    this.client.pause(Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions })));
    this.options.report(groupJoined, { group: this.options.groupId, partitions: this.partitions.length });
    void this.beginAll(Object.keys(assignment), signal);
  }

  /** The ids are asked for each time, and first: what is read after that is of that topic, or will be found out. */
  private async beginAll(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const ids = (await this.parts.topicIds(topics)) ?? new Map();
    if (signal.aborted) return;
    this.topicIds = ids;
    for (const { topic, partition } of this.partitions) {
      void this.begin({ topic, partition, topicId: ids.get(topic) }, signal);
    }
  }

  private async begin({ topic, partition, topicId }: AssignedPartition, signal: AbortSignal): Promise<void> {
    try {
      const start = await this.handler.assigned({ topic, partition, topicId }, signal);
      if (signal.aborted) return;
      this.seek({ topic, partition }, start);
      this.client.resume([{ topic, partitions: [partition] }]);
    } catch (thrown) {
      if (!signal.aborted) this.endWith(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  private seek({ topic, partition }: TopicPartition, start: Start): void {
    // For kafkajs "earliest" is an offset that the broker refuses as out of range unless it is the earliest: 0.
    this.client.seek({ topic, partition, offset: start === "earliest" ? "0" : String(start) });
    this.parts.events.moved({ topic, partition }, start === "earliest" ? -1 : start);
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const last = batch.messages.at(-1);
    const raw = last === undefined ? undefined : fetchedPartition(last);
    this.commit = payload.commitOffsetsIfNecessary;
    if (raw === undefined || !payload.isRunning() || payload.isStale()) return;
    const arrival = this.builder.build(raw);
    if (arrival === undefined) return await sleep(100, this.stopping.signal); // damaged on the way: fetched again
    this.handling = true;
    try {
      const context = {
        heartbeat: payload.heartbeat,
        topicId: async () => (await this.parts.topicIds([batch.topic]))?.get(batch.topic),
        signal: this.stopping.signal,
      };
      const { signal } = this.assignment;
      const outcome = await this.handler.deliver(arrival, context);
      if (outcome.restMs !== undefined && outcome.restMs > 0) this.rest(arrival, outcome.restMs, signal);
      if (outcome.kind === "seek") return this.seek(arrival, outcome.start);
      payload.resolveOffset(String(arrival.nextOffset - 1));
      const { topic, partition } = arrival;
      this.parts.events.moved({ topic, partition }, arrival.nextOffset);
      this.dirty.set(`${topic}/${partition}`, { topic, partition, offset: String(arrival.nextOffset) });
      if (performance.now() - this.lastCommitMs > commitEveryMs) await this.commitDirty();
    } finally {
      this.handling = false;
    }
  }

  /** The partition is not read for a while. After a rebalance it is, if it is ours, from the start of the assignment. */
  private rest({ topic, partition }: TopicPartition, restMs: number, assignment: AbortSignal): void {
    if (assignment.aborted) return;
    const partitions = [{ topic, partitions: [partition] }];
    this.client.pause(partitions);
    setTimeout(() => {
      if (!assignment.aborted && !this.stopping.signal.aborted) this.client.resume(partitions);
    }, restMs);
  }

  private async commitDirty(): Promise<void> {
    if (this.dirty.size === 0 || this.commit === undefined) return;
    const offsets = [...this.dirty.values()];
    this.dirty.clear();
    this.lastCommitMs = performance.now();
    try {
      await this.commit({
        topics: offsets.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset }] })),
      });
    } catch (thrown) {
      this.options.report(commitFailed, { error: messageOf(thrown) });
    }
  }
}
