/**
 * Consumer → store: the only place where a position moves. Per partition:
 *
 *     assigned   position from the store; read again from the record *before* it
 *     delivered  is that record the one we know? then everything after it goes into the store, with the position
 *
 * What can be wrong, and what then happens:
 *   - store away              wait inside `deliver`, heartbeats going on; nothing is dropped, nothing else is fetched
 *   - fenced                  another instance has moved the position: read it again and go on from there
 *   - a record refused        put aside by the rules of the ledger, in the transaction of its neighbours
 *   - a poison record         the store itself cannot take it: halve the arrival until it stands alone, put it aside
 *   - told to stop            between two transactions: what is stored is stored, the rest is read again
 *   - the topic has another id, the record before is another one, or the log is shorter: the topic was made anew
 *     → gap row, alert, from its start. What was stored of it meanwhile comes again, and the ledger knows it
 *   - the store holds less than the group has committed: it is filled again, and central is not ready (earlier-store.ts)
 *   - the log begins behind our position: retention has outrun us → gap row, alert, go on
 */

import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, hasCode, messageOf } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import {
  type Arrival,
  type ArrivalContext,
  type AssignedPartition,
  type ConsumerHandler,
  type Outcome,
  type Start,
  turnMs,
} from "../consumer/consumer.ts";
import { partitionName, type TopicPartition } from "../records/partition.ts";
import { countRecords, lastMark, sliceRecords } from "../records/record-slices.ts";
import type { DeadRecord, Gap, Position, Store } from "../store/store.ts";
import {
  conflictFound,
  logCutShort,
  positionMoved,
  recordDead,
  recordsLost,
  topicRecreated,
  topicUnproved,
} from "../telemetry.ts";
import { checkContinuity, compareTopics, gapFrom, type MarkFinding, newestId } from "./continuity.ts";
import type { IngestCounters } from "./counters.ts";
import type { EarlierStore } from "./earlier-store.ts";
import type { FloodWatch } from "./flood-watch.ts";
import type { HeartbeatTopics } from "./heartbeats.ts";
import {
  affordable,
  fewer,
  fromOffset,
  type PartitionAppend,
  recordsPerAppend,
  splitAppend,
  suspectRecords,
} from "./one-append.ts";
import type { SenderWatch } from "./sender-watch.ts";
import type { StoreWatch } from "./store-watch.ts";
import { PartitionTurns } from "./turns.ts";

export interface IngestOptions {
  readonly store: Store;
  readonly watch: StoreWatch;
  readonly counters: IngestCounters;
  readonly senders: SenderWatch;
  readonly floods: FloodWatch;
  readonly earlier: EarlierStore;
  readonly clock: Clock;
  /** What it says is counted in `counters` where the signal says so. */
  readonly report: Report;
  /** Whose records are no events; undefined: nobody's. */
  readonly heartbeats?: HeartbeatTopics | undefined;
  /** Our own assumption was broken: the process must end. */
  readonly fatal: (thrown: unknown) => void;
}

/** A mark that is farther back is left: a flood was put aside unread after it. The topic's id must do then. */
const markOffsetsMax = 1_000_000;

interface PartitionProgress {
  position: Position | undefined;
  /** The record before the position has been seen again since the partition was assigned. */
  verified: boolean;
  /** The topic's id, asked for before anything was read of this assignment. */
  topicId: string | undefined;
  /** How many records the next transaction may hold, by what the ones before took. */
  recordsPerAppend: number;
  /** Of the arrival in hand: records that were stored, and those that brought nothing. */
  useful: number;
  wasted: number;
  /** It is brought again until it is done with. */
  inHand: Arrival | undefined;
  /** It is brought again, because what it brought so far was waste. */
  inFlood: boolean;
}

export class Ingest implements ConsumerHandler {
  private readonly report: Report;
  private readonly counters: IngestCounters;
  private readonly turns: PartitionTurns;
  private readonly progress = new Map<string, PartitionProgress>();

  constructor(private readonly options: IngestOptions) {
    this.turns = new PartitionTurns(options.clock);
    this.report = options.report;
    this.counters = options.counters;
  }

