/**
 * Records that are read again go through the same plan as those of the consumer, and move no position:
 *
 *     backfill   below the position, from the topic: what the store lost is put back, what it missed is filled in
 *     redrive    from the dead letters: what the rules take now leaves them, what they refuse stays with the new reason
 *
 * Its methods run inside a transaction of the store.
 */
import type Database from "better-sqlite3";
import type { AdmissionRules } from "../../../ledger/admission.ts";
import type { Quotas } from "../../../ledger/limits.ts";
import { AppendPlanning, type Plan } from "../../../ledger/plan.ts";
import type { Reading } from "../../../ledger/reading.ts";
import { countRefused, type Refusal } from "../../../ledger/refusals.ts";
import { relayLine } from "../../../records/partition.ts";
import type { RecordSlice } from "../../../records/record-block.ts";
import { countRecords } from "../../../records/record-slices.ts";
import { notYetAside, putAside } from "../../outcome.ts";
import { nothingRedriven, type RedriveCounts, type Redriven } from "../../redrive-port.ts";
import { addPlan, type Backfill, type BackfillResult } from "../../replay-port.ts";
import { notThatFar } from "../../replay-turns.ts";
import type { Append } from "../../store.ts";
import type { FindEvent } from "../events/find.ts";
import type { LedgerLoader } from "../ledger-loader.ts";
import type { PlanWriter } from "../plan-writer.ts";
import { ReplayJobs } from "./jobs.ts";
import { RedriveJobs } from "./redrive-jobs.ts";
import type { Suppressions } from "./suppressions.ts";

/** Of the session that it belongs to. */
interface SessionParts {
  readonly loader: LedgerLoader;
  readonly writer: PlanWriter;
  readonly find: FindEvent;
  readonly suppressions: Suppressions;
}

interface SourceRow {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
  readonly dead_bytes: number;
}

type Sums = { -readonly [Name in keyof RedriveCounts]: RedriveCounts[Name] };

interface Aside extends Pick<Append, "records" | "dead" | "damaged"> {
  readonly refused: readonly Refusal[];
}

const sourceColumns = "id, topic, partition, next, dead_bytes";

export class ReplaySession {
  readonly jobs: ReplayJobs;
  readonly redrives: RedriveJobs;
  private readonly sql;

  constructor(
    database: Database.Database,
    private readonly parts: SessionParts,
    private readonly limits: { readonly quotas: Quotas; readonly rules: AdmissionRules },
  ) {
    this.jobs = new ReplayJobs(database);
    this.redrives = new RedriveJobs(database);
    this.sql = {
      source: database.prepare<[string, number], SourceRow>(
        `select ${sourceColumns} from source where topic = ? and partition = ? order by generation desc limit 1`,
      ),
      topics: database
        .prepare<[string], string>("select distinct topic from source where topic <> ? order by topic")
        .pluck(),
      sourceOfLetter: database.prepare<[number], SourceRow>(
        `select ${sourceColumns} from source where id = (select source from dead_letter where id = ?)`,
      ),
      isConflict: database
        .prepare<[number, number], number>("select 1 from conflict where source = ? and offset = ?")
        .pluck(),
      lastLetterBelow: database
        .prepare<[number, number], number>(
          "select last_offset from dead_letter where source = ? and first_offset <= ? order by first_offset desc limit 1",
        )
        .pluck(),
      letterAt: database
        .prepare<[number, number, number], number>(
          "select id from dead_letter where source = ? and first_offset = ? and last_offset = ?",
        )
        .pluck(),
      count: database.prepare(
        `update source set stored = stored + :stored, foreign_events = foreign_events + :foreign, dead = dead + :dead,
           dead_bytes = max(0, dead_bytes + :deadBytes) where id = :id`,
      ),
      letterBytes: database
        .prepare<[number], number>(
          `select coalesce(length(key), 0) + coalesce(length(value), 0) + coalesce(length(identity), 0)
           from dead_letter where id = ?`,
        )
        .pluck(),
      removeLetter: database.prepare("delete from dead_letter where id = ?"),
      newReason: database.prepare("update dead_letter set reason = ? where id = ?"),
    };
  }

  backfill({ job, owner, partition, records, dead, damaged }: Backfill, nowMs: number): BackfillResult {
    const state = this.jobs.owned(job, owner);
    if (state !== "running") return { partition, state };
    const source = this.sql.source.get(partition.topic, partition.partition);
    if (source === undefined || partition.next > source.next) {
      throw notThatFar(partition);
    }
    const plan = this.plan(source, records, "replayed", nowMs);
    const removed = this.removeTaken(source, plan);
    const { aside, refused, count } = notYetAside({ records, dead, damaged }, plan.refused, (first, last) =>
      this.isAside(source.id, first, last),
    );
    const deadBytes = this.putAside(source, { ...aside, refused }, source.dead_bytes, nowMs);
    this.count(source, plan, { dead: count - removed.records, deadBytes: deadBytes - removed.bytes });
    const after = { ...partition, counts: addPlan(partition.counts, plan.counts, countRecords(dead)) };
    this.jobs.progress(job, after);
    return { partition: after, state };
  }

