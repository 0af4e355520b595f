/**
 * The rules of an append, in memory. No store has a copy of any of them: it loads, applies and reads.
 *
 *     gather    the records are read once; what they name (lanes, series, accounts) is known      gather.ts
 *     load      the store fills in what it knows of these
 *     place     each number meets its lane's ranges: new, or a doubt (its number was received already)
 *     find      the store looks up the values of the doubts
 *     settle    same bytes: a repeat; other bytes: a conflict. What is to be written is known
 *     apply     the store writes it, in one transaction, with the position
 *
 * Load and apply must see one state: one transaction, or a check at the end that nothing of it has moved.
 * What is refused (a claim beyond the bounds, over a quota, quarantined) never touches a lane's ranges.
 *
 * Records of an erased vehicle are accounted for in their lane, and not stored. Records that are read a second time
 * (`Reading`) are put back where the books have them and the store lost them.
 */
import { invariant } from "../../shared/errors/invariant.ts";
import type { RecordSlice } from "../records/record-block.ts";
import type { AdmissionRules } from "./admission.ts";
import type { AccountEntry, Doubt, LaneEntry, Marker, PlannedEvent, SeriesEntry } from "./entries.ts";
import { Gathering, type GatherSource } from "./gather.ts";
import { LaneHours } from "./hours.ts";
import { isNewer } from "./last-state.ts";
import { bounds, eventOverheadBytes, type Quotas } from "./limits.ts";
import { nothingYet, type PlanCounts } from "./plan-counts.ts";
import { LaneRanges } from "./ranges.ts";
import { type DoubtsFound, EventsByNumber, type Holder, holderOf, type Reading } from "./reading.ts";
import type { Refusal } from "./refusals.ts";

const dayMs = 86_400_000;
const jumpedTooFar = `a jump over more than ${bounds.jump} numbers`;

/** What has to be written of one lane. */
export interface LanePlan {
  readonly entry: LaneEntry;
  readonly ranges: LaneRanges;
  readonly hours: LaneHours;
  /** New events: a lane that is new gets its key when it is written, and these are told it. */
  readonly events: PlannedEvent[];
  firstSeq: number;
  nextSeq: number;
  sender: string;
  repeated: number;
  conflicts: number;
  lastTime: number | undefined;
}

/** What has to be written. Series without events and lanes without a change are in no list. */
export interface Plan {
  readonly lanes: readonly LanePlan[];
  readonly series: readonly SeriesEntry[];
  readonly accounts: readonly AccountEntry[];
  readonly conflicts: readonly Doubt[];
  readonly refused: readonly Refusal[];
  readonly counts: Readonly<PlanCounts>;
  /** Of erased vehicles, by name: how many records were not stored. */
  readonly withheld: ReadonlyMap<string, number>;
  /** To which day the accounts' bytes belong. */
  readonly day: number;
}

export interface PlanOptions {
  readonly source: GatherSource;
  readonly nowMs: number;
  readonly quotas: Quotas;
  /** Who may say what. */
  readonly rules: AdmissionRules;
  /** What is stored later than that after its event time counts as late. */
  readonly lateAfterMs?: number;
  /** `live` when not given. */
  readonly reading?: Reading;
}

/** A linger of seconds and a retry are not late. */
export const lateAfterMsStandard = 60_000;

export class AppendPlanning {
  readonly gathered: Gathering;
  /** Records without an identity that are read again: the store looks for them by their place in the topic. */
  readonly foreignDoubts: PlannedEvent[] = [];
  private readonly reading: Reading;
  private readonly withheld = new Map<string, number>();
  private readonly restored = new EventsByNumber();
  private readonly lanes: LanePlan[] = [];
  private readonly doubts: Doubt[] = [];
  private readonly conflicts: Doubt[] = [];
  private readonly day: number;
  private lastSender: string | undefined;
  private lastPlace = "";
  private planByLane: Map<LaneEntry, LanePlan> | undefined;
  private readonly counts = nothingYet();

  constructor(
    records: readonly RecordSlice[],
    private readonly options: PlanOptions,
  ) {
    this.day = Math.floor(options.nowMs / dayMs);
    this.reading = options.reading ?? "live";
    this.gathered = new Gathering(options.source, options.rules);
    for (const slice of records) this.gathered.add(slice);
  }

  /**
   * Puts every number into its lane's ranges; after the store has filled in what it knows. Returns the records whose
   * stored values decide what they are: those of this append itself are settled already.
   */
  place(): readonly Doubt[] {
    for (const lane of this.gathered.lanes.values()) this.placeLane(lane);
    const [first] = this.gathered.foreign;
    if (first !== undefined) this.placeForeign();
    return this.settleWithin();
  }

