/**
 * What the sinks take of one partition and group, in order. Events that were read from the topic wait here; batches are built
 * of them when a sink asks, and each event has the same number whenever it is read: the number of the event where the sinks
 * are is stored, and the records after it are what they are.
 *
 * What is stored before a batch is handed out is where it ends. So after a kill the batch that was under way is built again
 * with the same numbers, and a sink that knows its batches by their numbers recognises it.
 */
import { invariant } from "../../../shared/errors/invariant.ts";
import type { ShedReason } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import type { ChannelSettings, LaneReader, LaneStat, OldestHeld } from "../../core/channel.ts";
import type { Lane } from "../../core/lane.ts";
import { limits } from "../../core/limits.ts";
import { buildShedMarker } from "../../core/shed-marker.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";
import type { TakenEvent } from "./event-codec.ts";
import type { TakenRow } from "./progress.ts";

/** What a lane asks its topic for. */
export interface TakenHost {
  readonly agent: string;
  readonly settings: ChannelSettings;
  /** Stores the lane as it is now, at once. @throws AppError what the disk says. */
  store(lane: TakenLane): void;
  /** The same, soon. */
  storeLater(lane: TakenLane): void;
  /** So much memory more, or less. */
  holds(bytes: number): void;
  buried(lane: TakenLane, batch: StoredBatch, offsets: readonly number[], reason: string): void;
}

/** A batch, and where in the topic its records are. */
interface TakenBatch extends StoredBatch {
  readonly offsets: readonly number[];
  readonly heldBytes: number;
  readonly reason?: ShedReason;
}

export class TakenLane implements LaneReader {
  readonly begins = 0;
  /** Offsets below were taken in. */
  readNext: number;
  seqAtStart: number;
  private nextOffset: number;
  private seq: number;
  private leased: number;
  private leasedOffset: number;
  private markNow: string | undefined;
  private readonly sessions: Map<string, string>;
  private events: TakenEvent[] = [];
  private batches: TakenBatch[] = [];
  /** The number of the first event that is in no batch yet. */
  private built: number;
  private taken = 0;
  private sent = 0;
  private dead = 0;
  private readonly counters: Record<string, number> = {};

  constructor(
    readonly lane: Lane,
    readonly partition: number,
    private readonly host: TakenHost,
    row: Pick<TakenRow, "next" | "seq" | "leased" | "leasedOffset" | "mark" | "sessions">,
  ) {
    ({ next: this.nextOffset, seq: this.seq, leased: this.leased, leasedOffset: this.leasedOffset } = row);
    this.markNow = row.mark;
    this.sessions = new Map(Object.entries(row.sessions));
    this.readNext = row.next;
    this.built = row.seq;
    this.seqAtStart = Math.max(row.seq, row.leased);
  }

  get mark(): string | undefined {
    return this.markNow;
  }

  /** As it is to be stored. */
  get row(): TakenRow {
    const { number, epoch, group, part } = this.lane;
    const { partition, nextOffset: next, seq, leased, leasedOffset, markNow: mark } = this;
    const sessions = Object.fromEntries(this.sessions);
    return { number, epoch, group, part, partition, next, seq, leased, leasedOffset, mark, sessions };
  }

  /** The offset of the oldest event that no sink has; undefined: it holds none. */
  get oldestOffset(): number | undefined {
    return this.batches[0]?.offsets[0] ?? this.events[0]?.offset;
  }

  /** The number after the last one that was given away. */
  get end(): number {
    return this.built + this.events.length;
  }

  get heldEvents(): number {
    return this.batches.reduce((sum, { kind, count }) => sum + (kind === "records" ? count : 0), this.events.length);
  }

  /** A batch that was handed out and of which nobody knows what became is to be built again, and this cannot be done from here on. */
  isBroken(offset: number): boolean {
    if (this.built >= this.leased || offset <= this.leasedOffset) return false;
    return this.events.filter((event) => event.offset <= this.leasedOffset).length !== this.leased - this.built;
  }

  push(event: TakenEvent): void {
    this.events.push(event);
    this.readNext = event.offset + 1;
    this.taken++;
    this.host.holds(sizeOf(event));
  }

  /** Another member reads the partition: what no sink was handed is its. What is under way stays until its answer comes. */
  drop(): void {
    const [head] = this.batches;
    const isUnderWay = head !== undefined && endOf(head) <= this.leased;
    const dropped = isUnderWay ? this.batches.splice(1) : this.batches.splice(0);
    for (const { kind, count, heldBytes } of dropped) {
      if (kind === "records") this.taken -= count;
      this.host.holds(-heldBytes);
    }
    this.taken -= this.events.length;
    for (const event of this.events) this.host.holds(-sizeOf(event));
    this.events = [];
    this.built = isUnderWay ? endOf(head) : this.seq;
    this.readNext = isUnderWay ? (head.offsets.at(-1) ?? 0) + 1 : this.nextOffset;
  }

  /** Gives its events away: they get numbers of another lane. */
  surrender(): readonly TakenEvent[] {
    const { events } = this;
    this.events = [];
    this.taken -= events.length;
    for (const event of events) this.host.holds(-sizeOf(event));
    return events;
  }

  oldest(): OldestHeld {
    const [head] = this.batches;
    return { from: head?.first ?? this.built, timeMs: head?.timeMsMin ?? this.events[0]?.timeMs };
  }

  handedOver(): void {
    this.seqAtStart = Math.max(this.seqAtStart, this.leased);
  }

