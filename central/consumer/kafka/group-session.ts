/**
 * One life of a kafkajs consumer: from connecting to a crash, a changed list of topics, a silence, or stop. Whatever
 * ends it, the next life begins with a new client, so that no half-open connection or stuck state is carried over.
 *
 * On GROUP_JOIN all partitions are paused before kafkajs can fetch; each is sought to where the handler says and
 * resumed. `autoCommit` is off: kafkajs then keeps a sought offset to itself instead of committing it, and we commit
 * once a second, after the store's transaction, for everybody's lag tools.
 */

import type { EachBatchPayload, Kafka, Consumer as KafkaClient } from "kafkajs";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { endlessRetry } from "../../../shared/kafka/connection/client.ts";
import type { FetchedPartition, fetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { partitionName, type TopicPartition } from "../../records/partition.ts";
import { type AssignedPartition, type ConsumerHandler, type Outcome, type Start, turnMs } from "../consumer.ts";
import { ArrivalBuilder } from "./arrival.ts";
import { BatchGate, type TurnedAway } from "./batch-gate.ts";
import { Siding } from "./siding.ts";
import { storeAssigner } from "./store-protocol.ts";
import { commitFailed, groupJoined } from "./telemetry.ts";
import type { TopicIds } from "./topic-ids.ts";
import { Unloading, type UnloadingStep } from "./unloading.ts";

/** How the group is joined and how much a fetch may bring. */
export interface GroupOptions {
  readonly groupId: string;
  /** How long the group waits for a member that is gone; the broker allows 6 s and more by default. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly fetchBytesPerPartition: number;
  /** Whose signatures are believed; undefined: they are not looked at. */
  readonly keys?: (() => KeyList) | undefined;
  /** Whose signed batches are not read at present; undefined: nobody's. */
  readonly turnedAway?: (() => TurnedAway) | undefined;
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
  readonly kafka: Pick<Kafka, "consumer">;
  readonly protocol: string;
  readonly events: SessionEvents;
  /** What a fetch brought, by the message that stands for it. */
  readonly fetched: typeof fetchedPartition;
  /** Undefined when no broker answers. */
  topicIds(topics: readonly string[]): Promise<TopicIds | undefined>;
  /** What the group has committed, by partition; undefined when no broker answers. */
  committed(): Promise<ReadonlyMap<string, number> | undefined>;
}

/** Kafka answers at once when there is data; this is how long it waits when there is none. */
const fetchWaitMs = 500;
/** While a fetch goes on beside the others: its partition can be asked for only when this fetch is answered. */
const besideWaitMs = 20;
const commitEveryMs = 1_000;
const askAgainMs = 500;
/** New topics of a pattern and new partitions are noticed within this time. */
const metadataMaxAgeMs = 10_000;

export class GroupSession {
  /** Rejects when this life is over by itself. */
  readonly ended: Promise<never>;
  private readonly client: KafkaClient;
  private readonly builder: ArrivalBuilder;
  private readonly stopping = new AbortController();
  private endWith: (error: Error) => void = () => {};
  private readonly siding = new Siding(this.stopping.signal);
  private assignment = new AbortController();
  /** Where each partition is read. */
  private readonly readFrom = new Map<string, number>();
  private readonly dirty = new Map<string, { topic: string; partition: number; offset: string }>();
  private commit: EachBatchPayload["commitOffsetsIfNecessary"] | undefined;
  private commitInHand: Promise<void> | undefined;
  private committing: ReturnType<typeof setInterval> | undefined;
  /** Ours at the moment. */
  partitions: readonly TopicPartition[] = [];
  /** As asked for with the last assignment. */
  topicIds: TopicIds = new Map();
  /** The handler holds an arrival: no fetch can be expected meanwhile. */
  handling = false;
  joins = 0;

  /** How long the broker may wait for records, where it is not the usual time. */
  get fetchWaitMs(): number | undefined {
    return this.siding.isEmpty ? undefined : besideWaitMs;
  }

  /** What its members offer the group. */
  get protocol(): string {
    return this.parts.protocol;
  }

  constructor(
    private readonly parts: SessionParts,
    private readonly options: GroupOptions,
    private readonly handler: ConsumerHandler,
  ) {
    const { keys, turnedAway } = options;
    this.builder = new ArrivalBuilder(keys, keys && turnedAway && new BatchGate(keys, turnedAway));
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
    await this.siding.stop();
    await this.commitDirty();
    await this.client.disconnect();
  }

  /** Synchronous up to the pause: kafkajs fetches as soon as this returns. */
  private joined(assignment: Readonly<Record<string, number[]>>): void {
    this.assignment.abort();
    this.assignment = new AbortController();
    this.dirty.clear();
    this.readFrom.clear();
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
    const [ids = new Map(), committed] = await Promise.all([this.parts.topicIds(topics), this.committed(signal)]);
    if (signal.aborted) return;
    this.topicIds = ids;
    for (const at of this.partitions) {
      void this.begin({ ...at, topicId: ids.get(at.topic), committed: committed.get(partitionName(at)) }, signal);
    }
  }

  /** Before anything of ours is committed. The coordinator has just let us in: it will answer, or this life ends. */
  private async committed(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    while (!signal.aborted) {
      const found = await this.parts.committed();
      if (found !== undefined) return found;
      await sleep(askAgainMs, signal);
    }
    return new Map();
  }

  private async begin(assigned: AssignedPartition, signal: AbortSignal): Promise<void> {
    const { topic, partition } = assigned;
    try {
      const start = await this.handler.assigned(assigned, signal);
      if (signal.aborted) return;
      this.seek({ topic, partition }, start);
      this.client.resume([{ topic, partitions: [partition] }]);
    } catch (thrown) {
      if (!signal.aborted) this.fail(thrown);
    }
  }

  private seek({ topic, partition }: TopicPartition, start: Start): void {
    // For kafkajs "earliest" is an offset that the broker refuses as out of range unless it is the earliest: 0.
    this.client.seek({ topic, partition, offset: start === "earliest" ? "0" : String(start) });
    this.moved({ topic, partition }, start);
  }

  private moved(at: TopicPartition, start: Start): void {
    if (start === "earliest") this.readFrom.delete(partitionName(at));
    else this.readFrom.set(partitionName(at), start);
    this.parts.events.moved(at, start === "earliest" ? -1 : start);
  }

  private fail(thrown: unknown): void {
    this.endWith(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const last = batch.messages.at(-1);
    const raw = last === undefined ? undefined : this.parts.fetched(last);
    this.commit = payload.commitOffsetsIfNecessary;
    if (raw === undefined || !payload.isRunning() || payload.isStale()) return;
    const at = { topic: raw.topic, partition: raw.partition };
    const { signal } = this.assignment;
    const unloading = this.unloading(raw, payload);
    this.handling = true;
    try {
      const untilMs = performance.now() + turnMs;
      let step = await unloading.step();
      if (step === undefined) return await sleep(100, this.stopping.signal); // damaged on the way: fetched again
      for (; step !== undefined; step = await unloading.step()) {
        if (signal.aborted) return;
        const { restMs, kind } = step.outcome;
        if (kind === "done") payload.resolveOffset(String(step.arrival.nextOffset - 1));
        this.after(at, step);
        if (kind === "seek") return this.rest(at, restMs);
        const othersWait = restMs !== undefined && (kind === "again" || restMs > 0);
        if (othersWait || (kind === "again" && performance.now() > untilMs)) {
          return this.goAside(at, unloading, step.outcome);
        }
        if (performance.now() > untilMs) return; // What is left is fetched again.
      }
    } finally {
      this.handling = false;
    }
  }

  private unloading(raw: FetchedPartition, payload: EachBatchPayload): Unloading {
    const { topic } = raw;
    const from = this.readFrom.get(partitionName(raw)) ?? 0;
    return new Unloading(this.builder.arrivals(raw, from), this.handler, {
      heartbeat: () => this.beat(payload),
      topicId: async () => (await this.parts.topicIds([topic]))?.get(topic),
      signal: this.stopping.signal,
    });
  }

  /**
   * A coordinator that is frozen, or away, answers after half a minute or not at all, and kafkajs waits for it. After a
   * session's time without an answer the group has moved on, and the arrival in hand is nobody's.
   */
  private async beat({ heartbeat }: EachBatchPayload): Promise<void> {
    const { sessionTimeoutMs: withinMs } = this.options;
    await withDeadline(heartbeat(), withinMs, () => {
      return new AppError("KAFKA_UNREACHABLE", `heartbeat: no answer for ${withinMs / 1_000} s`);
    });
  }

  /** Where reading goes on. */
  private after(at: TopicPartition, { outcome, arrival }: UnloadingStep): void {
    if (outcome.kind === "seek") this.seek(at, outcome.start);
    else if (outcome.kind === "again") this.moved(at, outcome.start);
    else {
      this.moved(at, arrival.nextOffset);
      if (outcome.commit === "later") return;
      this.dirty.set(partitionName(at), { ...at, offset: String(arrival.nextOffset) });
    }
  }

  /** The fetch goes on beside the others (siding.ts), or, where too many do, its rest is fetched again. */
  private goAside(at: TopicPartition, unloading: Unloading, outcome: Outcome): void {
    if (this.siding.isFull) {
      if (outcome.kind === "again") this.seek(at, outcome.start);
      this.rest(at, outcome.restMs);
      return;
    }
    const { signal: assignment } = this.assignment;
    unloading.goAside();
    this.client.pause([{ topic: at.topic, partitions: [at.partition] }]);
    const readAgain = () => {
      this.seek(at, this.readFrom.get(partitionName(at)) ?? "earliest");
      this.client.resume([{ topic: at.topic, partitions: [at.partition] }]);
    };
    const after = (next: UnloadingStep | undefined) => {
      if (next !== undefined) this.after(at, next);
      if (next !== undefined && next.outcome.kind !== "seek") return true;
      readAgain();
      return false;
    };
    this.siding.take({ unloading, assignment, after, failed: (thrown) => this.fail(thrown) }, outcome.restMs ?? 0);
  }

  /** The partition is not read for a while. After a rebalance it is, if it is ours, from the start of the assignment. */
  private rest({ topic, partition }: TopicPartition, restMs = 0): void {
    const { signal: assignment } = this.assignment;
    if (assignment.aborted || restMs === 0) return;
    const partitions = [{ topic, partitions: [partition] }];
    this.client.pause(partitions);
    setTimeout(() => {
      if (!assignment.aborted && !this.stopping.signal.aborted) this.client.resume(partitions);
    }, restMs);
  }

  /** For others' lag tools: nothing here waits for it, and no second one begins before it is answered. */
  private async commitDirty(): Promise<void> {
    this.commitInHand ??= this.commitNow().finally(() => {
      this.commitInHand = undefined;
    });
    await this.commitInHand;
  }

  private async commitNow(): Promise<void> {
    if (this.dirty.size === 0 || this.commit === undefined) return;
    const offsets = [...this.dirty.values()];
    this.dirty.clear();
    try {
      await this.commit({
        topics: offsets.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset }] })),
      });
    } catch (thrown) {
      this.options.report(commitFailed, { error: messageOf(thrown) });
    }
  }
}