  /** How far a partition is stored; undefined: it is not ours, or nothing is. */
  storedUpTo(at: TopicPartition): number | undefined {
    return this.progress.get(partitionName(at))?.position?.next;
  }

  async assigned({ topic, partition, topicId, committed }: AssignedPartition, signal: AbortSignal): Promise<Start> {
    const at = { topic, partition };
    const untilStored = <T>(work: () => Promise<T>) => this.options.watch.untilStored(signal, async () => {}, work);
    for (;;) {
      const position = await untilStored(() => this.options.store.position(at));
      const progress = {
        position,
        verified: position?.before === undefined,
        topicId: newestId(position, topicId),
        recordsPerAppend,
        useful: 0,
        wasted: 0,
        inHand: undefined,
        inFlood: false,
      };
      this.turns.forget(partitionName(at));
      this.progress.set(partitionName(at), progress);
      if (position === undefined || compareTopics(position, topicId) !== "other") {
        const lacks = this.options.earlier.assigned(at, committed, position);
        // Not from wherever the log begins: what Kafka has deleted meanwhile is a gap of this store.
        return lacks && position === undefined ? 0 : startOf(position);
      }
      try {
        // Where its log begins is not known yet; what of it is gone already will be a gap of its own.
        progress.position = await untilStored(() => this.startOver(at, position, 0, topicId));
        progress.verified = true;
        return startOf(progress.position);
      } catch (thrown) {
        if (!(thrown instanceof AppError) || thrown.code !== "CENTRAL_STORE_FENCED") throw thrown;
        this.report(positionMoved, at); // A sibling has done it.
      }
    }
  }

