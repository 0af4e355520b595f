import type Database from "better-sqlite3";
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
import { FindEvent } from "./events/find.ts";
import { foldBytes, foldRecent, foldRows, recentRows } from "./events/fold.ts";
import { EventWriter } from "./events/writer.ts";
import { FleetWriter } from "./fleet/writer.ts";
import { LedgerLoader } from "./ledger-loader.ts";
import { PlanWriter } from "./plan-writer.ts";
import { ReplaySession } from "./replay/session.ts";
import { Suppressions } from "./replay/suppressions.ts";
import type { RulesSession } from "./rules/session.ts";

interface SourceRow {
  readonly id: number;
  readonly generation: number;
  readonly next: number;
  readonly before_offset: number | null;
  readonly before_identity: string | null;
  readonly before_crc: number | null;
  readonly topic_id: string | null;
  readonly dead_bytes: number;
}

/** The row of a partition's present incarnation. */
interface SourceKey {
  readonly id: number;
  /** Bytes that are kept of what was put aside. */
  readonly deadBytes: number;
}

/** What lives as long as a connection: statements and caches. Its methods run inside a transaction of the store. */
export class WriterSession {
  readonly fleet: FleetWriter;
  readonly loader: LedgerLoader;
  readonly writer: PlanWriter;
  readonly events: EventWriter;
  readonly find: FindEvent;
  readonly suppressions: Suppressions;
  /** What is read, tried or removed beside the consumer. */
  readonly replays: ReplaySession;
  private readonly sql;

  constructor(
    readonly database: Database.Database,
    private readonly limits: { readonly quotas: Quotas; readonly rules: AdmissionRules; readonly lateAfterMs: number },
    /** Undefined: there are no rules over events. */
    readonly rules: RulesSession | undefined,
  ) {
    this.fleet = new FleetWriter(database);
    this.suppressions = new Suppressions(database);
    this.loader = new LedgerLoader(database, this.suppressions);
    this.events = new EventWriter(database);
    this.writer = new PlanWriter(database, this.events);
    this.find = new FindEvent(database);
    this.replays = new ReplaySession(database, this, limits);
    this.events.recentRows = recentRows(database);
    this.sql = {
      source: database.prepare<[string, number], SourceRow>(
        `select id, generation, next, before_offset, before_identity, before_crc, topic_id, dead_bytes from source
         where topic = ? and partition = ? order by generation desc limit 1`,
      ),
      insertSource: database
        .prepare<[string, number, number, string | null, number, number], number>(
          `insert into source (topic, partition, generation, topic_id, next, updated_at) values (?, ?, ?, ?, ?, ?)
           on conflict do nothing returning id`,
        )
        .pluck(),
      formerTopicIds: database
        .prepare<[string, number, number], string>(
          `select distinct topic_id from source
           where topic = ? and partition = ? and generation < ? and topic_id is not null`,
        )
        .pluck(),
      move: database.prepare(
        `update source set next = :next, before_offset = :offset, before_identity = :identity, before_crc = :crc,
           stored = stored + :stored, foreign_events = foreign_events + :foreign, dead = dead + :dead,
           dead_bytes = dead_bytes + :deadBytes, topic_id = coalesce(topic_id, :topicId), updated_at = :now
         where id = :id and next = :seen`,
      ),
      insertGap: database.prepare(
        "insert into gap (source, kind, first_offset, last_offset, at) values (?, ?, ?, ?, ?)",
      ),
      quarantine: database.prepare(
        `insert into account (name, quarantined) values (:name, :on) on conflict (name) do update set quarantined = :on`,
      ),
      lanesOf: database
        .prepare<[string, string | null, string | null, number | null], number>(
          `select id from lane where agent = ? and epoch = coalesce(?, epoch) and stream = coalesce(?, stream)
             and lane = coalesce(?, lane) and instr(epoch, '~') = 0`,
        )
        .pluck(),
      forgetRanges: database.prepare("delete from ledger where lane = ?"),
      // The row stays for the events that name it. No epoch on the wire has that character.
      forgetLane: database.prepare(
        `update lane set epoch = epoch || '~' || id, first_seq = 0, next_seq = 0, received = 0, shed = 0, dead = 0, repeated = 0,
           conflicts = 0 where id = ?`,
      ),
      fewerLanes: database.prepare("update account set lanes = max(0, lanes - ?) where name = ?"),
      touch: database.prepare("update source set updated_at = updated_at where id = (select min(id) from source)"),
    };
  }

  position({ topic, partition }: TopicPartition): Position | undefined {
    const position = this.source({ topic, partition })?.position;
    if (position === undefined) return undefined;
    return { ...position, formerTopicIds: this.sql.formerTopicIds.all(topic, partition, position.generation) };
  }

