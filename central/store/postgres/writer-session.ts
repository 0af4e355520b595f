/** What happens inside a transaction of the store; the rules are the ledger's, what is decided alike is outcome.ts. */
import type { SQL } from "bun";
import { hasCode } from "../../../shared/errors/app-error.ts";
import type { AdmissionRules } from "../../ledger/admission.ts";
import { checkFence, fenced } from "../../ledger/fence.ts";
import type { Quotas } from "../../ledger/limits.ts";
import { AppendPlanning } from "../../ledger/plan.ts";
import { relayLine, type TopicPartition } from "../../records/partition.ts";
import { formerIds, outcomeOf, putAside } from "../outcome.ts";
import { relayedAppend } from "../relayed.ts";
import type {
  Append,
  AppendResult,
  Gap,
  LaneSelection,
  Position,
  RelayAppend,
  RelayResult,
  TopicMadeAnew,
} from "../store.ts";
import type { ArrivalRetention } from "./events/arrivals.ts";
import type { EventDays } from "./events/event-days.ts";
import { findValues } from "./events/find.ts";
import { Raced } from "./failure.ts";
import { forgetAgent } from "./fleet/writer.ts";
import { loadLedger } from "./ledger-loader.ts";
import { daysOf, writeAside, writePlan } from "./plan-writer.ts";
import type { RulesWriter } from "./rules/rules.ts";
import { bytes, bytesOrNull, int8s, textOf } from "./values.ts";

interface SourceRow {
  readonly id: number;
  readonly generation: number;
  readonly next: number;
  readonly beforeOffset: number | null;
  readonly beforeIdentity: Buffer | null;
  readonly beforeCrc: number | null;
  readonly topicId: Buffer | null;
  readonly deadBytes: number;
}

/** The row of a partition's present incarnation. */
interface SourceKey {
  readonly id: number;
  /** Bytes that are kept of what was put aside. */
  readonly deadBytes: number;
}

/** What a transaction is carried out with. */
export interface WriterTools {
  readonly days: EventDays;
  readonly arrivals: ArrivalRetention;
  /** Undefined: there are none. */
  readonly eventRules: RulesWriter | undefined;
  readonly quotas: Quotas;
  readonly rules: AdmissionRules;
  readonly lateAfterMs: number;
  readonly nowMs: number;
}

/** Events are of days that have no table yet. */
export class MissingDays extends Error {
  constructor(readonly days: readonly number[]) {
    super(`no table for ${days.length} days`);
    this.name = "MissingDays";
  }
}

/** How far a partition is stored. */
export async function readPosition(sql: SQL, at: TopicPartition): Promise<Position | undefined> {
  const found = await readSource(sql, at, false);
  if (found === undefined) return undefined;
  const { position } = found;
  const former = await sql<{ topicId: Buffer }[]>`
    select topic_id as "topicId" from source where topic = ${bytes(at.topic)} and partition = ${at.partition}
      and generation < ${position.generation} and topic_id is not null group by topic_id order by min(generation)`;
  return { ...position, formerTopicIds: former.map(({ topicId }) => textOf(topicId)) };
}

/** One append; everything of it but begin and commit. @throws MissingDays, Raced: begin it again. */
export async function writeAppend(sql: SQL, append: Append, tools: WriterTools): Promise<AppendResult> {
  const { seen, next, topic, partition } = append;
  const { nowMs, days, arrivals, eventRules, ...limits } = tools;
  const source = await fence(sql, { topic, partition, seen, next }, nowMs);
  if (append.gap !== undefined) await writeGap(sql, source.id, append.gap, nowMs);
  const planning = new AppendPlanning(append.records, {
    source: { id: source.id, topic, partition },
    nowMs,
    ...limits,
  });
  const seenEvents = await loadLedger(sql, planning.gathered);
  const doubts = planning.place();
  const plan = planning.settle(doubts, { values: await findValues(sql, doubts, days) });
  const missing = days.missing(daysOf(plan, days, nowMs));
  if (missing.length > 0) throw new MissingDays(missing);
  await writePlan(sql, plan, { nowMs, days, seen: seenEvents, arrival: { source: source.id, next } });
  await arrivals.forget(sql, source.id, nowMs);
  await eventRules?.append(sql, plan, { topic, partition, nowMs });
  const aside = putAside(append, plan.refused, source.deadBytes);
  await writeAside(sql, source.id, aside.rows, nowMs);
  const result = outcomeOf(append, plan);
  const { before, topicId } = result.position;
  // A writer that waited for the row's lock may have waited for one that began a later generation.
  const { count } = await sql`
    update source set next = ${next}, before_offset = ${before?.offset ?? null}, before_identity = ${bytesOrNull(before?.identity)},
      before_crc = ${before?.crc ?? null}, stored = stored + ${result.stored + result.suppressed},
      foreign_events = foreign_events + ${result.withoutIdentity}, dead = dead + ${result.deadLettered},
      dead_bytes = dead_bytes + ${aside.bytes}, topic_id = coalesce(topic_id, ${bytesOrNull(topicId)}), updated_at = ${nowMs}
    where id = ${source.id} and next = ${seen?.next ?? next} and not exists (
      select 1 from source later where later.topic = source.topic and later.partition = source.partition
        and later.generation > source.generation)`;
  if (count !== 1) throw fenced({ topic, partition });
  return result;
}

