/** The table of replay jobs. Several instances may want one that runs: leases are by the server's clock, one for all of them. */
import type { SQL } from "bun";
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
import { byteas, bytes, int8s, serverNow, textOf, texts } from "../values.ts";

type JobRow = Omit<ReplayColumns, "definition" | "askedBy" | "words"> & {
  readonly definition: Buffer;
  readonly askedBy: Buffer;
  readonly words: Buffer;
};

type PartitionRow = Omit<ReplayPartition, "counts" | "topic"> & {
  readonly replay: number;
  readonly topic: Buffer;
  readonly counts: string;
};

/** The newest first, older than `beforeId`. */
export async function readReplays(sql: SQL, beforeId: number | undefined, limit: number): Promise<ReplayJob[]> {
  const rows = await sql<JobRow[]>`
    select ${jobColumns(sql)} from replay where id < ${beforeId ?? Number.MAX_SAFE_INTEGER}::bigint order by id desc limit ${limit}`;
  return await wholeJobs(sql, rows);
}

/** One of them. */
export async function readReplay(sql: SQL, id: number): Promise<ReplayJob | undefined> {
  const [job] = await wholeJobs(sql, await sql<JobRow[]>`select ${jobColumns(sql)} from replay where id = ${id}`);
  return job;
}

/** Makes one, and tells its id. */
export async function createReplay(sql: SQL, definition: ReplayDefinition, by: string, nowMs: number): Promise<number> {
  const [made] = await sql<{ id: number }[]>`
    insert into replay (uid, state, definition, asked_by, asked_at, changed_at, words)
    values (${crypto.randomUUID()}, 'running', ${bytes(JSON.stringify(definition))}, ${bytes(by)}, ${nowMs}, ${nowMs},
      ${bytes(wordsText(noWords))}) returning id::float8 as id`;
  return made?.id ?? 0;
}

/** What an operator does with it. */
export async function turnReplay(sql: SQL, id: number, turn: ReplayTurn, nowMs: number): Promise<void> {
  const [row] = await sql<{ state: ReplayState }[]>`select state from replay where id = ${id} for update`;
  const to = nextTurn(id, row?.state, turn);
  await sql`
    update replay set state = ${to}, changed_at = ${nowMs}, ended_at = ${to === "cancelled" ? nowMs : null}, lease_until = 0
    where id = ${id}`;
}

/** Those that run and are nobody else's. */
export async function takeReplays(sql: SQL, owner: string, leaseMs: number, max: number): Promise<ReplayJob[]> {
  const free = await sql<{ id: number }[]>`
    select id::float8 as id from replay where state = 'running' and (owner = ${owner} or lease_until <= ${serverNow(sql)})
    order by id limit ${max} for update`;
  const ids = int8s(
    sql,
    free.map(({ id }) => id),
  );
  await sql`update replay set owner = ${owner}, lease_until = ${serverNow(sql)} + ${leaseMs} where id = any(${ids})`;
  return await wholeJobs(
    sql,
    await sql<JobRow[]>`select ${jobColumns(sql)} from replay where id = any(${ids}) order by id`,
  );
}

/** Its row is locked from here on: a turn of an operator, or another owner, comes before or after. @throws AppError `CENTRAL_STORE_FENCED`. */
export async function ownedReplay(sql: SQL, id: number, owner: string): Promise<ReplayState> {
  const [row] = await sql<{ state: ReplayState }[]>`
    select state from replay where id = ${id} and owner = ${owner} for update`;
  if (row === undefined) throw notOwned(id);
  return row.state;
}

/** What its runner says of it. */
export async function reportReplay(sql: SQL, report: ReplayReport, nowMs: number): Promise<ReplayState> {
  const { id, owner, partitions, resolved, ended, ...words } = report;
  const state = await ownedReplay(sql, id, owner);
  await sql`update replay set words = ${bytes(wordsText(words))}, resolved = ${resolved}, changed_at = ${nowMs} where id = ${id}`;
  await keepProgress(sql, id, partitions);
  if (ended === undefined || state !== "running") return state;
  await sql`update replay set state = ${ended}, ended_at = ${nowMs}, lease_until = 0 where id = ${id}`;
  return ended;
}

/** How far it is. */
export async function keepProgress(sql: SQL, id: number, partitions: readonly ReplayPartition[]): Promise<void> {
  if (partitions.length === 0) return;
  const numbers = (of: (partition: ReplayPartition) => number) => int8s(sql, partitions.map(of));
  const topics = byteas(
    sql,
    partitions.map(({ topic }) => bytes(topic)),
  );
  const counts = texts(
    sql,
    partitions.map((partition) => JSON.stringify(partition.counts)),
  );
  await sql`
    insert into replay_partition (replay, topic, partition, first, next, until, counts)
    select ${id}::bigint, n.topic, n.partition::int, n.first, n.next, n.until, n.counts from unnest(
      ${topics}, ${numbers(({ partition }) => partition)}, ${numbers(({ first }) => first)}, ${numbers(({ next }) => next)},
      ${numbers(({ until }) => until)}, ${counts}
    ) as n (topic, partition, first, next, until, counts)
    on conflict (replay, topic, partition) do update set next = excluded.next, until = excluded.until, counts = excluded.counts`;
}

function jobColumns(sql: SQL) {
  return sql`id::float8 as id, uid, state, definition, asked_by as "askedBy", asked_at::float8 as "askedAtMs",
    changed_at::float8 as "changedAtMs", ended_at::float8 as "endedAtMs", resolved, words`;
}

async function wholeJobs(sql: SQL, rows: readonly JobRow[]): Promise<ReplayJob[]> {
  if (rows.length === 0) return [];
  const ids = int8s(
    sql,
    rows.map(({ id }) => id),
  );
  const partitions = await sql<PartitionRow[]>`
    select replay::float8 as replay, topic, partition, first::float8 as first, next::float8 as next, until::float8 as until, counts
    from replay_partition where replay = any(${ids}) order by topic, partition`;
  return rows.map((row) => {
    const texts = { definition: textOf(row.definition), askedBy: textOf(row.askedBy), words: textOf(row.words) };
    return replayOf(
      { ...row, ...texts },
      partitions
        .filter(({ replay }) => replay === row.id)
        .map(({ replay: _, topic, counts, ...rest }) => ({ ...rest, topic: textOf(topic), counts: countsOf(counts) })),
    );
  });
}