  next(after?: StoredBatch): StoredBatch | undefined {
    const first = after === undefined ? 0 : endOf(after);
    return this.batches.find((batch) => batch.first >= first) ?? this.build();
  }

  /** Nothing is kept: what a broker loses after it has acknowledged it is in our topic, and is not sent again. */
  kept(): undefined {
    return undefined;
  }

  readAhead(): undefined {
    return undefined;
  }

  lease(batch: StoredBatch): void {
    const held = this.batches.find(({ first }) => first === batch.first);
    const offset = held?.offsets.at(-1);
    if (offset === undefined || this.leased === endOf(batch)) return;
    const { leased, leasedOffset } = this;
    this.leased = endOf(batch);
    this.leasedOffset = offset;
    try {
      this.host.store(this);
    } catch (thrown) {
      // Not stored: the next try to hand it out stores it again.
      this.leased = leased;
      this.leasedOffset = leasedOffset;
      throw thrown;
    }
  }

  acknowledge(batch: StoredBatch, mark: string | undefined): void {
    const held = this.oldestHeld(batch);
    if (held.kind === "records") this.sent += held.count;
    if (mark !== undefined) this.markNow = mark;
    this.batches.shift();
    this.seq = endOf(held);
    this.nextOffset = (held.offsets.at(-1) ?? this.nextOffset - 1) + 1;
    this.host.holds(-held.heldBytes);
    this.host.storeLater(this);
  }

  bury(batch: StoredBatch, reason: string): void {
    const held = this.oldestHeld(batch);
    if (held.kind === "shed") {
      this.acknowledge(held, undefined);
      return;
    }
    this.dead += held.count;
    this.host.buried(this, held, held.offsets, reason);
    const { first, count, timeMsMax, offsets, heldBytes, id, lane } = held;
    const marker = buildShedMarker(this.host.agent, lane, { first, count, reason: "dead", timeMs: timeMsMax });
    this.batches[0] = { ...marker, id, lane, kind: "shed", first, count, offsets, heldBytes, reason: "dead" };
  }

  replace(batch: StoredBatch, parts: readonly PutBatch[]): void {
    const held = this.oldestHeld(batch);
    let end = held.first;
    const made: TakenBatch[] = [];
    for (const [index, part] of parts.entries()) {
      invariant(part.first === end, `parts of batch ${held.first} leave a hole at ${end}`);
      const offsets = held.offsets.slice(end - held.first, end - held.first + part.count);
      made.push({ ...part, id: part.first, offsets, heldBytes: index === 0 ? held.heldBytes : 0 });
      end += part.count;
    }
    invariant(end === endOf(held), `parts of batch ${held.first} end at ${end}`);
    this.batches.splice(0, 1, ...made);
  }

  session(destination: string): string | undefined {
    return this.sessions.get(destination);
  }

  saveSession(destination: string, session: string): void {
    this.sessions.set(destination, session);
    this.host.store(this);
  }

  count(name: string, amount: number): void {
    this.counters[name] = (this.counters[name] ?? 0) + amount;
  }

  stat(): LaneStat {
    const { lane, taken: put, sent, dead, counters } = this;
    return { lane, put, sent, dead, shed: 0, held: this.heldEvents, counters };
  }

  private build(): TakenBatch | undefined {
    const wanted = this.leased - this.built;
    // The batch that was under way when the process ended comes as it was, or not yet.
    if (this.events.length === 0 || this.events.length < wanted) return undefined;
    const { agent, settings } = this.host;
    const { epoch, stream, number } = this.lane;
    const identity = settings.identity ? { agent, epoch, stream, lane: number } : undefined;
    const builder = new RecordBatchBuilder({ compression: settings.compression, identity });
    builder.begin(this.built);
    let heldBytes = 0;
    const countMax = wanted > 0 ? wanted : limits.batchRecordsMax;
    const bytesMax = wanted > 0 ? Number.POSITIVE_INFINITY : settings.batchBytesMax;
    const offsets: number[] = [];
    for (const event of this.events) {
      const size = sizeOf(event);
      if (offsets.length > 0 && (offsets.length >= countMax || builder.bytes + size > bytesMax)) break;
      const { body, timeMs: eventTimeMs, key, headerNames, headerValues } = event;
      builder.append({ buffer: body, start: 0, end: body.length, eventTimeMs, key, headerNames, headerValues });
      offsets.push(event.offset);
      heldBytes += size;
    }
    this.events.splice(0, offsets.length);
    const first = this.built;
    this.built += offsets.length;
    const batch = {
      ...builder.seal(),
      id: first,
      lane: this.lane,
      kind: "records" as const,
      first,
      offsets,
      heldBytes,
    };
    this.batches.push(batch);
    return batch;
  }

  private oldestHeld(batch: StoredBatch): TakenBatch {
    const [held] = this.batches;
    invariant(
      held !== undefined && held.first === batch.first && held.count === batch.count,
      `end batch ${batch.first}: it is not the oldest of its lane`,
    );
    return held;
  }
}

function endOf({ first, count }: PutBatch): number {
  return first + count;
}

/** What an event takes of memory, about. */
function sizeOf({ body, key, headerNames, headerValues }: TakenEvent): number {
  let bytes = body.length + (key?.length ?? 0) + 128;
  for (const name of headerNames) bytes += name.length + 16;
  for (const value of headerValues) bytes += value.length + 16;
  return bytes;
}
