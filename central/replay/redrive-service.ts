/**
 * Tries dead letters again, in the writing half: some by name at once, those of a filter or all as a job. The job is a row of the
 * store, so it survives whatever happens to the process; a step is one transaction of letters, books and progress, and after
 * it we stand aside for as long as it took: the consumer writes through the same connection. No Kafka is needed.
 */
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, hasCode } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import {
  addRedriven,
  type DeadLetterChoice,
  nothingRedriven,
  type RedriveCounts,
  type RedriveJob,
  type Redriven,
  type RedriveState,
  type RedriveStore,
} from "../store/redrive-port.ts";
import type { RedriveOperations } from "./calls.ts";
import { triedLetters } from "./redrive.ts";
import { redriveBegun, redriveEnded } from "./telemetry.ts";

/** What it stands on. */
export interface RedriveServiceOptions {
  readonly redrives: RedriveStore;
  readonly clock: Clock;
  readonly report: Report;
  /** Our own assumption was broken: the process must end. */
  readonly fatal: (thrown: unknown) => void;
}

const lookEveryMs = 1_000;
/** A process that died keeps the job for so long. A step is far shorter. */
const leaseMs = 10_000;
/** Some 50 ms of SQLite's writer, some 300 ms of PostgreSQL's. */
const lettersPerStep = 50;

export class RedriveService implements RedriveOperations {
  private readonly owner = crypto.randomUUID();
  private readonly stopping = new AbortController();
  private waiting = new AbortController();
  private looking: Promise<void> | undefined;

  constructor(private readonly options: RedriveServiceOptions) {}

  start(): void {
    this.looking = this.look();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.waiting.abort();
    await this.looking;
  }

  async redrive(ids: readonly number[]): Promise<RedriveCounts> {
    const { redrives } = this.options;
    let sum = nothingRedriven;
    for (let from = 0; from < ids.length; from += lettersPerStep) {
      const rows = await redrives.lettersOf(ids.slice(from, from + lettersPerStep));
      sum = addRedriven(sum, await halved(triedLetters(rows), (letters) => redrives.redrive(letters), addRedriven));
    }
    return sum;
  }

  async beginRedrive(choice: DeadLetterChoice, by: string): Promise<number> {
    const id = await this.options.redrives.begin(choice, by);
    this.waiting.abort();
    return id;
  }

  async cancelRedrive(id: number): Promise<void> {
    await this.options.redrives.cancel(id);
  }

  private async look(): Promise<void> {
    const { redrives, fatal } = this.options;
    while (!this.stopping.signal.aborted) {
      this.waiting = new AbortController();
      try {
        const job = await redrives.take(this.owner, leaseMs);
        if (job !== undefined) await this.run(job);
      } catch (thrown) {
        // The consumer says that the store is away; a job of another owner is none of ours.
        if (!(thrown instanceof AppError) || thrown.severity === "invariant") return fatal(thrown);
      }
      if (!this.stopping.signal.aborted) await sleep(lookEveryMs, this.waiting.signal);
    }
  }

  private async run(job: RedriveJob): Promise<void> {
    const { redrives, clock, report } = this.options;
    report(redriveBegun, { redrive: job.id, by: job.askedBy, letters: job.letters, done: job.counts.tried });
    let state: RedriveState = "running";
    for (let afterId = job.afterId; state === "running" && !this.stopping.signal.aborted; ) {
      const began = clock.uptimeMs();
      const rows = await redrives.lettersAfter(job, afterId, lettersPerStep);
      const ended = rows.length < lettersPerStep;
      afterId = rows.at(-1)?.id ?? afterId;
      const step = { job: job.id, owner: this.owner, leaseMs };
      state = await halved(
        triedLetters(rows),
        (letters, isLast) => {
          const last = isLast ? afterId : (letters.at(-1)?.row.id ?? afterId);
          return redrives.step({ ...step, letters, afterId: last, ended: ended && isLast });
        },
        (_, after) => after,
      );
      await sleep(Math.max(1, clock.uptimeMs() - began), this.stopping.signal);
    }
    if (state !== "running") report(redriveEnded, { redrive: job.id, state });
  }
}

/** What the store itself cannot take is halved until it stands alone: that letter stays where it is, as one without records. */
async function halved<Result>(
  letters: readonly Redriven[],
  attempt: (letters: readonly Redriven[], isLast: boolean) => Promise<Result>,
  join: (before: Result, after: Result) => Result,
  isLast = true,
): Promise<Result> {
  try {
    return await attempt(letters, isLast);
  } catch (thrown) {
    const [only] = letters;
    if (!hasCode(thrown, "CENTRAL_RECORD_POISON") || only === undefined) throw thrown;
    if (letters.length === 1) return await attempt([{ row: only.row, records: [] }], isLast);
    const middle = letters.length >> 1;
    const before = await halved(letters.slice(0, middle), attempt, join, false);
    return join(before, await halved(letters.slice(middle), attempt, join, isLast));
  }
}