  append(append: Append, nowMs: number): AppendResult {
    const { seen, next, topic, partition } = append;
    const source = this.fence(append, seen, next, nowMs);
    if (append.gap !== undefined) this.gap(source.id, append.gap, nowMs);
    const planning = new AppendPlanning(append.records, {
      source: { id: source.id, topic, partition },
      nowMs,
      ...this.limits,
    });
    this.loader.load(planning.gathered);
    const doubts = planning.place();
    const plan = planning.settle(doubts, { values: this.find.values(doubts) });
    this.writer.write(plan, nowMs);
    this.rules?.append(plan, { topic, partition, nowMs });
    const aside = putAside(append, plan.refused, source.deadBytes);
    this.writer.dead(source.id, this.suppressions.bare(aside.rows), nowMs);
    this.suppressions.count(plan.withheld);
    const result = outcomeOf(append, plan);
    const { before, topicId } = result.position;
    const moved = this.sql.move.run({
      id: source.id,
      seen: seen?.next ?? next,
      next,
      offset: before?.offset ?? null,
      identity: before?.identity ?? null,
      crc: before?.crc ?? null,
      // What is not stored of an erased vehicle is in the books all the same.
      stored: result.stored + result.suppressed,
      foreign: result.withoutIdentity,
      dead: result.deadLettered,
      deadBytes: aside.bytes,
      topicId: topicId ?? null,
      now: nowMs,
    });
    if (moved.changes !== 1) throw fenced({ topic, partition });
    return result;
  }

  appendRelayed(append: RelayAppend, nowMs: number): RelayResult {
    const { position: _, ...result } = this.append(relayedAppend(append, this.position(relayLine)), nowMs);
    return result;
  }

  startOver({ seen, gap, next, topicId, ...at }: TopicMadeAnew, nowMs: number): Position {
    const { id: old } = this.fence(at, seen, next, nowMs);
    this.gap(old, gap, nowMs);
    const generation = seen.generation + 1;
    const made = this.sql.insertSource.get(at.topic, at.partition, generation, topicId ?? null, next, nowMs);
    if (made === undefined) throw fenced(at);
    return { next, before: undefined, generation, topicId, formerTopicIds: formerIds(seen) };
  }

  quarantine(name: string, on: boolean): void {
    this.sql.quarantine.run({ name, on: Number(on) });
  }

  forgetLanes({ agent, epoch, stream, lane }: LaneSelection): number {
    const ids = this.sql.lanesOf.all(agent, epoch ?? null, stream ?? null, lane ?? null);
    for (const id of ids) {
      this.sql.forgetRanges.run(id);
      this.sql.forgetLane.run(id);
    }
    this.sql.fewerLanes.run(ids.length, agent);
    // All of it: nobody asks any more where it is.
    if (epoch === undefined && stream === undefined && lane === undefined) this.fleet.forget(agent);
    return ids.length;
  }

  touch(): void {
    this.sql.touch.run();
  }

  fold(): number {
    const folded = foldRecent(this.database, this.events);
    this.events.recentRows = 0;
    this.events.recentBytes = 0;
    return folded;
  }

  foldIsDue(rowsMax = foldRows): boolean {
    return this.events.recentRows >= rowsMax || this.events.recentBytes >= foldBytes;
  }

  /** The transaction was rolled back. */
  forget(): void {
    this.rules?.forget();
    this.events.recentRows = recentRows(this.database);
  }

  private source({ topic, partition }: TopicPartition): (SourceKey & { readonly position: Position }) | undefined {
    const row = this.sql.source.get(topic, partition);
    if (row === undefined) return undefined;
    const { before_offset: offset, before_identity: identity, before_crc: crc, id, next, generation } = row;
    const before = offset === null ? undefined : { offset, identity: identity ?? "", crc: crc ?? 0 };
    const position = { next, before, generation, topicId: row.topic_id ?? undefined, formerTopicIds: [] };
    return { id, deadBytes: row.dead_bytes, position };
  }

  /** The row of the partition, when it says what the writer has seen; made when neither has one. */
  private fence(at: TopicPartition, seen: Position | undefined, next: number, nowMs: number): SourceKey {
    const stored = this.source(at);
    checkFence(at, seen, stored?.position);
    if (stored !== undefined) return stored;
    const id = this.sql.insertSource.get(at.topic, at.partition, 0, null, next, nowMs);
    if (id === undefined) throw fenced(at);
    return { id, deadBytes: 0 };
  }

  private gap(source: number, { kind, firstOffset, lastOffset }: Gap, nowMs: number): void {
    this.sql.insertGap.run(source, kind, firstOffset, lastOffset ?? null, nowMs);
  }
}
