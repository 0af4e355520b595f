/** Dead letters as they are chosen. */
import type { SQL } from "bun";
import { keyOf } from "../../../ledger/vehicle.ts";
import type { DeadLetterPage, DeadLetterRow } from "../../reader.ts";
import type { DeadLetterChoice, DeadLetterCount, KeptLetter } from "../../redrive-port.ts";
import { bytes, bytesOrNull, int8s, textOf } from "../values.ts";

type Stored<Row> = Omit<Row, "topic" | "reason" | "identity"> & {
  readonly topic: Buffer;
  readonly reason: Buffer;
  readonly identity: Buffer | null;
};
type StoredLetter = Stored<Omit<KeptLetter, "recordTimeMs">> & { readonly recordTimeMs: number | null };

/** A page without end; the server wants a number. */
const most = Number.MAX_SAFE_INTEGER;

/** Those that are chosen, up to the page's bounds. */
export async function readDeadLetters(
  sql: SQL,
  { afterId, limit, bytesMax = most, ...choice }: DeadLetterPage,
): Promise<DeadLetterRow[]> {
  const rows = await sql<Stored<DeadLetterRow>[]>`
    select id::float8 as id, topic, partition, first_offset::float8 as "firstOffset", last_offset::float8 as "lastOffset", reason,
      identity, key, value, at::float8 as "atMs"
    from (
      select p.*, lag(so_far, 2, 0) over (order by id) as before from (
        select *, sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + octet_length(reason)) over (order by id) as so_far
        from (
          select d.*, s.topic, s.partition from dead_letter d join source s on s.id = d.source
          where d.id > ${afterId} and ${chosen(sql, choice)} order by d.id limit ${limit}
        ) d
      ) p
    ) t where before < ${bytesMax}::bigint order by id`;
  return rows.map((row) => ({ ...row, ...texts(row) }));
}

/** How many are chosen. */
export async function countDeadLetters(sql: SQL, choice: DeadLetterChoice): Promise<DeadLetterCount> {
  const [row] = await sql<DeadLetterCount[]>`
    select count(*)::float8 as letters, coalesce(sum(d.last_offset - d.first_offset + 1), 0)::float8 as records
    from dead_letter d join source s on s.id = d.source where ${chosen(sql, choice)}`;
  return row ?? { letters: 0, records: 0 };
}

/** Some of those that are chosen, with all that was kept of them. */
export async function readKept(
  sql: SQL,
  choice: DeadLetterChoice,
  range: { readonly afterId: number; readonly untilId: number },
  limit: number,
): Promise<KeptLetter[]> {
  const rows = await sql<StoredLetter[]>`
    select ${keptColumns(sql)} from dead_letter d join source s on s.id = d.source
    where d.id > ${range.afterId} and d.id <= ${range.untilId} and ${chosen(sql, choice)} order by d.id limit ${limit}`;
  return rows.map(letterOf);
}

/** Those of these ids that there are. */
export async function readNamed(sql: SQL, ids: readonly number[]): Promise<KeptLetter[]> {
  const rows = await sql<StoredLetter[]>`
    select ${keptColumns(sql)} from dead_letter d join source s on s.id = d.source
    where d.id = any(${int8s(sql, ids)}) order by d.id`;
  return rows.map(letterOf);
}

function chosen(sql: SQL, { topic, reason, vehicle }: DeadLetterChoice) {
  const key = vehicle === undefined ? null : keyOf(vehicle);
  const sender = vehicle === undefined ? null : bytes(`${vehicle}/`);
  return sql`(${bytesOrNull(topic)}::bytea is null or s.topic = ${bytesOrNull(topic)}::bytea)
    and (${bytesOrNull(reason)}::bytea is null or position(${bytesOrNull(reason)}::bytea in d.reason) > 0)
    and (${key}::bytea is null or d.key = ${key}::bytea
      or (coalesce(octet_length(d.key), 0) = 0 and position(${sender}::bytea in d.identity) = 1))`;
}

function keptColumns(sql: SQL) {
  return sql`d.id::float8 as id, s.topic, s.partition, d.first_offset::float8 as "firstOffset",
    d.last_offset::float8 as "lastOffset", d.reason, d.identity, d.key, d.value, d.record_time::float8 as "recordTimeMs"`;
}

function letterOf({ recordTimeMs, ...row }: StoredLetter): KeptLetter {
  return { ...row, ...texts(row), recordTimeMs: recordTimeMs ?? undefined };
}

function texts({ topic, reason, identity }: Pick<StoredLetter, "topic" | "reason" | "identity">) {
  return {
    topic: textOf(topic),
    reason: textOf(reason),
    identity: identity === null ? undefined : textOf(identity),
  };
}
