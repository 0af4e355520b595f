/**
 * The port of replay: jobs, and records below the position that are put back. The job's row is locked first, then the
 * partition's, then what an append locks: an operator's turn, and the consumer of the partition, come before it or after it.
 */
import type { SQL } from "bun";
import type { Plan } from "../../../ledger/plan.ts";
import { relayLine, type TopicPartition } from "../../../records/partition.ts";
import { countRecords } from "../../../records/record-slices.ts";
import { notYetAside, putAside } from "../../outcome.ts";
import { addPlan, type Backfill, type BackfillResult, type ReplayStore } from "../../replay-port.ts";
import { notThatFar } from "../../replay-turns.ts";
import { writeAside } from "../plan-writer.ts";
import { bytes, int8s, textOf } from "../values.ts";
import type { WriterTools } from "../writer-session.ts";
import { eraseSome, readUnfinished, unsuppress } from "./erasure.ts";
import { createReplay, keepProgress, ownedReplay, reportReplay, takeReplays, turnReplay } from "./jobs.ts";
import { writeAgain } from "./read-again.ts";

/** A transaction of the store. */
type Transaction = <T>(doing: string, work: (sql: SQL, tools: WriterTools) => Promise<T>) => Promise<T>;

/** Made once for the store. */
export function postgresReplays(transaction: Transaction): ReplayStore {
  return {
    createReplay: (definition, by) =>
      transaction("make a replay", (sql, { nowMs }) => createReplay(sql, definition, by, nowMs)),
    turnReplay: (id, turn) => transaction(`${turn} a replay`, (sql, { nowMs }) => turnReplay(sql, id, turn, nowMs)),
    takeReplays: (owner, leaseMs, max) => transaction("take replays", (sql) => takeReplays(sql, owner, leaseMs, max)),
    reportReplay: (report) => transaction("report of a replay", (sql, { nowMs }) => reportReplay(sql, report, nowMs)),
    backfill: (backfill) => transaction("put records back", (sql, tools) => putBack(sql, backfill, tools)),
    storedTopics: () =>
      transaction("list topics", async (sql) => {
        const rows = await sql<{ topic: Buffer }[]>`
          select distinct topic from source where topic <> ${bytes(relayLine.topic)} order by topic`;
        return rows.map(({ topic }) => textOf(topic));
      }),
    erase: (vehicle, by) => transaction("erase a vehicle", (sql, { nowMs }) => eraseSome(sql, vehicle, by, nowMs)),
    unfinishedErasures: () => transaction("look for erasures", readUnfinished),
    unsuppress: (vehicle) => transaction("end a suppression", (sql) => unsuppress(sql, vehicle)),
  };
}

interface Source extends TopicPartition {
  readonly id: number;
  readonly next: number;
  readonly deadBytes: number;
}

/** What of the partition was put aside, where these records lie. */
interface LetterRow {
  readonly id: number;
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

async function putBack(
  sql: SQL,
  { job, owner, partition, records, dead, damaged }: Backfill,
  tools: WriterTools,
): Promise<BackfillResult> {
  const state = await ownedReplay(sql, job, owner);
  if (state !== "running") return { partition, state };
  const source = await lockSource(sql, partition);
  if (source === undefined || partition.next > source.next) {
    throw notThatFar(partition);
  }
  const plan = await writeAgain(sql, { source, records, reading: "replayed" }, tools);
  const letters = new Letters(await lettersWithin(sql, source.id, spanOf({ records, dead, damaged })));
  const taken = letters.takenBy(plan);
  if (taken.length > 0) await removeLetters(sql, taken);
  letters.remove(taken);
  const { aside, refused, count } = notYetAside({ records, dead, damaged }, plan.refused, (first, last) =>
    letters.hold(first, last),
  );
  const kept = putAside(aside, refused, source.deadBytes);
  await writeAside(sql, source.id, kept.rows, tools.nowMs);
  const freed = taken.reduce((sum, each) => sum + each.bytes, 0);
  const { stored, suppressed, withoutIdentity } = plan.counts;
  await sql`
    update source set stored = stored + ${stored + suppressed}, foreign_events = foreign_events + ${withoutIdentity},
      dead = dead + ${count - taken.length}, dead_bytes = greatest(0, dead_bytes + ${kept.bytes - freed}) where id = ${source.id}`;
  const after = { ...partition, counts: addPlan(partition.counts, plan.counts, countRecords(dead)) };
  await keepProgress(sql, job, [after]);
  return { partition: after, state };
}

async function lockSource(sql: SQL, { topic, partition }: TopicPartition): Promise<Source | undefined> {
  const [row] = await sql<Pick<Source, "id" | "next" | "deadBytes">[]>`
    select id, next::float8 as next, dead_bytes::float8 as "deadBytes" from source
    where topic = ${bytes(topic)} and partition = ${partition} order by generation desc limit 1 for update`;
  return row && { ...row, topic, partition };
}

/** The offsets of what is read, as far as it may be among the letters. */
function spanOf({ records, dead, damaged }: Pick<Backfill, "records" | "dead" | "damaged">) {
  let [low, high] = [Number.MAX_SAFE_INTEGER, -1];
  const meet = (first: number, last: number) => {
    low = Math.min(low, first);
    high = Math.max(high, last);
  };
  for (const { block, from, to } of [...records, ...dead]) {
    if (to > from) meet(block.offsets[from] ?? 0, block.offsets[to - 1] ?? 0);
  }
  for (const { firstOffset, lastOffset } of damaged) meet(firstOffset, lastOffset);
  return { low, high };
}

async function lettersWithin(
  sql: SQL,
  source: number,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<LetterRow[]> {
  if (high < low) return [];
  // Their ranges never overlap: of those that begin below, the last one is the only one that may reach here.
  return await sql<LetterRow[]>`
    select id::float8 as id, first_offset::float8 as first, last_offset::float8 as last,
      (coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + coalesce(octet_length(identity), 0))::float8 as bytes
    from dead_letter where source = ${source} and first_offset <= ${high} and first_offset >= coalesce(
      (select max(first_offset) from dead_letter where source = ${source} and first_offset <= ${low}), ${low}::bigint)
    order by first_offset`;
}

async function removeLetters(sql: SQL, letters: readonly LetterRow[]): Promise<void> {
  const ids = int8s(
    sql,
    letters.map(({ id }) => id),
  );
  await sql`delete from dead_letter where id = any(${ids})`;
}

/** Ranges that were put aside, ascending. */
class Letters {
  private rows: readonly LetterRow[];

  constructor(rows: readonly LetterRow[]) {
    this.rows = rows;
  }

  /** All of it is among them. `lastOffset` -1: it is one record. */
  hold(firstOffset: number, lastOffset: number): boolean {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.rows[middle]?.first ?? 0) <= firstOffset) low = middle + 1;
      else high = middle;
    }
    const row = this.rows[low - 1];
    return row !== undefined && row.last >= Math.max(firstOffset, lastOffset);
  }

  /** What was put aside once and is taken now is no dead letter any more. */
  takenBy({ series }: Plan): readonly LetterRow[] {
    if (this.rows.length === 0) return [];
    const single = new Map(this.rows.filter(({ first, last }) => first === last).map((row) => [row.first, row]));
    return series.flatMap(({ events }) => events.flatMap(({ offset }) => single.get(offset) ?? []));
  }

  remove(taken: readonly LetterRow[]): void {
    if (taken.length === 0) return;
    const gone = new Set(taken.map(({ id }) => id));
    this.rows = this.rows.filter(({ id }) => !gone.has(id));
  }
}
