/** The table of redrives. Its methods run inside a transaction of the store. */
import type Database from "better-sqlite3";
import { AppError } from "../../../../shared/errors/app-error.ts";
import { codes } from "../../codes.ts";
import {
  addRedriven,
  type DeadLetterChoice,
  nothingRedriven,
  type RedriveCounts,
  type RedriveJob,
  type RedriveState,
  type RedriveStep,
} from "../../redrive-port.ts";
import { DeadLetters } from "./dead-letters.ts";

type JobRow = Omit<RedriveJob, "choice" | "counts" | "endedAtMs"> & {
  readonly choice: string;
  readonly counts: string;
  readonly endedAtMs: number | null;
};

const columns = `id, state, choice, asked_by as askedBy, asked_at as askedAtMs, changed_at as changedAtMs, ended_at as endedAtMs,
  letters, after_id as afterId, until_id as untilId, counts`;

/** Reads them, on either connection. */
export class RedriveJobReader {
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      job: database.prepare<[number], JobRow>(`select ${columns} from redrive where id = ?`),
      jobs: database.prepare<[number, number], JobRow>(
        `select ${columns} from redrive where id < ? order by id desc limit ?`,
      ),
    };
  }

  job(id: number): RedriveJob | undefined {
    const row = this.sql.job.get(id);
    return row && jobOf(row);
  }

  jobs(beforeId = Number.MAX_SAFE_INTEGER, limit = 100): RedriveJob[] {
    return this.sql.jobs.all(beforeId, limit).map(jobOf);
  }
}

function jobOf({ choice, counts, endedAtMs, ...row }: JobRow): RedriveJob {
  return { ...row, choice: JSON.parse(choice), counts: JSON.parse(counts), endedAtMs: endedAtMs ?? undefined };
}

/** Changes them. */
export class RedriveJobs {
  readonly letters: DeadLetters;
  private readonly reader: RedriveJobReader;
  private readonly sql;

  constructor(database: Database.Database) {
    this.letters = new DeadLetters(database);
    this.reader = new RedriveJobReader(database);
    this.sql = {
      running: database.prepare<[], number>("select id from redrive where state = 'running'").pluck(),
      create: database
        .prepare<[string, string, number, number, number, number, string], number>(
          `insert into redrive (state, choice, asked_by, asked_at, changed_at, letters, until_id, counts)
           values ('running', ?, ?, ?, ?, ?, ?, ?) returning id`,
        )
        .pluck(),
      end: database.prepare(
        "update redrive set state = :state, changed_at = :now, ended_at = :now, lease_until = 0 where id = :id",
      ),
      lease: database
        .prepare<{ owner: string; now: number; until: number }, number>(
          `update redrive set owner = :owner, lease_until = :until
           where state = 'running' and (owner = :owner or lease_until <= :now) returning id`,
        )
        .pluck(),
      owner: database.prepare<[number], string>("select owner from redrive where id = ?").pluck(),
      progress: database.prepare(
        "update redrive set after_id = ?, counts = ?, changed_at = ?, lease_until = ? where id = ?",
      ),
    };
  }

  begin(choice: DeadLetterChoice, by: string, nowMs: number): number {
    const running = this.sql.running.get();
    if (running !== undefined) {
      throw new AppError(codes.CENTRAL_REDRIVE_RUNNING, `try dead letters again: redrive ${running} runs`);
    }
    const { letters } = this.letters.count(choice);
    const counts = JSON.stringify(nothingRedriven);
    return this.sql.create.get(JSON.stringify(choice), by, nowMs, nowMs, letters, this.letters.lastId, counts) ?? 0;
  }

  cancel(id: number, nowMs: number): void {
    const job = this.reader.job(id);
    if (job === undefined) throw new AppError(codes.CENTRAL_REDRIVE_UNKNOWN, `cancel redrive ${id}: there is none`);
    if (job.state !== "running") {
      throw new AppError(codes.CENTRAL_REDRIVE_STATE, `cancel redrive ${id}: it is ${job.state}`);
    }
    this.sql.end.run({ id, state: "cancelled", now: nowMs });
  }

  take(owner: string, nowMs: number, leaseMs: number): RedriveJob | undefined {
    const id = this.sql.lease.get({ owner, now: nowMs, until: nowMs + leaseMs });
    return id === undefined ? undefined : this.reader.job(id);
  }

  /** @throws AppError `CENTRAL_STORE_FENCED` when it is not the owner's. */
  owned(id: number, owner: string): RedriveJob {
    const job = this.reader.job(id);
    if (job !== undefined && (job.state !== "running" || this.sql.owner.get(id) === owner)) return job;
    throw new AppError("CENTRAL_STORE_FENCED", `go on with redrive ${id}: another one has it`);
  }

  progress(step: RedriveStep, { id, counts }: RedriveJob, done: RedriveCounts, nowMs: number): RedriveState {
    const { afterId, leaseMs, ended } = step;
    this.sql.progress.run(afterId, JSON.stringify(addRedriven(counts, done)), nowMs, nowMs + leaseMs, id);
    if (!ended) return "running";
    this.sql.end.run({ id, state: "done", now: nowMs });
    return "done";
  }
}
