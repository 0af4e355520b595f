/**
 * An optional port of a store: what replay and erasure need of it (central/replay/DESIGN.md). A store without it is
 * a store all the same; the routes then say that it cannot. Every promise is checked by
 * testing/contracts/replay.contract.ts.
 */
import type { PlanCounts } from "../ledger/plan-counts.ts";
import type { DamagedRange, TopicPartition } from "../records/partition.ts";
import type { RecordSlice } from "../records/record-block.ts";

/** Where a range begins or ends. A time is Kafka's time of the record, milliseconds since 1970. */
export type ReplayBound = { readonly offset: number } | { readonly timeMs: number };

/** Where what is read goes. */
export type ReplayTarget =
  | { readonly kind: "store" }
  /** `speed`: so many times as fast as it came; as fast as allowed when not given. */
  | { readonly kind: "topic"; readonly topic: string; readonly speed?: number | undefined };

/** What is read again, and into what. */
export interface ReplayDefinition {
  /** All that the store has a position of when not given. */
  readonly topics?: readonly string[] | undefined;
  readonly partitions?: readonly number[] | undefined;
  /** The log's start when not given. */
  readonly from?: ReplayBound | undefined;
  /** Exclusive; what is committed when the job begins when not given. */
  readonly to?: ReplayBound | undefined;
  readonly vehicle?: string | undefined;
  readonly stream?: string | undefined;
  readonly recordsPerSecondMax: number;
  readonly into: ReplayTarget;
}

/** What became of the records. */
export interface ReplayCounts {
  readonly read: number;
  /** Of these, what the definition asks for. */
  readonly matched: number;
  readonly stored: number;
  /** In the books, lost by the store, put back. */
  readonly restored: number;
  readonly repeated: number;
  readonly conflicts: number;
  readonly refused: number;
  /** Of erased vehicles. */
  readonly suppressed: number;
  /** Written into another topic. */
  readonly produced: number;
}

/** None of anything. */
export const noCounts: ReplayCounts = {
  read: 0,
  matched: 0,
  stored: 0,
  restored: 0,
  repeated: 0,
  conflicts: 0,
  refused: 0,
  suppressed: 0,
  produced: 0,
};

/** What a plan has added to them; `dead`: those that the store itself cannot take. */
export function addPlan(before: ReplayCounts, counts: Readonly<PlanCounts>, dead: number): ReplayCounts {
  return {
    ...before,
    stored: before.stored + counts.stored,
    restored: before.restored + counts.restored,
    repeated: before.repeated + counts.repeated,
    conflicts: before.conflicts + counts.conflicts,
    refused: before.refused + counts.refused + dead,
    suppressed: before.suppressed + counts.suppressed,
  };
}

/** How far a job is with a partition: everything below `next` is done, `until` is its end. */
export interface ReplayPartition extends TopicPartition {
  readonly first: number;
  readonly next: number;
  readonly until: number;
  readonly counts: ReplayCounts;
}

/** Asked for, and no longer in Kafka. */
export interface GoneRange extends TopicPartition {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** False: a range by time was asked for, and nobody knows the times of what is gone. */
  readonly certain: boolean;
}

/** Only `running` and `paused` ever become another one. */
export type ReplayState = "running" | "paused" | "done" | "failed" | "cancelled";

/** What its runner says of a job beside the partitions. */
export interface ReplayWords {
  readonly gone: readonly GoneRange[];
  readonly notes: readonly string[];
  /** What it waits for now. */
  readonly trouble: string | undefined;
  /** Why it has failed. */
  readonly error: string | undefined;
  readonly recordsPerSecond: number;
}

/** A job. */
export interface ReplayJob extends ReplayWords {
  readonly id: number;
  /** Nobody else's: by it the cluster knows the job's producer and its progress. */
  readonly uid: string;
  readonly state: ReplayState;
  readonly definition: ReplayDefinition;
  /** Name of the key. */
  readonly askedBy: string;
  readonly askedAtMs: number;
  readonly changedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** Kafka has told where the range begins and ends. */
  readonly resolved: boolean;
  readonly partitions: readonly ReplayPartition[];
}