  async deliver(arrival: Arrival, context: ArrivalContext): Promise<Outcome> {
    const progress = this.progress.get(partitionName(arrival));
    if (progress === undefined) return await this.reread(arrival, context);
    try {
      return await this.take(arrival, progress, context);
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.severity === "invariant") this.options.fatal(thrown);
      if (!hasCode(thrown, "CENTRAL_STORE_FENCED")) throw thrown;
      this.report(positionMoved, { topic: arrival.topic, partition: arrival.partition });
      return await this.reread(arrival, context);
    }
  }

  private async take(arrival: Arrival, progress: PartitionProgress, context: ArrivalContext): Promise<Outcome> {
    const { topic, partition } = arrival;
    const finding = checkContinuity(arrival, progress.position, progress.verified);
    switch (finding.kind) {
      case "recreated": {
        const { position } = progress;
        if (position === undefined) return { kind: "seek", start: "earliest" };
        const topicId = newestId(position, await context.topicId());
        const next = arrival.logStartOffset ?? 0;
        progress.position = await this.options.watch.untilStored(context.signal, context.heartbeat, () =>
          this.startOver({ topic, partition }, position, next, topicId),
        );
        progress.verified = true;
        progress.topicId = topicId;
        return { kind: "seek", start: next };
      }
      case "stale":
        this.markSeen(finding.mark, progress, arrival);
        if (progress.topicId !== undefined && progress.position?.topicId === undefined) {
          await this.storeAll({ ...arrival, blocks: [], damaged: [] }, progress, undefined, context);
        }
        return { kind: "done", ...this.commit(arrival) };
      case "misplaced":
        progress.verified = progress.position?.before === undefined;
        return { kind: "seek", start: startOf(progress.position) };
      case "continues": {
        this.markSeen(finding.mark, progress, arrival);
        const lacks = progress.position === undefined && this.options.earlier.lacks(arrival);
        const gap = lacks ? gapFrom(0, arrival) : finding.gap;
        if (gap !== undefined) {
          const { firstOffset, lastOffset } = gap;
          this.report(recordsLost, { topic, partition, firstOffset, lastOffset });
        }
        const beganMs = this.options.clock.uptimeMs();
        progress.inFlood = progress.inHand === arrival;
        progress.useful = 0;
        progress.wasted = 0;
        if (!progress.inFlood && this.turns.isSuspect(partitionName(arrival))) {
          progress.recordsPerAppend = Math.min(progress.recordsPerAppend, suspectRecords);
        }
        const whole = await this.storeAll(arrival, progress, gap, context);
        const { useful, wasted } = progress;
        const tookMs = context.decodeMs + this.options.clock.uptimeMs() - beganMs;
        const restMs = this.turns.done(partitionName(arrival), { tookMs, useful, wasted });
        const rest = restMs === undefined ? {} : { restMs };
        progress.inHand = whole ? undefined : arrival;
        if (whole) return { kind: "done", ...rest, ...this.commit(arrival) };
        if (!isWaste(progress) || context.signal.aborted)
          return { kind: "seek", start: startOf(progress.position), ...rest };
        // What is before it has been seen: a flood that is not read leaves its mark far back.
        return { kind: "again", start: progress.position?.next ?? "earliest", ...rest };
      }
    }
  }

  private commit(at: TopicPartition): { readonly commit?: "later" } {
    return this.options.earlier.lacks(at) ? { commit: "later" } : {};
  }

  private markSeen(mark: MarkFinding, progress: PartitionProgress, { topic, partition }: Arrival): void {
    progress.verified = true;
    if (mark !== "gone" || compareTopics(progress.position, progress.topicId) === "same") return;
    this.report(topicUnproved, { topic, partition, position: progress.position?.next });
  }

  private async startOver(
    at: TopicPartition,
    seen: Position,
    next: number,
    topicId: string | undefined,
  ): Promise<Position> {
    const gap: Gap = { kind: "recreated", firstOffset: seen.next, lastOffset: undefined };
    const position = await this.options.store.startOver({ ...at, seen, gap, next, topicId });
    this.options.earlier.forget(at);
    const signal = compareTopics(seen, topicId) === "same" ? logCutShort : topicRecreated;
    this.report(signal, { ...at, position: seen.next, newStart: next });
    return position;
  }

  /** False: told to stop in the middle, or its turn was over. */
  private async storeAll(
    arrival: Arrival,
    progress: PartitionProgress,
    gap: Gap | undefined,
    context: ArrivalContext,
  ): Promise<boolean> {
    const { topic, partition, damaged } = arrival;
    const from = progress.position?.next ?? 0;
    const next = Math.max(from, arrival.nextOffset);
    const found = sliceRecords(arrival.blocks, from);
    const heartbeats = this.options.heartbeats?.of(topic);
    const records = heartbeats === undefined ? found : [];
    // Kept first, then the position moves: heard again they change nothing.
    if (heartbeats)
      await this.options.watch.untilStored(context.signal, context.heartbeat, () => heartbeats.take(topic, found));
    const fresh = damaged.filter((range) => range.lastOffset >= from);
    let left: PartitionAppend = {
      topic,
      partition,
      next,
      before: lastMark(found),
      records,
      dead: [],
      damaged: fresh,
      gap,
      inFlood: progress.inFlood,
    };
    const { clock } = this.options;
    const untilMs = clock.uptimeMs() + turnMs;
    for (;;) {
      const [now, later] = splitAppend(left, progress.recordsPerAppend);
      try {
        await this.append(now, progress, context);
      } catch (thrown) {
        if (!isPoison(thrown)) throw thrown;
        if (!(await this.bisect(unstored(now, progress), progress, context, thrown))) return false;
      }
      if (later === undefined) return true;
      if (context.signal.aborted) return false;
      left = later;
      await context.heartbeat();
      // A turn of waste is one transaction, of a few milliseconds as soon as it is known for what it is.
      if (isWaste(progress) || clock.uptimeMs() > untilMs) return false;
    }
  }

  /** Halves what holds a poison record until it stands alone, and puts that one aside. False: told to stop. */
  private async bisect(
    append: PartitionAppend,
    progress: PartitionProgress,
    context: ArrivalContext,
    cause: AppError,
  ): Promise<boolean> {
    const count = countRecords(append.records);
    const [only] = append.records;
    if (count <= 1) {
      if (only === undefined) throw cause;
      const dead: DeadRecord = { ...only, reason: messageOf(cause) };
      await this.append({ ...append, records: [], dead: [dead] }, progress, context);
      return true;
    }
    const parts = splitAppend(append, count >> 1);
    for (const half of parts) {
      if (half === undefined) continue;
      if (context.signal.aborted) return false;
      await context.heartbeat();
      try {
        await this.append(half, progress, context);
      } catch (thrown) {
        if (!isPoison(thrown)) throw thrown;
        if (!(await this.bisect(unstored(half, progress), progress, context, thrown))) return false;
      }
    }
    return true;
  }

  /** In one transaction, or in several where the store was too slow for one: it would be too slow for ever. */
  private async append(append: PartitionAppend, progress: PartitionProgress, context: ArrivalContext): Promise<void> {
    let left: PartitionAppend | undefined = append;
    while (left !== undefined) left = await this.appendSome(left, progress, context);
  }

  /** Returns what is left. */
  private async appendSome(
    whole: PartitionAppend,
    progress: PartitionProgress,
    context: ArrivalContext,
  ): Promise<PartitionAppend | undefined> {
    const seen = progress.position;
    const { clock } = this.options;
    let beganMs = 0;
    let [append, rest]: [PartitionAppend, PartitionAppend | undefined] = [whole, undefined];
    const result = await this.options.watch.untilStored(context.signal, context.heartbeat, async () => {
      beganMs = clock.uptimeMs();
      try {
        return await this.options.store.append({ ...append, seen, topicId: progress.topicId });
      } catch (thrown) {
        [append, rest] = splitAppend(whole, fewer(append, clock.uptimeMs() - beganMs));
        throw thrown;
      }
    });
    const work = { useful: result.stored, wasted: result.deadLettered + result.repeated + result.conflicts };
    const took = { records: countRecords(append.records), tookMs: clock.uptimeMs() - beganMs, isWaste: isWaste(work) };
    progress.recordsPerAppend = affordable(took, progress.recordsPerAppend);
    progress.position = result.position;
    this.options.earlier.storedUpTo(append, result.position.next);
    progress.useful += work.useful;
    progress.wasted += work.wasted;
    this.options.floods.count(result.refusedOf);
    this.counters.count(result, this.options.clock.uptimeMs());
    this.options.senders.count(append.records);
    const { topic, partition, dead, damaged } = append;
    const put = (reason: string, records: number) => this.report(recordDead, { topic, partition, reason, records });
    for (const slice of dead) put(slice.reason, slice.to - slice.from);
    for (const { reason, firstOffset, lastOffset } of damaged) put(reason, lastOffset - firstOffset + 1);
    for (const { reason, records } of result.refusals) put(reason, records);
    if (result.conflicts > 0) {
      this.report(conflictFound, { topic, partition, conflicts: result.conflicts });
    }
    return rest;
  }

  private async reread(arrival: Arrival, { signal, heartbeat }: ArrivalContext): Promise<Outcome> {
    const position = await this.options.watch.untilStored(signal, heartbeat, () =>
      this.options.store.position(arrival),
    );
    const topicId = newestId(position, this.progress.get(partitionName(arrival))?.topicId);
    this.progress.set(partitionName(arrival), {
      position,
      verified: position?.before === undefined,
      topicId,
      recordsPerAppend,
      useful: 0,
      wasted: 0,
      inHand: undefined,
      inFlood: false,
    });
    return { kind: "seek", start: startOf(position) };
  }
}

/** A part of it may be stored already, before what was found to be poison. */
function unstored(append: PartitionAppend, { position }: PartitionProgress): PartitionAppend {
  return fromOffset(append, position?.next ?? 0);
}

/** Where to read from: the record before the position, to see whether it is still the same one. */
function startOf(position: Position | undefined): Start {
  if (position === undefined) return "earliest";
  const { before, next } = position;
  return before === undefined || next - before.offset > markOffsetsMax ? next : before.offset;
}

function isWaste({ useful, wasted }: Pick<PartitionProgress, "useful" | "wasted">): boolean {
  return wasted > useful;
}

function isPoison(thrown: unknown): thrown is AppError {
  return hasCode(thrown, "CENTRAL_RECORD_POISON");
}
