/**
 * A store that is a few maps: shows what a store has to do beside the rules (load, find, apply), and lets the rules be
 * tested without SQL. It gives the plan the whole lane, where a real store gives the neighbourhood.
 */
import { type AdmissionRules, anybody } from "../ledger/admission.ts";
import type { PlannedEvent, StoredAccount } from "../ledger/entries.ts";
import { defaultQuotas, type Quotas } from "../ledger/limits.ts";
import { AppendPlanning, type Plan } from "../ledger/plan.ts";
import type { Range } from "../ledger/ranges.ts";
import type { Reading } from "../ledger/reading.ts";
import type { PlainRecord, RecordBlock, RecordSlice } from "../records/record-block.ts";
import { slicesOf } from "./records.ts";

interface MemoryLane {
  readonly id: number;
  firstSeq: number;
  nextSeq: number;
  sender: string;
  readonly ranges: Map<number, Range>;
  repeated: number;
  conflicts: number;
}

interface MemorySeries {
  readonly id: number;
  readonly anew: boolean;
  readonly events: PlannedEvent[];
  last: (PlannedEvent & { readonly storedAtMs: number }) | undefined;
}

export class MemoryLedger {
  readonly lanes = new Map<string, MemoryLane>();
  readonly series = new Map<string, MemorySeries>();
  readonly accounts = new Map<string, StoredAccount>();
  readonly conflicts: PlannedEvent[] = [];
  /** Vehicles that were erased. */
  readonly suppressed = new Set<string>();

  constructor(
    private readonly quotas: Quotas = defaultQuotas,
    private readonly rules: AdmissionRules = anybody,
  ) {}

  append(records: readonly PlainRecord[], nowMs: number, reading: Reading = "live"): Plan {
    return this.appendSlices(slicesOf(records), nowMs, reading);
  }

  /** Batches, each with its own sender. */
  appendBlocks(blocks: readonly RecordBlock[], nowMs: number): Plan {
    return this.appendSlices(
      blocks.map((block) => ({ block, from: 0, to: block.count })),
      nowMs,
    );
  }

  private appendSlices(slices: readonly RecordSlice[], nowMs: number, reading: Reading = "live"): Plan {
    const source = { id: 1, topic: "drive", partition: 0 };
    const planning = new AppendPlanning(slices, { source, nowMs, quotas: this.quotas, rules: this.rules, reading });
    const { lanes, series, accounts } = planning.gathered;
    for (const [name, entry] of lanes) entry.stored = this.lane(name);
    for (const [name, entry] of series) {
      entry.stored = this.series.get(name);
      entry.suppressed = this.suppressed.has(entry.vehicle);
    }
    for (const [name, entry] of accounts) entry.stored = this.accounts.get(name);
    const doubts = planning.place();
    const values = doubts.map(({ event }) => this.find(event));
    const foreign = planning.foreignDoubts.map((event) => this.findForeign(event));
    const plan = planning.settle(doubts, { values, foreign });
    this.apply(plan, planning, nowMs);
    return plan;
  }

  private lane(name: string) {
    const lane = this.lanes.get(name);
    return lane && { ...lane, ranges: [...lane.ranges.values()].sort((a, b) => a.first - b.first) };
  }

  private find({ series, lane, seq, time }: PlannedEvent): Buffer | null | undefined {
    const events = this.series.get(`${series.stream}\0${series.vehicle}`)?.events ?? [];
    return events.find((one) => one.lane === lane && one.seq === seq && one.time === time)?.value;
  }

  private findForeign({ series, offset }: PlannedEvent): boolean {
    const events = this.series.get(`${series.stream}\0${series.vehicle}`)?.events ?? [];
    return events.some((one) => one.offset === offset);
  }

  private apply(plan: Plan, planning: AppendPlanning, nowMs: number): void {
    const names = new Map([...planning.gathered.lanes].map(([name, entry]) => [entry, name]));
    for (const { entry, ranges, events, firstSeq, nextSeq, sender, repeated, conflicts } of plan.lanes) {
      const name = names.get(entry) ?? "";
      const lane = this.lanes.get(name) ?? {
        id: this.lanes.size + 1,
        firstSeq: 0,
        nextSeq: 0,
        sender: "",
        ranges: new Map(),
        repeated: 0,
        conflicts: 0,
      };
      this.lanes.set(name, lane);
      for (const event of events) event.lane = lane.id;
      const { removed, put } = ranges.changes();
      for (const first of removed) lane.ranges.delete(first);
      for (const range of put) lane.ranges.set(range.first, range);
      lane.firstSeq = firstSeq;
      lane.nextSeq = nextSeq;
      lane.sender = sender;
      lane.repeated += repeated;
      lane.conflicts += conflicts;
    }
    for (const { vehicle, stream, events, last } of plan.series) {
      const name = `${stream}\0${vehicle}`;
      const series = this.series.get(name) ?? { id: this.series.size + 1, anew: false, events: [], last: undefined };
      this.series.set(name, series);
      series.events.push(...events);
      if (last !== undefined) series.last = { ...last, storedAtMs: nowMs };
    }
    for (const { event } of plan.conflicts) this.conflicts.push(event);
    for (const { name, lanes, series, bytes } of plan.accounts) {
      const before = this.accounts.get(name);
      this.accounts.set(name, {
        lanes: (before?.lanes ?? 0) + lanes,
        series: (before?.series ?? 0) + series,
        bytes: (before?.day === plan.day ? before.bytes : 0) + bytes,
        day: plan.day,
        quarantined: before?.quarantined ?? false,
      });
    }
  }
}