/** What an operator does with a job. */
export type ReplayTurn = "pause" | "resume" | "cancel";

/** What a job's runner has to say of it. */
export interface ReplayReport extends ReplayWords {
  readonly id: number;
  readonly owner: string;
  /** Those that have changed. */
  readonly partitions: readonly ReplayPartition[];
  readonly resolved: boolean;
  /** Ends it; undefined: it goes on. */
  readonly ended: "done" | "failed" | undefined;
}

/** Records of one partition that were read again, and how far the job is with them. */
export interface Backfill {
  readonly job: number;
  readonly owner: string;
  /** As it is before, but for `next`, `read` and `matched`; what becomes of the records is counted by the store. */
  readonly partition: ReplayPartition;
  readonly records: readonly RecordSlice[];
  /** Those that the store itself cannot take. */
  readonly dead: readonly (RecordSlice & { readonly reason: string })[];
  readonly damaged: readonly DamagedRange[];
}

/** After a transaction of a job: how far it is, and whether it goes on. */
export interface BackfillResult {
  readonly partition: ReplayPartition;
  readonly state: ReplayState;
}

/** What was removed of a vehicle; not `done`: ask again. */
export interface ErasureStep {
  readonly events: number;
  readonly deadLetters: number;
  readonly conflicts: number;
  readonly done: boolean;
}

/** A vehicle that was erased: nothing of it is stored again. */
export interface Suppression {
  readonly vehicle: string;
  readonly atMs: number;
  readonly by: string;
  /** Removed. */
  readonly events: number;
  /** Came afterwards, accounted for, not stored. */
  readonly withheld: number;
}

/**
 * The writer's part.
 *
 * @throws AppError `CENTRAL_STORE_UNAVAILABLE` from every method; `CENTRAL_STORE_FENCED` from those with an owner when the
 * job is another's now, or the books are not those that the job began with.
 */
export interface ReplayStore {
  createReplay(definition: ReplayDefinition, by: string): Promise<number>;
  /** @throws AppError `CENTRAL_REPLAY_UNKNOWN` or `CENTRAL_REPLAY_STATE`. */
  turnReplay(id: number, turn: ReplayTurn): Promise<void>;
  /** Jobs that run and are nobody else's, at most `max`; they are the owner's for `leaseMs` from now on. */
  takeReplays(owner: string, leaseMs: number, max: number): Promise<readonly ReplayJob[]>;
  reportReplay(report: ReplayReport): Promise<ReplayState>;
  /**
   * Records below the store's position go through the ledger: what it has is a repeat, what is missing or lost is put in
   * its place. Rows, books and the job's progress in one transaction; the position does not move.
   *
   * @throws AppError `CENTRAL_RECORD_POISON` as `append`.
   */
  backfill(backfill: Backfill): Promise<BackfillResult>;
  /** Topics that it has a position of. */
  storedTopics(): Promise<readonly string[]>;
  /** Writes the vehicle into the suppression list first, then removes a bounded part of what there is of it. */
  erase(vehicle: string, by: string): Promise<ErasureStep>;
  /** Erasures that have begun and are not done: a process ended in between. */
  unfinishedErasures(): Promise<readonly { readonly vehicle: string; readonly by: string }[]>;
  /** False: it was not suppressed. */
  unsuppress(vehicle: string): Promise<boolean>;
}

/** The readers' part. @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
export interface ReplayReader {
  /** The newest first, older than `beforeId`. */
  replays(beforeId: number | undefined, limit: number): Promise<readonly ReplayJob[]>;
  replay(id: number): Promise<ReplayJob | undefined>;
  /** In the order of names. */
  suppressions(after: string, limit: number): Promise<readonly Suppression[]>;
}