/** The line's position is locked while it is read and moved: any number of writers may come at once. */
export async function writeRelayed(sql: SQL, append: RelayAppend, tools: WriterTools): Promise<RelayResult> {
  // No topic has these records: what is answered as stored must be on the disk.
  await sql`select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`;
  const found = await readSource(sql, relayLine, true);
  try {
    const { position: _, ...result } = await writeAppend(sql, relayedAppend(append, found?.position), tools);
    return result;
  } catch (thrown) {
    // Both were to write the line's first row.
    if (found === undefined && hasCode(thrown, "CENTRAL_STORE_FENCED")) throw new Raced("the first relayed records");
    throw thrown;
  }
}

/** A later generation of a partition. */
export async function writeStartOver(
  sql: SQL,
  { seen, gap, next, topicId, ...at }: TopicMadeAnew,
  nowMs: number,
): Promise<Position> {
  const { id: old } = await fence(sql, { ...at, seen, next }, nowMs);
  await writeGap(sql, old, gap, nowMs);
  const generation = seen.generation + 1;
  const made = await insertSource(sql, { ...at, generation, topicId, next }, nowMs);
  if (made === undefined) throw fenced(at);
  return { next, before: undefined, generation, topicId, formerTopicIds: formerIds(seen) };
}

/** Whether everything that names an agent is put aside. */
export async function writeQuarantine(sql: SQL, name: string, on: boolean): Promise<void> {
  await sql`
    insert into account (name, quarantined) values (${bytes(name)}, ${on})
    on conflict (name) do update set quarantined = excluded.quarantined`;
}

/** Closes the books of lanes; returns how many. */
export async function forgetLanes(sql: SQL, { agent, epoch, stream, lane }: LaneSelection): Promise<number> {
  await sql`select 1 from account where name = ${bytes(agent)} for update`;
  // The row stays for the events that name it. No epoch on the wire has that character.
  const rows = await sql<{ id: number }[]>`
    update lane set epoch = epoch || '~'::bytea || convert_to(id::text, 'UTF8'), first_seq = 0, next_seq = 0, received = 0, shed = 0,
      dead = 0, repeated = 0, conflicts = 0
    where agent = ${bytes(agent)} and epoch = coalesce(${bytesOrNull(epoch)}::bytea, epoch)
      and stream = coalesce(${bytesOrNull(stream)}::bytea, stream) and lane = coalesce(${lane ?? null}::bigint, lane)
      and position('~'::bytea in epoch) = 0
    returning id::float8 as id`;
  await sql`delete from ledger where lane = any(${int8s(
    sql,
    rows.map(({ id }) => id),
  )})`;
  await sql`update account set lanes = greatest(0, lanes - ${rows.length}) where name = ${bytes(agent)}`;
  // All of it: nobody asks any more where it is.
  if (epoch === undefined && stream === undefined && lane === undefined) await forgetAgent(sql, agent);
  return rows.length;
}

async function readSource(
  sql: SQL,
  { topic, partition }: TopicPartition,
  lock: boolean,
): Promise<(SourceKey & { readonly position: Position }) | undefined> {
  const [row] = await sql<SourceRow[]>`
    select id, generation, next::float8 as next, before_offset::float8 as "beforeOffset", before_identity as "beforeIdentity",
      before_crc::float8 as "beforeCrc", topic_id as "topicId", dead_bytes::float8 as "deadBytes"
    from source where topic = ${bytes(topic)} and partition = ${partition}
    order by generation desc limit 1 ${lock ? sql`for update` : sql``}`;
  if (row === undefined) return undefined;
  const { id, deadBytes, next, generation, beforeOffset: offset, beforeIdentity, beforeCrc, topicId } = row;
  const identity = beforeIdentity === null ? "" : textOf(beforeIdentity);
  const before = offset === null ? undefined : { offset, identity, crc: beforeCrc ?? 0 };
  const known = topicId === null ? undefined : textOf(topicId);
  return { id, deadBytes, position: { next, before, generation, topicId: known, formerTopicIds: [] } };
}

/** What a writer says of a partition: what it has seen, and to where it goes on. */
interface Fenced extends TopicPartition {
  readonly seen: Position | undefined;
  readonly next: number;
}

/** The row of the partition, locked, when it says what the writer has seen; made when neither has one. */
async function fence(sql: SQL, { seen, next, ...at }: Fenced, nowMs: number): Promise<SourceKey> {
  const stored = await readSource(sql, at, true);
  checkFence(at, seen, stored?.position);
  if (stored !== undefined) return stored;
  const id = await insertSource(sql, { ...at, generation: 0, topicId: undefined, next }, nowMs);
  if (id === undefined) throw fenced(at);
  return { id, deadBytes: 0 };
}

interface NewSource extends TopicPartition {
  readonly generation: number;
  readonly topicId: string | undefined;
  readonly next: number;
}

async function insertSource(
  sql: SQL,
  { topic, partition, generation, topicId, next }: NewSource,
  nowMs: number,
): Promise<number | undefined> {
  const [row] = await sql<{ id: number }[]>`
    insert into source (topic, partition, generation, topic_id, next, updated_at)
    values (${bytes(topic)}, ${partition}, ${generation}, ${bytesOrNull(topicId)}, ${next}, ${nowMs})
    on conflict do nothing returning id`;
  return row?.id;
}

async function writeGap(
  sql: SQL,
  source: number,
  { kind, firstOffset, lastOffset }: Gap,
  nowMs: number,
): Promise<void> {
  await sql`
    insert into gap (source, kind, first_offset, last_offset, at)
    values (${source}, ${kind}, ${firstOffset}, ${lastOffset ?? null}, ${nowMs})`;
}