  settle(doubts: readonly Doubt[], { values, isConflict, foreign = [] }: DoubtsFound): Plan {
    invariant(doubts.length === values.length, "every doubt has an answer");
    invariant(this.foreignDoubts.length === foreign.length, "every record without an identity has an answer");
    doubts.forEach((doubt, index) => {
      if (isConflict?.(doubt) === true) this.countRepeat(doubt);
      else this.decide(doubt, holderOf(values[index]));
    });
    this.foreignDoubts.forEach((event, index) => {
      if (foreign[index] === true) this.counts.repeated++;
      else if (this.reading === "replayed") this.restore(event);
      else this.takeForeign(event, this.sizeOf(event));
    });
    const { gathered, counts, conflicts, day } = this;
    counts.refused = gathered.refused.records;
    return {
      lanes: this.lanes,
      series: [...gathered.series.values()].filter(({ events }) => events.length > 0),
      accounts: [...gathered.accounts.values()].filter(({ lanes, series, bytes }) => lanes + series + bytes > 0),
      conflicts,
      refused: gathered.refused.ascending(),
      counts,
      withheld: this.withheld,
      day,
    };
  }

  private placeLane(entry: LaneEntry): void {
    const { stored, account } = entry;
    const barred = this.barred(account) ?? (stored === undefined ? this.laneTooMany(account) : undefined);
    if (barred !== undefined) {
      for (const { offset } of [...entry.events, ...entry.markers]) this.refuse(offset, barred);
      return;
    }
    const plan: LanePlan = {
      entry,
      ranges: new LaneRanges(stored?.ranges ?? []),
      hours: new LaneHours(this.options.nowMs, this.options.lateAfterMs ?? lateAfterMsStandard),
      events: [],
      firstSeq: stored?.firstSeq ?? Number.MAX_SAFE_INTEGER,
      nextSeq: stored?.nextSeq ?? 0,
      sender: stored?.sender ?? "",
      repeated: 0,
      conflicts: 0,
      lastTime: undefined,
    };
    const doubtsBefore = this.doubts.length;
    const { events, markers } = entry;
    let nextMarker = 0;
    for (let index = 0; index <= events.length; index++) {
      for (let marker = markers[nextMarker]; marker?.after === index; marker = markers[++nextMarker]) {
        this.placeMarker(plan, marker);
      }
      const event = events[index];
      if (event !== undefined) this.placeEvent(plan, event);
    }
    // Nothing of it was taken: a lane that is new is not made for that.
    const touched = plan.events.length > 0 || this.doubts.length > doubtsBefore || plan.ranges.changed;
    if (!touched) return;
    if (stored === undefined) account.lanes++;
    this.lanes.push(plan);
  }

  private placeEvent(plan: LanePlan, event: PlannedEvent): void {
    const { account, stored } = plan.entry;
    const { seq, series } = event;
    if (this.jumps(plan, seq)) {
      this.refuse(event.offset, jumpedTooFar);
      return;
    }
    const size = this.sizeOf(event);
    const barred = this.full(account, series, size);
    if (barred !== undefined) {
      this.refuse(event.offset, barred);
      return;
    }
    if (stored !== undefined) event.lane = stored.id;
    const isNew = plan.ranges.receive(seq);
    if (!isNew && series.suppressed) {
      if (this.reading === "live") plan.repeated++;
      this.counts.repeated++;
    } else if (!isNew) {
      account.bytes += size; // a conflict is kept; a repeat gives it back
      this.doubts.push({ lane: plan.entry, event, heldBy: plan.sender });
    }
    if (!isNew) return;
    if (seq < plan.firstSeq) plan.firstSeq = seq;
    if (seq >= plan.nextSeq) plan.nextSeq = seq + 1;
    plan.sender = this.placeAnd(event.sender);
    plan.lastTime = event.time;
    plan.hours.stored(event.time, seq);
    if (series.suppressed) {
      this.withhold(event);
      return;
    }
    plan.events.push(event);
    this.take(account, event, size);
  }

  /** Of an erased vehicle: its number is in the lane's books, and the record is nowhere. */
  private withhold({ series: { vehicle } }: PlannedEvent): void {
    this.counts.suppressed++;
    this.withheld.set(vehicle, (this.withheld.get(vehicle) ?? 0) + 1);
  }

  private placeMarker(plan: LanePlan, marker: Marker): void {
    const { offset, first, last, reason } = marker;
    if (this.jumps(plan, first)) {
      this.refuse(offset, jumpedTooFar);
      return;
    }
    const shed = plan.ranges.shed(first, last, reason);
    this.counts.shed += shed;
    if (shed > 0) plan.hours.shed(marker, shed);
    if (first < plan.firstSeq) plan.firstSeq = first;
    if (last >= plan.nextSeq) plan.nextSeq = last + 1;
  }

  /** Where it came from and who sent it: one text for all records of a batch. */
  private placeAnd(sender: string): string {
    if (sender !== this.lastSender) {
      const { topic, partition } = this.options.source;
      this.lastSender = sender;
      this.lastPlace = `${topic}/${partition}, ${sender}`;
    }
    return this.lastPlace;
  }

  /** A lane that is new to the store may begin anywhere: its first records may have been deleted by retention. */
  private jumps(plan: LanePlan, first: number): boolean {
    return plan.nextSeq > 0 && first - plan.nextSeq > bounds.jump;
  }