  topics(): string[] {
    return this.sql.topics.all(relayLine.topic);
  }

  redrive(letters: readonly Redriven[], nowMs: number): RedriveCounts {
    const counts = { ...nothingRedriven };
    for (const letter of letters) this.redriveOne(letter, counts, nowMs);
    return counts;
  }

  private redriveOne({ row, records }: Redriven, counts: Sums, nowMs: number): void {
    const source = this.sql.sourceOfLetter.get(row.id);
    if (source === undefined) return; // somebody else has redriven it
    counts.tried++;
    const plan = this.plan(source, records, "redriven", nowMs);
    const { stored, repeated, conflicts, suppressed, shed } = plan.counts;
    const [refusal] = plan.refused;
    counts.stored += stored + shed;
    counts.repeated += repeated;
    counts.conflicts += conflicts;
    counts.suppressed += suppressed;
    if (row.firstOffset === row.lastOffset && refusal !== undefined) {
      this.sql.newReason.run(refusal.reason, row.id);
      counts.stayed++;
      this.count(source, plan, { dead: 0, deadBytes: 0 });
      return;
    }
    if (records.length === 0) {
      counts.stayed++;
      return;
    }
    // A batch that could not be read, and can be now: what of it is refused is put aside record by record.
    counts.stayed += countRefused(plan.refused);
    const bytes = this.sql.letterBytes.get(row.id) ?? 0;
    this.sql.removeLetter.run(row.id);
    const aside = { records, refused: plan.refused, dead: [], damaged: [] };
    const kept = this.putAside(source, aside, source.dead_bytes - bytes, nowMs);
    const dead = countRefused(plan.refused) - (row.lastOffset - row.firstOffset + 1);
    this.count(source, plan, { dead, deadBytes: kept - bytes });
  }

  private plan(source: SourceRow, records: readonly RecordSlice[], reading: Reading, nowMs: number): Plan {
    const { id, topic, partition } = source;
    const planning = new AppendPlanning(records, { source: { id, topic, partition }, nowMs, ...this.limits, reading });
    const { loader, find, writer, suppressions } = this.parts;
    loader.load(planning.gathered);
    const doubts = planning.place();
    const foreign = planning.foreignDoubts.map((event) => find.hasAt(event));
    const plan = planning.settle(doubts, {
      values: find.values(doubts),
      isConflict: ({ event }) => this.sql.isConflict.get(id, event.offset) !== undefined,
      foreign,
    });
    writer.write(plan, nowMs);
    suppressions.count(plan.withheld);
    return plan;
  }

  private putAside({ id }: SourceRow, aside: Aside, bytesBefore: number, nowMs: number): number {
    const { rows, bytes } = putAside(aside, aside.refused, bytesBefore);
    this.parts.writer.dead(id, this.parts.suppressions.bare(rows), nowMs);
    return bytes;
  }

  private count(
    source: SourceRow,
    { counts }: Plan,
    more: { readonly dead: number; readonly deadBytes: number },
  ): void {
    const stored = counts.stored + counts.suppressed;
    this.sql.count.run({ id: source.id, stored, foreign: counts.withoutIdentity, ...more });
  }

  /** Ranges of what was put aside never overlap: the one that begins last before an offset is the only one that may hold it. */
  private isAside(source: number, firstOffset: number, lastOffset: number): boolean {
    const last = this.sql.lastLetterBelow.get(source, firstOffset);
    return last !== undefined && last >= Math.max(firstOffset, lastOffset);
  }

  /** What was put aside once and is taken now is no dead letter any more. */
  private removeTaken(source: SourceRow, { series }: Plan): { readonly records: number; readonly bytes: number } {
    let records = 0;
    let bytes = 0;
    if (this.sql.lastLetterBelow.get(source.id, Number.MAX_SAFE_INTEGER) === undefined) return { records, bytes };
    for (const { events } of series) {
      for (const { offset } of events) {
        const id = this.sql.letterAt.get(source.id, offset, offset);
        if (id === undefined) continue;
        bytes += this.sql.letterBytes.get(id) ?? 0;
        records += this.sql.removeLetter.run(id).changes;
      }
    }
    return { records, bytes };
  }
}
