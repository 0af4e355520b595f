import { Gate } from "../../../shared/async/gate.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { EventView } from "../../core/event-view.ts";
import type { CarriedBatch, Intake, Positioned } from "../../core/source.ts";

/** An event that an intake was given: bytes as latin1 text (one character a byte), and the headers. */
export interface RecordedEvent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the source set beside that. */
  readonly key?: string;
  readonly eventTimeMs?: number;
}

/** What survives a crash: events, positions and counters of all commits. */
export class CommittedWork {
  readonly events: RecordedEvent[] = [];
  readonly positions = new Map<string, string>();
  readonly counters = new Map<string, number>();

  /** Bodies of all committed events. */
  get lines(): readonly string[] {
    return this.events.map((event) => event.body);
  }

  counter(name: string): number {
    return this.counters.get(name) ?? 0;
  }
}

export interface FakeIntakeOptions {
  /** Every wait for `ready` commits first. */
  readonly commitWhenReady?: boolean;
}

/**
 * An intake without engine: records what is appended and makes it durable when told. A crash is a new intake over the
 * same `CommittedWork`: what was not committed is gone, positions are those of the last commit.
 */
export class FakeIntake implements Intake {
  /** Appended and not yet committed. */
  readonly pending: RecordedEvent[] = [];
  /** Batches of other agents that were appended, committed or not. */
  readonly carried: CarriedBatch[] = [];
  /** Times the source waited for room. */
  waits = 0;
  /** Times the source waited for a commit. */
  commitsAsked = 0;
  /** What a commit means; see `Intake.durable`. */
  durable = true;
  /** So often somebody else has used the room that `ready` promised. */
  takenByOthers = 0;

  private readonly view = new EventView();
  private readonly moves = new Set<Positioned>();
  private readonly readers = new Set<() => void>();
  private readonly counts = new Map<string, number>();
  private readonly gate = new Gate();
  private blocked = false;
  private held = false;
  private readonly positionsAtStart: ReadonlyMap<string, string>;

  constructor(
    readonly work: CommittedWork = new CommittedWork(),
    private readonly options: FakeIntakeOptions = {},
  ) {
    this.positionsAtStart = new Map(work.positions);
  }

  beforeCommit(read: () => void): void {
    this.readers.add(read);
  }

  takesNow(): boolean {
    if (this.takenByOthers > 0) {
      this.takenByOthers--;
      return false;
    }
    return !this.blocked;
  }

  append(buffer: Buffer, start: number, end: number): void {
    this.appendWith(buffer, start, end, () => {});
  }

  appendWith(buffer: Buffer, start: number, end: number, prepare: (view: EventView) => void): void {
    this.view.reset(buffer, start, end, 0);
    prepare(this.view);
    const headers = Object.fromEntries(
      this.view.headerNames.map((name, index) => [name, this.view.headerValues[index] ?? ""]),
    );
    const { key, eventTimeMs } = this.view;
    this.pending.push({
      body: this.view.buffer.toString("latin1", this.view.start, this.view.end),
      headers,
      ...(key === undefined ? {} : { key }),
      ...(eventTimeMs === 0 ? {} : { eventTimeMs }),
    });
  }

  /** Its events as `appendWith` would bring them, with all headers that they have. */
  carry(batch: CarriedBatch): void {
    this.carried.push(batch);
    const { bytes } = batch;
    for (const { value, key, timeMs, headers } of decodeRecords(bytes)) {
      this.pending.push({
        body: value.toString("latin1"),
        headers: Object.fromEntries(headers.map((header) => [header.name, header.value.toString()])),
        ...(key === undefined ? {} : { key: key.toString() }),
        ...(timeMs === 0 ? {} : { eventTimeMs: timeMs }),
      });
    }
  }

  moved(what: Positioned): void {
    this.moves.add(what);
  }

  async ready(signal: AbortSignal): Promise<void> {
    this.waits++;
    if (this.options.commitWhenReady === true) this.commit();
    await new Promise(setImmediate);
    while (this.blocked && !signal.aborted) await this.gate.wait(signal);
  }

  async committed(signal: AbortSignal): Promise<boolean> {
    this.commitsAsked++;
    await new Promise(setImmediate);
    while ((this.blocked || this.held) && !signal.aborted) await this.gate.wait(signal);
    if (!signal.aborted) this.commit();
    return !signal.aborted;
  }

  count(name: string, amount: number): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + amount);
  }

  positions(): ReadonlyMap<string, string> {
    return this.positionsAtStart;
  }

  /** Makes durable what was appended, with the positions as they are now. */
  commit(): void {
    const { work } = this;
    // Not by spreading: a million arguments do not fit on the stack.
    for (const event of this.pending) work.events.push(event);
    this.pending.length = 0;
    for (const what of this.moves) {
      const value = what.position();
      if (value === undefined) work.positions.delete(what.key);
      else work.positions.set(what.key, value);
    }
    this.moves.clear();
    for (const [name, amount] of this.counts) work.counters.set(name, work.counter(name) + amount);
    this.counts.clear();
  }

  /** The time of a commit has come: those that asked read first. */
  beat(): void {
    const readers = [...this.readers];
    this.readers.clear();
    for (const read of readers) read();
    this.commit();
  }

  /** From now on the channel is full. */
  block(): void {
    this.blocked = true;
  }

  /** From now on there is room, and nothing becomes durable by itself. */
  holdCommits(): void {
    this.held = true;
  }

  /** There is room again, and commits succeed. */
  unblock(): void {
    this.blocked = false;
    this.held = false;
    this.gate.open();
  }

  /** Bodies of everything appended, committed or not. */
  get lines(): readonly string[] {
    return [...this.work.lines, ...this.pending.map((event) => event.body)];
  }

  /** Events appended, committed or not. */
  get events(): readonly RecordedEvent[] {
    return [...this.work.events, ...this.pending];
  }

  counter(name: string): number {
    return this.work.counter(name) + (this.counts.get(name) ?? 0);
  }
}
