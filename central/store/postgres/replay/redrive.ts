/**
 * Tries dead letters again, inside the store's transaction. Partitions and letters are locked first, each in the order of their
 * ids: whoever tries the same letter, or moves the same partition on, comes after us. Letters that are gone by then are
 * somebody else's.
 */
import type { SQL } from "bun";
import type { Plan } from "../../../ledger/plan.ts";
import { countRefused } from "../../../ledger/refusals.ts";
import { countRecords } from "../../../records/record-slices.ts";
import { putAside } from "../../outcome.ts";
import { nothingRedriven, type RedriveCounts, type Redriven } from "../../redrive-port.ts";
import { writeAside } from "../plan-writer.ts";
import { byteas, bytes, int8s, textOf } from "../values.ts";
import type { WriterTools } from "../writer-session.ts";
import { writeAgain } from "./read-again.ts";

/** A partition whose letters are tried, and what that changes of it. */
interface Source {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  /** Bytes that are kept of what was put aside. */
  readonly deadBytesBefore: number;
  stored: number;
  foreign: number;
  dead: number;
  deadBytes: number;
}

interface LockedLetter {
  readonly id: number;
  readonly source: number;
  readonly bytes: number;
}

type Sums = { -readonly [Name in keyof RedriveCounts]: RedriveCounts[Name] };

/** What became of them. @throws MissingDays, Raced: begin the transaction again. */
export async function redriveLetters(
  sql: SQL,
  letters: readonly Redriven[],
  tools: WriterTools,
): Promise<RedriveCounts> {
  const counts = { ...nothingRedriven };
  if (letters.length === 0) return counts;
  const ids = letters.map(({ row }) => row.id);
  const sources = await lockSources(sql, ids);
  const locked = await lockLetters(sql, ids);
  for (const source of sources.values()) {
    const held = letters.flatMap((letter) => {
      const lock = locked.get(letter.row.id);
      return lock?.source === source.id ? [{ letter, bytes: lock.bytes }] : [];
    });
    counts.tried += held.length;
    await redriveSingles(sql, held.filter(isSingle), { source, counts }, tools);
    for (const one of held) if (!isSingle(one)) await redriveWhole(sql, one, { source, counts }, tools);
  }
  for (const { id, stored, foreign, dead, deadBytes } of sources.values()) {
    await sql`
      update source set stored = stored + ${stored}, foreign_events = foreign_events + ${foreign}, dead = dead + ${dead},
        dead_bytes = greatest(0, dead_bytes + ${deadBytes}) where id = ${id}`;
  }
  return counts;
}

async function lockSources(sql: SQL, ids: readonly number[]): Promise<ReadonlyMap<number, Source>> {
  type Row = Pick<Source, "id" | "partition" | "deadBytesBefore"> & { readonly topic: Buffer };
  const rows = await sql<Row[]>`
    select id, topic, partition, dead_bytes::float8 as "deadBytesBefore" from source
    where id in (select source from dead_letter where id = any(${int8s(sql, ids)})) order by id for update`;
  const nothing = { stored: 0, foreign: 0, dead: 0, deadBytes: 0 };
  return new Map(rows.map((row) => [row.id, { ...row, ...nothing, topic: textOf(row.topic) }]));
}

async function lockLetters(sql: SQL, ids: readonly number[]): Promise<ReadonlyMap<number, LockedLetter>> {
  const rows = await sql<LockedLetter[]>`
    select id::float8 as id, source, (coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)
      + coalesce(octet_length(identity), 0))::float8 as bytes
    from dead_letter where id = any(${int8s(sql, ids)}) order by id for update`;
  return new Map(rows.map((row) => [row.id, row]));
}

/** A letter whose row is locked, and the bytes that it keeps. */
interface HeldLetter {
  readonly letter: Redriven;
  readonly bytes: number;
}

/** Where what becomes of them is counted. */
interface Books {
  readonly source: Source;
  readonly counts: Sums;
}

/** One record, put aside by itself. */
function isSingle({ letter: { row, records } }: HeldLetter): boolean {
  return row.recordTimeMs !== undefined && countRecords(records) === 1;
}

/** Many letters of one record each are one plan: as many exchanges with the server as for one. */
async function redriveSingles(
  sql: SQL,
  held: readonly HeldLetter[],
  { source, counts }: Books,
  tools: WriterTools,
): Promise<void> {
  if (held.length === 0) return;
  const ascending = held.toSorted((a, b) => a.letter.row.firstOffset - b.letter.row.firstOffset);
  const records = ascending.flatMap(({ letter }) => letter.records);
  const plan = await writeAgain(sql, { source, records, reading: "redriven" }, tools);
  count(plan, { source, counts });
  const reasons = reasonsByOffset(plan);
  const taken = ascending.filter(({ letter }) => !reasons.has(letter.row.firstOffset));
  const stayed = ascending.filter(({ letter }) => reasons.has(letter.row.firstOffset));
  counts.stayed += stayed.length;
  source.dead -= taken.length;
  source.deadBytes -= taken.reduce((sum, { bytes }) => sum + bytes, 0);
  const idsOf = (some: readonly HeldLetter[]) =>
    int8s(
      sql,
      some.map(({ letter }) => letter.row.id),
    );
  await sql`delete from dead_letter where id = any(${idsOf(taken)})`;
  const words = byteas(
    sql,
    stayed.map(({ letter }) => bytes(reasons.get(letter.row.firstOffset) ?? "")),
  );
  await sql`
    update dead_letter d set reason = n.reason from unnest(${idsOf(stayed)}, ${words}) as n (id, reason) where d.id = n.id`;
}

function reasonsByOffset({ refused }: Plan): ReadonlyMap<number, string> {
  const reasons = new Map<number, string>();
  for (const { offset, records, reason } of refused) {
    for (let each = offset; each < offset + records; each++) reasons.set(each, reason);
  }
  return reasons;
}

/** A batch that could not be read, and can be now: what of it is refused is put aside record by record. */
async function redriveWhole(
  sql: SQL,
  { letter: { row, records }, bytes: held }: HeldLetter,
  { source, counts }: Books,
  tools: WriterTools,
): Promise<void> {
  if (records.length === 0) {
    counts.stayed++;
    return;
  }
  const plan = await writeAgain(sql, { source, records, reading: "redriven" }, tools);
  count(plan, { source, counts });
  const refused = countRefused(plan.refused);
  counts.stayed += refused;
  await sql`delete from dead_letter where id = ${row.id}`;
  source.deadBytes -= held;
  const aside = { records, dead: [], damaged: [] };
  const kept = putAside(aside, plan.refused, source.deadBytesBefore + source.deadBytes);
  await writeAside(sql, source.id, kept.rows, tools.nowMs);
  source.dead += refused - (row.lastOffset - row.firstOffset + 1);
  source.deadBytes += kept.bytes;
}

function count({ counts: made }: Plan, { source, counts }: Books): void {
  counts.stored += made.stored + made.shed;
  counts.repeated += made.repeated;
  counts.conflicts += made.conflicts;
  counts.suppressed += made.suppressed;
  source.stored += made.stored + made.suppressed;
  source.foreign += made.withoutIdentity;
}