  private placeForeign(): void {
    const account = this.foreignAccount();
    const quarantined = this.barred(account);
    for (const event of this.gathered.foreign) {
      const size = this.sizeOf(event);
      const barred = quarantined ?? this.full(account, event.series, size);
      if (barred !== undefined) {
        this.refuse(event.offset, barred);
        continue;
      }
      if (event.series.suppressed) {
        if (this.reading === "replayed") this.counts.repeated++;
        else {
          this.withhold(event);
          this.counts.withoutIdentity++;
        }
      } else if (this.reading !== "live") this.foreignDoubts.push(event);
      else this.takeForeign(event, size);
    }
  }

  private takeForeign(event: PlannedEvent, size: number): void {
    this.counts.withoutIdentity++;
    this.take(this.foreignAccount(), event, size);
  }

  private foreignAccount(): AccountEntry {
    const account = this.gathered.foreignAccount;
    invariant(account !== undefined, "records without an identity have an account");
    return account;
  }

  /** The event is new: it goes to its series, and perhaps becomes the last state. */
  private take(account: AccountEntry, event: PlannedEvent, size: number): void {
    const { series } = event;
    if (series.stored === undefined && series.events.length === 0) account.series++;
    account.bytes += size;
    this.counts.stored++;
    this.keep(event);
  }

  /** It was counted when it came first. */
  private restore(event: PlannedEvent): void {
    this.counts.restored++;
    event.series.restored++;
    this.keep(event);
  }

  private keep(event: PlannedEvent): void {
    const { series } = event;
    const { nowMs } = this.options;
    series.events.push(event);
    const { last } = series;
    if (last !== undefined) {
      if (isNewer(event, last, nowMs, nowMs)) series.last = event;
      return;
    }
    const before = series.stored?.last;
    if (before === undefined || isNewer(event, before, before.storedAtMs, nowMs)) series.last = event;
  }

  /** Doubts about records of this append are settled here; the others are for the store to look up. */
  private settleWithin(): readonly Doubt[] {
    if (this.doubts.length === 0) return [];
    const taken = new EventsByNumber();
    const open: Doubt[] = [];
    for (const doubt of this.doubts) {
      const { lane, event } = doubt;
      if (!taken.has(lane)) for (const one of this.planOf(lane).events) taken.add(lane, one);
      const holder = taken.holder(doubt);
      const unknown = event.series.stored === undefined || lane.stored === undefined;
      if (holder.kind !== "none" || unknown) this.decide(doubt, holder);
      else open.push(doubt);
    }
    return open;
  }

  private decide(doubt: Doubt, stored: Holder): void {
    const { lane, event } = doubt;
    const holder = stored.kind === "none" ? this.restored.holder(doubt) : stored;
    if (holder.kind === "event" && sameBytes(holder.value, event.value)) {
      this.countRepeat(doubt);
      return;
    }
    if (holder.kind === "none" && this.reading === "replayed") {
      this.restored.add(lane, event);
      this.restore(event);
      return;
    }
    const plan = this.planOf(lane);
    plan.conflicts++;
    this.counts.conflicts++;
    this.conflicts.push(doubt);
  }

  private countRepeat({ lane, event }: Doubt): void {
    // In the lane's books only what its sender has sent again.
    if (this.reading === "live") {
      const plan = this.planOf(lane);
      plan.repeated++;
      plan.hours.repeated(event.time);
    }
    lane.account.bytes -= this.sizeOf(event);
    this.counts.repeated++;
  }

  private planOf(lane: LaneEntry): LanePlan {
    this.planByLane ??= new Map(this.lanes.map((plan) => [plan.entry, plan]));
    const plan = this.planByLane.get(lane);
    invariant(plan !== undefined, "a lane with doubts is in the plan");
    return plan;
  }

  private barred({ stored, name }: AccountEntry): string | undefined {
    return stored?.quarantined === true ? `${name} is quarantined` : undefined;
  }

  private laneTooMany({ stored, lanes, name }: AccountEntry): string | undefined {
    const max = this.options.quotas.lanes;
    return (stored?.lanes ?? 0) + lanes < max ? undefined : `${name} has ${max} lanes, its quota`;
  }

  private full(account: AccountEntry, series: SeriesEntry, size: number): string | undefined {
    const { stored, name } = account;
    const { quotas } = this.options;
    const bytes = (stored?.day === this.day ? stored.bytes : 0) + account.bytes;
    if (bytes + size > quotas.bytesPerDay) return `${name} has sent ${quotas.bytesPerDay} bytes today, its quota`;
    if (series.stored !== undefined || series.events.length > 0) return undefined;
    if ((stored?.series ?? 0) + account.series < quotas.series) return undefined;
    return `${name} has begun ${quotas.series} streams of vehicles, its quota`;
  }

  /** Of the day's quota: what is read again is not sent again. */
  private sizeOf({ value }: PlannedEvent): number {
    return this.reading === "live" ? eventOverheadBytes + (value?.length ?? 0) : 0;
  }

  private refuse(offset: number, reason: string): void {
    this.gathered.refused.add(offset, reason);
  }
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
