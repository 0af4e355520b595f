/**
 * The table of redrives, and the port of it. Several instances may want the one job that runs: leases are by the server's
 * clock, which is one for all of them.
 */
import type { SQL } from "bun";
import { AppError } from "../../../../shared/errors/app-error.ts";
import { codes } from "../../codes.ts";
import {
  addRedriven,
  nothingRedriven,
  type RedriveJob,
  type RedriveState,
  type RedriveStep,
  type RedriveStore,
} from "../../redrive-port.ts";
import { bytes, serverNow, textOf } from "../values.ts";
import type { WriterTools } from "../writer-session.ts";
import { countDeadLetters, readKept, readNamed } from "./dead-letters.ts";
import { redriveLetters } from "./redrive.ts";

type JobRow = Omit<RedriveJob, "choice" | "askedBy" | "endedAtMs" | "counts"> & {
  readonly choice: Buffer;
  readonly askedBy: Buffer;
  readonly endedAtMs: number | null;
  readonly counts: string;
};

/** A transaction of the store. */
type Transaction = <T>(doing: string, work: (sql: SQL, tools: WriterTools) => Promise<T>) => Promise<T>;

/** The newest first, older than `beforeId`. */
export async function readRedrives(sql: SQL, beforeId: number | undefined, limit: number): Promise<RedriveJob[]> {
  const rows = await sql<JobRow[]>`
    select ${jobColumns(sql)} from redrive where id < ${beforeId ?? Number.MAX_SAFE_INTEGER}::bigint order by id desc limit ${limit}`;
  return rows.map(jobOf);
}

/** One of them. */
export async function readRedrive(sql: SQL, id: number): Promise<RedriveJob | undefined> {
  const [row] = await sql<JobRow[]>`select ${jobColumns(sql)} from redrive where id = ${id}`;
  return row && jobOf(row);
}

/** Made once for the store. */
export function postgresRedrives(transaction: Transaction): RedriveStore {
  return {
    lettersOf: (ids) => transaction("choose dead letters", (sql) => readNamed(sql, ids)),
    redrive: (letters) => transaction("redrive dead letters", (sql, tools) => redriveLetters(sql, letters, tools)),
    begin: (choice, by) =>
      transaction("begin a redrive", async (sql, { nowMs }) => {
        const { letters } = await countDeadLetters(sql, choice);
        const asked = [bytes(JSON.stringify(choice)), bytes(by)] as const;
        const [made] = await sql<{ id: number }[]>`
          insert into redrive (state, choice, asked_by, asked_at, changed_at, letters, until_id, counts)
          select 'running', ${asked[0]}, ${asked[1]}, ${nowMs}, ${nowMs}, ${letters}, (select coalesce(max(id), 0) from dead_letter),
            ${JSON.stringify(nothingRedriven)}
          on conflict do nothing returning id::float8 as id`;
        if (made !== undefined) return made.id;
        throw new AppError(codes.CENTRAL_REDRIVE_RUNNING, "try dead letters again: another redrive runs");
      }),
    cancel: (id) =>
      transaction("cancel a redrive", async (sql, { nowMs }) => {
        const { count } = await sql`
          update redrive set state = 'cancelled', changed_at = ${nowMs}, ended_at = ${nowMs}, lease_until = 0
          where id = ${id} and state = 'running'`;
        if (count === 1) return;
        const job = await readRedrive(sql, id);
        if (job === undefined) throw new AppError(codes.CENTRAL_REDRIVE_UNKNOWN, `cancel redrive ${id}: there is none`);
        throw new AppError(codes.CENTRAL_REDRIVE_STATE, `cancel redrive ${id}: it is ${job.state}`);
      }),
    take: (owner, leaseMs) =>
      transaction("take a redrive", async (sql) => {
        const [taken] = await sql<{ id: number }[]>`
          update redrive set owner = ${owner}, lease_until = ${serverNow(sql)} + ${leaseMs}
          where state = 'running' and (owner = ${owner} or lease_until <= ${serverNow(sql)}) returning id::float8 as id`;
        return taken && (await readRedrive(sql, taken.id));
      }),
    lettersAfter: ({ choice, untilId }, afterId, limit) =>
      transaction("choose dead letters", (sql) => readKept(sql, choice, { afterId, untilId }, limit)),
    step: (step) => transaction("redrive dead letters", (sql, tools) => takeStep(sql, step, tools)),
  };
}

/** The job's row is locked from the begin on: a cancel, or another owner, comes before it or after it. */
async function takeStep(sql: SQL, step: RedriveStep, tools: WriterTools): Promise<RedriveState> {
  const { job: id, owner, leaseMs, letters, afterId, ended } = step;
  const [held] = await sql<{ owner: string | null }[]>`select owner from redrive where id = ${id} for update`;
  const job = await readRedrive(sql, id);
  if (job === undefined || (job.state === "running" && held?.owner !== owner)) {
    throw new AppError("CENTRAL_STORE_FENCED", `go on with redrive ${id}: another one has it`);
  }
  if (job.state !== "running") return job.state;
  const counts = JSON.stringify(addRedriven(job.counts, await redriveLetters(sql, letters, tools)));
  const state = ended ? "done" : "running";
  await sql`
    update redrive set state = ${state}, counts = ${counts}, after_id = ${afterId}, changed_at = ${tools.nowMs},
      ended_at = ${ended ? tools.nowMs : null}, lease_until = ${serverNow(sql)} + ${leaseMs} where id = ${id}`;
  return state;
}

function jobColumns(sql: SQL) {
  return sql`id::float8 as id, state, choice, asked_by as "askedBy", asked_at::float8 as "askedAtMs",
    changed_at::float8 as "changedAtMs", ended_at::float8 as "endedAtMs", letters::float8 as letters,
    after_id::float8 as "afterId", until_id::float8 as "untilId", counts`;
}

function jobOf({ choice, askedBy, endedAtMs, counts, ...row }: JobRow): RedriveJob {
  return {
    ...row,
    choice: JSON.parse(textOf(choice)),
    askedBy: textOf(askedBy),
    endedAtMs: endedAtMs ?? undefined,
    counts: JSON.parse(counts),
  };
}
