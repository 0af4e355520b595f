/**
 * An optional port of a store: dead letters that are tried again, and the jobs that try many of them. Every promise is checked
 * by testing/contracts/redrive.contract.ts.
 */
import type { TopicPartition } from "../records/partition.ts";
import type { RecordSlice } from "../records/record-block.ts";

/** Which dead letters; all of them where nothing is named. */
export interface DeadLetterChoice {
  readonly topic?: string | undefined;
  /** Part of it. */
  readonly reason?: string | undefined;
  /** By its key, or by its identity's agent where it has no key (ledger/vehicle.ts). */
  readonly vehicle?: string | undefined;
}

/** How many they are. */
export interface DeadLetterCount {
  readonly letters: number;
  /** One letter may be a batch, or a range of which no bytes are kept. */
  readonly records: number;
}

/** What was put aside, with its bytes. */
export interface PutAsideLetter extends TopicPartition {
  readonly id: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly reason: string;
  readonly identity: string | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** A dead letter with all that it takes to try it again. */
export interface KeptLetter extends PutAsideLetter {
  /** Undefined: it is a batch that could not be read, or nothing was kept. */
  readonly recordTimeMs: number | undefined;
}

/** A dead letter, and the records that its bytes are; none: it cannot be tried. */
export interface Redriven {
  readonly row: KeptLetter;
  readonly records: readonly RecordSlice[];
}

/** What became of dead letters that were tried again. */
export interface RedriveCounts {
  readonly tried: number;
  readonly stored: number;
  readonly repeated: number;
  readonly conflicts: number;
  readonly suppressed: number;
  /** Refused again, with the new reason. */
  readonly stayed: number;
}

/** None of anything. */
export const nothingRedriven: RedriveCounts = {
  tried: 0,
  stored: 0,
  repeated: 0,
  conflicts: 0,
  suppressed: 0,
  stayed: 0,
};

/** Only `running` ever becomes another one. */
export type RedriveState = "running" | "done" | "cancelled";

/** A job that tries all that were chosen when it began; what is put aside later is none of its letters. */
export interface RedriveJob {
  readonly id: number;
  readonly state: RedriveState;
  readonly choice: DeadLetterChoice;
  /** Name of the key. */
  readonly askedBy: string;
  readonly askedAtMs: number;
  readonly changedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** How many were chosen. */
  readonly letters: number;
  /** Those up to this id are done. */
  readonly afterId: number;
  /** The last that there was when it began. */
  readonly untilId: number;
  readonly counts: RedriveCounts;
}

/** Letters of a job, and how far it is with them. */
export interface RedriveStep {
  readonly job: number;
  readonly owner: string;
  readonly leaseMs: number;
  /** At most one transaction's worth. */
  readonly letters: readonly Redriven[];
  readonly afterId: number;
  /** There are no more after these. */
  readonly ended: boolean;
}

/**
 * The writer's part. One job runs at a time, whoever asks: no letter is tried by two. A letter that somebody else has taken
 * meanwhile is none any more.
 *
 * @throws AppError `CENTRAL_STORE_UNAVAILABLE` from every method; `CENTRAL_RECORD_POISON` from those that try letters, when one
 * of them can never be stored.
 */
export interface RedriveStore {
  lettersOf(ids: readonly number[]): Promise<readonly KeptLetter[]>;
  /** Each goes through the ledger; what is refused again stays with its new reason. One transaction. */
  redrive(letters: readonly Redriven[]): Promise<RedriveCounts>;
  /** @throws AppError `CENTRAL_REDRIVE_RUNNING` while another one runs. */
  begin(choice: DeadLetterChoice, by: string): Promise<number>;
  /** @throws AppError `CENTRAL_REDRIVE_UNKNOWN`, or `CENTRAL_REDRIVE_STATE` when it has ended. */
  cancel(id: number): Promise<void>;
  /** The one that runs, unless another owner's lease holds; it is this owner's for `leaseMs` from now on. */
  take(owner: string, leaseMs: number): Promise<RedriveJob | undefined>;
  /** The next of its letters, ascending by id. */
  lettersAfter(job: RedriveJob, afterId: number, limit: number): Promise<readonly KeptLetter[]>;
  /**
   * Tries the letters, and notes what became of them and how far the job is: one transaction, so that a job that goes on after
   * a crash counts nothing twice. When the job does not run any more nothing is done, and its state is returned.
   *
   * @throws AppError `CENTRAL_STORE_FENCED` when it is another owner's.
   */
  step(step: RedriveStep): Promise<RedriveState>;
}

/** The readers' part. @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
export interface RedriveReader {
  /** The newest first, older than `beforeId`. */
  jobs(beforeId: number | undefined, limit: number): Promise<readonly RedriveJob[]>;
  job(id: number): Promise<RedriveJob | undefined>;
}

/** The sum of two. */
export function addRedriven(a: RedriveCounts, b: RedriveCounts): RedriveCounts {
  return {
    tried: a.tried + b.tried,
    stored: a.stored + b.stored,
    repeated: a.repeated + b.repeated,
    conflicts: a.conflicts + b.conflicts,
    suppressed: a.suppressed + b.suppressed,
    stayed: a.stayed + b.stayed,
  };
}
