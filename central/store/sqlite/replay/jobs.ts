/** The table of replay jobs. Its methods run inside a transaction of the store. */
import type Database from "better-sqlite3";
import type {
  ReplayDefinition,
  ReplayJob,
  ReplayPartition,
  ReplayReport,
  ReplayState,
  ReplayTurn,
} from "../../replay-port.ts";
import { countsOf, type ReplayColumns, replayOf, wordsText } from "../../replay-rows.ts";
import { nextTurn, notOwned, noWords } from "../../replay-turns.ts";

type JobRow = Omit<ReplayColumns, "resolved"> & { readonly resolved: number };

type PartitionRow = Omit<ReplayPartition, "counts"> & { readonly counts: string };

const columns = `id, uid, state, definition, asked_by as askedBy, asked_at as askedAtMs, changed_at as changedAtMs,
  ended_at as endedAtMs, resolved, words`;

/** Reads jobs, on either connection. */
export class ReplayJobReader {
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      job: database.prepare<[number], JobRow>(`select ${columns} from replay where id = ?`),
      jobs: database.prepare<[number, number], JobRow>(
        `select ${columns} from replay where id < ? order by id desc limit ?`,
      ),
      partitions: database.prepare<[number], PartitionRow>(
        "select topic, partition, first, next, until, counts from replay_partition where replay = ? order by topic, partition",
      ),
    };
  }

  job(id: number): ReplayJob | undefined {
    const row = this.sql.job.get(id);
    return row && this.whole(row);
  }

  jobs(beforeId = Number.MAX_SAFE_INTEGER, limit = 100): ReplayJob[] {
    return this.sql.jobs.all(beforeId, limit).map((row) => this.whole(row));
  }

  private whole({ resolved, ...row }: JobRow): ReplayJob {
    const partitions = this.sql.partitions.all(row.id);
    return replayOf(
      { ...row, resolved: resolved !== 0 },
      partitions.map(({ counts, ...partition }) => ({ ...partition, counts: countsOf(counts) })),
    );
  }
}

/** Changes them. */
export class ReplayJobs {
  private readonly reader: ReplayJobReader;
  private readonly sql;

  constructor(database: Database.Database) {
    this.reader = new ReplayJobReader(database);
    this.sql = {
      create: database
        .prepare<[string, string, string, number, number, string], number>(
          `insert into replay (uid, state, definition, asked_by, asked_at, changed_at, words)
           values (?, 'running', ?, ?, ?, ?, ?) returning id`,
        )
        .pluck(),
      state: database.prepare<[number], ReplayState>("select state from replay where id = ?").pluck(),
      turn: database.prepare(
        "update replay set state = :to, changed_at = :now, ended_at = :ended, lease_until = 0 where id = :id",
      ),
      free: database
        .prepare<[string, number, number], number>(
          "select id from replay where state = 'running' and (owner = ? or lease_until <= ?) order by id limit ?",
        )
        .pluck(),
      lease: database.prepare("update replay set owner = ?, lease_until = ? where id = ?"),
      owned: database
        .prepare<[number, string], ReplayState>("select state from replay where id = ? and owner = ?")
        .pluck(),
      words: database.prepare("update replay set words = ?, resolved = ?, changed_at = ? where id = ?"),
      end: database.prepare(
        "update replay set state = ?, ended_at = ?, lease_until = 0 where id = ? and state = 'running'",
      ),
      partition: database.prepare(
        `insert into replay_partition (replay, topic, partition, first, next, until, counts) values (?, ?, ?, ?, ?, ?, ?)
         on conflict do update set next = excluded.next, until = excluded.until, counts = excluded.counts`,
      ),
    };
  }

  create(definition: ReplayDefinition, by: string, nowMs: number): number {
    const texts = [crypto.randomUUID(), JSON.stringify(definition)] as const;
    return this.sql.create.get(...texts, by, nowMs, nowMs, wordsText(noWords)) ?? 0;
  }

  turn(id: number, turn: ReplayTurn, nowMs: number): void {
    const to = nextTurn(id, this.sql.state.get(id), turn);
    this.sql.turn.run({ id, to, now: nowMs, ended: to === "cancelled" ? nowMs : null });
  }

  take(owner: string, until: { readonly nowMs: number; readonly leaseMs: number }, max: number): ReplayJob[] {
    return this.sql.free.all(owner, until.nowMs, max).flatMap((id) => {
      this.sql.lease.run(owner, until.nowMs + until.leaseMs, id);
      return this.reader.job(id) ?? [];
    });
  }

  /** @throws AppError `CENTRAL_STORE_FENCED` when it is not the owner's. */
  owned(id: number, owner: string): ReplayState {
    const state = this.sql.owned.get(id, owner);
    if (state === undefined) throw notOwned(id);
    return state;
  }

  report({ id, owner, partitions, resolved, ended, ...words }: ReplayReport, nowMs: number): ReplayState {
    const state = this.owned(id, owner);
    this.sql.words.run(wordsText(words), Number(resolved), nowMs, id);
    for (const partition of partitions) this.progress(id, partition);
    if (ended === undefined || state !== "running") return state;
    this.sql.end.run(ended, nowMs, id);
    return ended;
  }

  progress(id: number, { topic, partition, first, next, until, counts }: ReplayPartition): void {
    this.sql.partition.run(id, topic, partition, first, next, until, JSON.stringify(counts));
  }
}
