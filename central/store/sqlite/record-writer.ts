/**
 * One record after the other, inside the transaction: who sent it (identity header), whose it is (key), whether the
 * ledger has it, and where it goes. The usual case makes two short strings and one small object.
 */
import type Database from "better-sqlite3";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Identity, parseIdentity } from "../../../shared/identity/identity.ts";
import { part, plainRecord, type RecordBlock } from "../../records/record-block.ts";
import type { DeadRecord } from "../store.ts";
import { compareEvents, type StoredEvent } from "./chunk-codec.ts";
import type { EventWriter } from "./event-writer.ts";
import { FindEvent } from "./find-event.ts";
import type { LaneBook, LedgerWriter } from "./ledger-writer.ts";

/** What the records of one transaction came to. */
export interface RecordCounts {
  stored: number;
  withoutIdentity: number;
  repeated: number;
  conflicts: number;
  shed: number;
  deadLettered: number;
}

/** Where the records come from. */
export interface RecordSource {
  readonly id: number;
  readonly topic: string;
}

/** Longer keys are no vehicle's name. */
const vehicleBytesMax = 256;
/** What a JavaScript date can say. */
const timeMsMax = 8.64e15;

interface KnownLane {
  readonly book: LaneBook;
  readonly agent: string;
  readonly stream: string;
}

/** A record whose number the ledger has: a repeat, or a conflict. */
interface Doubtful {
  readonly book: LaneBook;
  readonly series: number;
  readonly vehicle: string;
  readonly event: StoredEvent;
}

export class RecordWriter {
  private counts: RecordCounts = noCounts();
  private lanes = new Map<string, KnownLane>();
  private doubtful: Doubtful[] = [];
  private readonly find: FindEvent;
  private readonly insertConflict;
  private readonly insertDead;

