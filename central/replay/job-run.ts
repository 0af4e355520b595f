/** A job while it runs here: what is known of it, and how that gets into the store. */
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type {
  GoneRange,
  ReplayCounts,
  ReplayJob,
  ReplayPartition,
  ReplayReport,
  ReplayStore,
} from "../store/replay-port.ts";
import { replayRecordsGone } from "./telemetry.ts";

/** Notes of a job are for people: more than these would only be counted. */
const notesMax = 100;
const goneMax = 1_000;
/** Over how long the rate is measured. */
const rateOverMs = 10_000;

export class JobRun {
  readonly partitions: ReplayPartition[];
  private readonly gone: GoneRange[];
  private readonly notes: string[];
  private resolved: boolean;
  private trouble: string | undefined;
  private readonly changed = new Set<number>();
  private readonly marks: { readonly atMs: number; readonly read: number }[] = [];

  constructor(
    readonly job: ReplayJob,
    readonly signal: AbortSignal,
    private readonly owner: string,
    private readonly tools: { readonly store: ReplayStore; readonly clock: Clock; readonly report: Report },
  ) {
    this.partitions = [...job.partitions];
    this.gone = [...job.gone];
    this.notes = [...job.notes];
    this.resolved = job.resolved;
  }

  get isResolved(): boolean {
    return this.resolved;
  }

  get identity(): { readonly job: number; readonly owner: string } {
    return { job: this.job.id, owner: this.owner };
  }

  /** Indexes of partitions that are not done. */
  open(): number[] {
    return this.partitions.flatMap(({ next, until }, index) => (next < until ? [index] : []));
  }

  at(index: number): ReplayPartition {
    const found = this.partitions[index];
    if (found === undefined) throw new AppError("INVARIANT", `replay ${this.job.id} has no partition ${index}`);
    return found;
  }

  /** The store has it already when `saved`. */
  moved(index: number, partition: ReplayPartition, saved = false): void {
    this.partitions[index] = partition;
    if (!saved) this.changed.add(index);
  }

  begin(partitions: readonly ReplayPartition[]): void {
    this.partitions.push(...partitions);
    this.partitions.forEach((_, index) => void this.changed.add(index));
    this.resolved = true;
  }

  lost(range: GoneRange): void {
    const { topic, partition, firstOffset, lastOffset } = range;
    this.tools.report(replayRecordsGone, { replay: this.job.id, topic, partition, firstOffset, lastOffset });
    if (this.gone.length < goneMax) this.gone.push(range);
    else this.note("More is gone than is listed here: see the log.");
  }

  note(words: string): void {
    if (!this.notes.includes(words) && this.notes.length < notesMax) this.notes.push(words);
  }

  waits(trouble: string | undefined): void {
    this.trouble = trouble;
  }

  count(index: number, more: Partial<Pick<ReplayCounts, "read" | "matched" | "produced">>): ReplayCounts {
    const { counts } = this.at(index);
    const { read = 0, matched = 0, produced = 0 } = more;
    return {
      ...counts,
      read: counts.read + read,
      matched: counts.matched + matched,
      produced: counts.produced + produced,
    };
  }

  /** Writes what has changed. False: somebody has paused or cancelled it, or it has ended. */
  async save(end?: { readonly ended: "done" | "failed"; readonly error?: string }): Promise<boolean> {
    const { job, owner, gone, notes, trouble, resolved } = this;
    const partitions = [...this.changed].map((index) => this.at(index));
    this.changed.clear();
    const words = { gone, notes, trouble, error: end?.error, recordsPerSecond: end === undefined ? this.rate() : 0 };
    const report: ReplayReport = { id: job.id, owner, partitions, resolved, ended: end?.ended, ...words };
    return (await this.tools.store.reportReplay(report)) === "running";
  }

  private rate(): number {
    const atMs = this.tools.clock.uptimeMs();
    const read = this.partitions.reduce((sum, { counts }) => sum + counts.read, 0);
    this.marks.push({ atMs, read });
    while ((this.marks[0]?.atMs ?? atMs) < atMs - rateOverMs) this.marks.shift();
    const [first] = this.marks;
    if (first === undefined || first.atMs === atMs) return 0;
    return Math.round(((read - first.read) * 1_000) / (atMs - first.atMs));
  }
}
