/** What the lake's writer tells the serving half, twice a second. */
export interface LakeSnapshot {
  /** `standby`: another central writes; `waiting`: see `trouble`. */
  readonly state: "starting" | "writing" | "waiting" | "standby";
  /** What it waits for. */
  readonly trouble: string | undefined;
  /** Error code of it. */
  readonly code: string | undefined;
  readonly hint: string | undefined;
  /** Read, and not in a snapshot yet. */
  readonly bufferedRows: number;
  /** Records that Kafka holds and the table does not; undefined: not known. */
  readonly lag: number | undefined;
  /** Of this process. */
  readonly commits: number;
  readonly committedRows: number;
  readonly failures: number;
  readonly lastCommitMs: number | undefined;
  /** Offsets that Kafka no longer held, or that could not be read: not in the table. */
  readonly gone: number;
  readonly damaged: number;
  /** Rows of erased vehicles that came and were left out. */
  readonly withheld: number;
  readonly erasuresPending: number;
  /** In the current snapshot. */
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly snapshots: number;
}

/** Before it has said anything. */
export const noLake: LakeSnapshot = {
  state: "starting",
  trouble: undefined,
  code: undefined,
  hint: undefined,
  bufferedRows: 0,
  lag: undefined,
  commits: 0,
  committedRows: 0,
  failures: 0,
  lastCommitMs: undefined,
  gone: 0,
  damaged: 0,
  withheld: 0,
  erasuresPending: 0,
  rows: 0,
  files: 0,
  bytes: 0,
  snapshots: 0,
};