  constructor(
    database: Database.Database,
    private readonly ledger: LedgerWriter,
    private readonly events: EventWriter,
  ) {
    this.find = new FindEvent(database);
    this.insertConflict = database.prepare(
      "insert into conflict (lane, seq, vehicle, time, source, offset, value, at) values (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.insertDead = database.prepare(
      `insert into dead_letter (source, first_offset, last_offset, reason, identity, key, value, record_time, at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  begin(): void {
    this.counts = noCounts();
    this.lanes = new Map();
    this.doubtful = [];
    this.find.forget();
  }

  /** What was counted since `begin`. */
  get result(): RecordCounts {
    return this.counts;
  }

  /** @throws AppError `CENTRAL_RECORD_POISON` when the record is not what it claims to be. */
  write(source: RecordSource, block: RecordBlock, index: number): void {
    const slot = index * part.stride;
    const { bytes, parts } = block;
    const identityStart = parts[slot + part.identityStart] ?? -1;
    const offset = block.offsets[index] ?? 0;
    const valueStart = parts[slot + part.valueStart] ?? -1;
    const value = valueStart < 0 ? null : bytes.subarray(valueStart, parts[slot + part.valueEnd]);
    const text = identityStart < 0 ? "" : bytes.toString("latin1", identityStart, parts[slot + part.identityEnd]);
    const slash = text.lastIndexOf("/") + 1;
    const known = slash > 0 ? this.lanes.get(text.slice(0, slash)) : undefined;
    const quick = known === undefined ? undefined : quickNumbers(text, slash);
    if (known !== undefined && quick !== undefined) {
      const { time, seq } = quick;
      const event = { time, source: source.id, offset, lane: known.book.id, seq, value };
      this.receive(known, this.vehicle(block, slot, known.agent), event);
      return;
    }
    const identity = identityStart < 0 ? undefined : parseIdentity(text);
    if (identity === undefined) {
      this.writeForeign(source, block, index, offset, value);
      return;
    }
    checkNumbers(identity);
    const lane = this.lane(text.slice(0, slash), identity);
    if (identity.kind === "shed") {
      this.counts.shed += this.ledger.mark(lane.book, identity.first, identity.last, "shed", identity.reason ?? "");
      return;
    }
    const vehicle = this.vehicle(block, slot, identity.agent);
    const { first: seq, eventTimeMs: time } = identity;
    this.receive(lane, vehicle, { time, source: source.id, offset, lane: lane.book.id, seq, value });
  }

  /**
   * Looks at the records whose numbers the ledger had already: once a transaction, in the order in which events are
   * laid out, so that each chunk is unpacked once however many repeats it answers for.
   */
  settleDoubts(nowMs: number): void {
    if (this.doubtful.length === 0) return;
    this.events.flush();
    this.doubtful.sort((a, b) => a.series - b.series || compareEvents(a.event, b.event));
    for (const { book, series, vehicle, event } of this.doubtful) {
      const { time, source, offset, lane, seq, value } = event;
      const stored = this.find.value(series, time, lane, seq);
      if (stored !== undefined && sameBytes(stored, value)) {
        book.repeated++;
        this.counts.repeated++;
        continue;
      }
      this.insertConflict.run(lane, seq, vehicle, time, source, offset, value, nowMs);
      book.conflicts++;
      this.counts.conflicts++;
    }
    this.doubtful = [];
  }

  /** Puts a record aside; its number is accounted for, so that it is not missing as well. */
  writeDead(source: RecordSource, { block, from, to, reason }: DeadRecord, nowMs: number): void {
    for (let index = from; index < to; index++) {
      const { offset, timeMs, key, value, identity: text } = plainRecord(block, index);
      this.insertDead.run(source.id, offset, offset, reason, text ?? null, key ?? null, value ?? null, timeMs, nowMs);
      this.counts.deadLettered++;
      const identity = text === undefined ? undefined : parseIdentity(text);
      if (identity?.kind !== "record" || !numbersAreSane(identity)) continue;
      const { book } = this.lane(text?.slice(0, text.lastIndexOf("/") + 1) ?? "", identity);
      this.ledger.mark(book, identity.first, identity.last, "dead", "dead-letter");
    }
  }

  /** Puts a range aside that nobody could read. */
  writeDamaged(source: RecordSource, first: number, last: number, reason: string, bytes: Buffer, nowMs: number): void {
    this.insertDead.run(source.id, first, last, reason, null, null, bytes, null, nowMs);
    this.counts.deadLettered += last - first + 1;
  }

  private receive({ book, stream }: KnownLane, vehicle: string, event: StoredEvent): void {
    const series = this.events.seriesId(vehicle, stream);
    if (this.ledger.receive(book, event.seq) === "seen") {
      this.doubtful.push({ book, series, vehicle, event });
      return;
    }
    this.events.add(series, event);
    this.counts.stored++;
    book.lastTime = event.time;
  }

  /** A record of somebody else: the topic is its stream, Kafka's time its time, topic-partition-offset its identity. */
  private writeForeign(
    source: RecordSource,
    block: RecordBlock,
    index: number,
    offset: number,
    value: Buffer | null,
  ): void {
    const time = block.timesMs[index] ?? 0;
    if (Math.abs(time) > timeMsMax) throw poison(`time ${time} is beyond any calendar`);
    const series = this.events.seriesId(this.vehicle(block, index * part.stride, "unknown"), source.topic);
    this.events.add(series, { time, source: source.id, offset, lane: 0, seq: 0, value });
    this.counts.stored++;
    this.counts.withoutIdentity++;
  }

  private vehicle(block: RecordBlock, slot: number, otherwise: string): string {
    const start = block.parts[slot + part.keyStart] ?? -1;
    const end = block.parts[slot + part.keyEnd] ?? -1;
    if (start < 0 || start === end) return otherwise;
    if (end - start > vehicleBytesMax) throw poison(`a key of ${end - start} bytes (at most ${vehicleBytesMax})`);
    return block.bytes.toString("utf8", start, end);
  }

  private lane(prefix: string, identity: Identity): KnownLane {
    let lane = this.lanes.get(prefix);
    if (lane === undefined) {
      lane = { book: this.ledger.book(prefix, identity), agent: identity.agent, stream: identity.stream };
      this.lanes.set(prefix, lane);
    }
    return lane;
  }
}

/** The numbers of `…/seq@time`; undefined for markers and for whatever else is not plainly that. */
function quickNumbers(text: string, start: number): { seq: number; time: number } | undefined {
  const at = text.indexOf("@", start);
  if (at <= start || text.length - at > 15 || at - start > 15) return undefined;
  const seq = digits(text, start, at);
  const time = digits(text, at + 1, text.length);
  return seq < 0 || time < 0 ? undefined : { seq, time };
}

function digits(text: string, from: number, to: number): number {
  let number = from < to ? 0 : -1;
  for (let index = from; index < to; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function numbersAreSane(identity: Identity): boolean {
  const { first, last, lane, eventTimeMs } = identity;
  return Number.isSafeInteger(last) && first >= 0 && lane < 2 ** 31 && Math.abs(eventTimeMs) <= timeMsMax;
}

function checkNumbers(identity: Identity): void {
  if (!numbersAreSane(identity)) throw poison("the identity header's numbers are beyond any that an edge gives");
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

function poison(what: string): AppError {
  return new AppError("CENTRAL_RECORD_POISON", `store a record: ${what}`);
}

function noCounts(): RecordCounts {
  return { stored: 0, withoutIdentity: 0, repeated: 0, conflicts: 0, shed: 0, deadLettered: 0 };
}
