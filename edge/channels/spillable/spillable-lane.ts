/**
 * One lane over both places. The disk holds its beginning, memory its end: what is put goes to the end of memory, and what
 * is spilled is taken from the beginning of memory and put to the end of the disk. So the order holds without a list of
 * what is where, and a batch that is under way may move: it is known by its numbers, which stay.
 *
 * On the disk the batches stand in a lane of the agent's file, which has numbers of its own, because it never learns of
 * what memory delivered. `shift` is the difference; it changes only while nothing of this lane is on the disk.
 */
import { invariant } from "../../../shared/errors/invariant.ts";
import { IDENTITY_HEADER, type Identity, parseIdentity } from "../../../shared/identity/identity.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import type { LaneReader, LaneStat } from "../../core/channel.ts";
import type { Lane } from "../../core/lane.ts";
import { buildShedMarker } from "../../core/shed-marker.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";
import type { MemoryBatch, MemoryLane } from "../memory/memory-lane.ts";

/** What of a lane is on the disk; numbers as the sinks know them. */
interface OnDisk {
  readonly shift: number;
  from: number;
  end: number;
}

/** What a lane asks its channel for. */
export interface SpillableHost {
  readonly agent: string;
  /** A lane of the agent's file for what this one spills. */
  openOnDisk(lane: Lane): LaneReader;
  /** The number that the next record of that lane gets. */
  nextOnDisk(disk: LaneReader): number;
  /** Writes the beginning of what this lane has in memory. @throws AppError what the disk says. */
  spill(lane: SpillableLane): void;
  /** Nothing is left open about what is on the disk. @throws AppError what the disk says. */
  settle(): void;
}

/** Batches on their way from memory to the disk. */
export interface Spill {
  readonly lane: SpillableLane;
  readonly shift: number;
  readonly bytes: number;
  readonly batches: readonly MemoryBatch[];
  readonly puts: readonly PutBatch[];
}

export class SpillableLane implements LaneReader {
  readonly begins = 0;
  /** Its lane in the agent's file, once it has one. */
  disk: LaneReader | undefined;
  private onDisk: OnDisk | undefined;
  private sent = 0;
  private dead = 0;
  /** Its books begin here. */
  private bornAt = 0;

  constructor(
    readonly memory: MemoryLane,
    private readonly host: SpillableHost,
  ) {}

  /** What an earlier start left on the disk: it is drained, and gets nothing more. */
  adopt(disk: LaneReader, held: Readonly<OnDisk>): void {
    this.disk = disk;
    this.onDisk = { ...held };
    this.bornAt = held.from;
    this.memory.put = held.end;
    this.memory.seqAtStart = held.end;
  }

  get lane(): Lane {
    return this.memory.lane;
  }

  get mark(): string | undefined {
    return this.memory.mark;
  }

  get seqAtStart(): number {
    return this.memory.seqAtStart;
  }

  /** Where what is not acknowledged begins. */
  get from(): number {
    return this.onDisk?.from ?? this.memory.batches[0]?.first ?? this.memory.put;
  }

  get isOnDisk(): boolean {
    return this.onDisk !== undefined;
  }

  next(after?: StoredBatch): StoredBatch | undefined {
    const { onDisk, disk } = this;
    if (onDisk === undefined || disk === undefined || (after !== undefined && endOf(after) >= onDisk.end)) {
      return this.memory.next(after);
    }
    const batch = disk.next(after === undefined ? undefined : inward(after, onDisk, disk));
    return batch === undefined ? undefined : this.outward(batch, onDisk);
  }

  lease(batch: StoredBatch): void {
    const at = this.placeOf(batch);
    if (at === undefined) this.memory.lease(batch);
    else at.disk.lease(at.batch);
  }

  readAhead(batch: StoredBatch): (() => void) | undefined {
    const at = this.placeOf(batch);
    return at?.disk.readAhead(at.batch);
  }

  /** Nothing is kept: what a broker loses after it has acknowledged it is gone. */
  kept(): undefined {
    return undefined;
  }

  acknowledge(batch: StoredBatch, mark: string | undefined): void {
    const at = this.placeOf(batch);
    if (at === undefined) this.memory.acknowledge(batch, mark);
    else {
      // The mark stays in memory: on the disk it would be an old one as soon as memory delivers again.
      at.disk.acknowledge(at.batch, undefined);
      this.left(batch);
      if (mark !== undefined) this.memory.mark = mark;
    }
    if (batch.kind === "records") this.sent += batch.count;
  }

  /** On the disk: a dead letter is kept there, and its marker is there when the process is killed. */
  bury(batch: StoredBatch, reason: string): void {
    if (this.placeOf(batch) === undefined) this.host.spill(this);
    const at = this.placeOf(batch);
    invariant(at !== undefined, `batch ${batch.first} was spilled`);
    at.disk.bury(at.batch, reason);
    if (batch.kind === "shed") this.left(batch);
    else this.dead += batch.count;
  }

  replace(batch: StoredBatch, parts: readonly PutBatch[]): void {
    this.host.settle();
    const at = this.placeOf(batch);
    if (at === undefined) this.memory.replace(batch, parts);
    else
      at.disk.replace(
        at.batch,
        parts.map((part) => inward(part, at.onDisk, at.disk)),
      );
  }

  session(destination: string): string | undefined {
    return this.memory.session(destination);
  }

  saveSession(destination: string, session: string): void {
    this.memory.saveSession(destination, session);
  }

  count(name: string, amount: number): void {
    this.memory.count(name, amount);
  }

  /** The beginning of what memory holds, some `bytesMax` of it, as it is to be put on the disk; undefined when there is none. */
  spill(bytesMax: number): Spill | undefined {
    const batches: MemoryBatch[] = [];
    let bytes = 0;
    for (const batch of this.memory.batches) {
      if (bytes >= bytesMax) break;
      batches.push(batch);
      bytes += batch.bytes.length;
    }
    const [head] = batches;
    if (head === undefined) return undefined;
    const disk = this.disk ?? this.host.openOnDisk(this.lane);
    this.disk = disk;
    const shift = this.onDisk?.shift ?? head.first - this.host.nextOnDisk(disk);
    return { lane: this, shift, bytes, batches, puts: batches.map((batch) => plain(inward(batch, { shift }, disk))) };
  }

  /** The disk has these now; some may have been delivered meanwhile. */
  spilled({ shift, batches }: Spill): void {
    const { disk } = this;
    for (const batch of batches) {
      this.onDisk ??= { shift, from: batch.first, end: batch.first };
      this.onDisk.end = endOf(batch);
      if (this.memory.batches[0] === batch) {
        this.memory.acknowledge(batch, undefined);
        continue;
      }
      const held = disk?.next();
      if (held !== undefined) disk?.acknowledge(held, undefined);
      this.left(batch);
    }
  }

  /** `disk`: the books of its lane in the agent's file. */
  stat(disk: LaneStat | undefined): LaneStat {
    const { lane, memory, sent, dead } = this;
    const put = memory.put - this.bornAt;
    const held = memory.batches.reduce((sum, { count }) => sum + count, disk?.held ?? 0);
    const counters = { ...disk?.counters, ...memory.stat().counters };
    return { lane, put, sent, dead, held, shed: put - sent - dead - held, counters };
  }

  private placeOf(batch: StoredBatch) {
    const { onDisk, disk } = this;
    if (onDisk === undefined || disk === undefined || batch.first >= onDisk.end) return undefined;
    return { disk, onDisk, batch: inward(batch, onDisk, disk) };
  }

  private left(batch: StoredBatch): void {
    const { onDisk } = this;
    if (onDisk === undefined) return;
    onDisk.from = endOf(batch);
    if (onDisk.from === onDisk.end) this.onDisk = undefined;
  }

  private outward(batch: StoredBatch, { shift }: OnDisk): StoredBatch {
    const { lane } = this;
    const { kind, count, timeMsMin, timeMsMax, recordsCrc, bytes, carried } = batch;
    const first = batch.first + shift;
    const own = { id: first, lane, kind, first, count, timeMsMin, timeMsMax };
    const known = carried === undefined ? own : { ...own, carried };
    if (kind === "records") return { ...known, recordsCrc, bytes };
    if (lane.carries === true) return { ...known, recordsCrc, bytes };
    // The file names its own lane in a marker: ours is the one that the records have.
    const reason = identityOf(batch)?.reason ?? "damaged";
    const marker = buildShedMarker(this.host.agent, lane, { first, count, reason, timeMs: timeMsMax });
    return { ...known, recordsCrc: marker.recordsCrc, bytes: marker.bytes };
  }
}

/** What the first record of a batch says of itself; undefined where records carry no identity. */
export function identityOf({ bytes }: StoredBatch): Identity | undefined {
  for (const { headers } of decodeRecords(bytes)) {
    const header = headers.find(({ name }) => name === IDENTITY_HEADER);
    return header === undefined ? undefined : parseIdentity(header.value.toString());
  }
  return undefined;
}

function inward<B extends PutBatch>(batch: B, { shift }: Pick<OnDisk, "shift">, { lane }: LaneReader): B {
  return { ...batch, lane, first: batch.first - shift };
}

/** Without what only memory knows of it. */
function plain({ lane, kind, first, count, timeMsMin, timeMsMax, recordsCrc, bytes, carried }: PutBatch): PutBatch {
  const batch = { lane, kind, first, count, timeMsMin, timeMsMax, recordsCrc, bytes };
  return carried === undefined ? batch : { ...batch, carried };
}

function endOf({ first, count }: PutBatch): number {
  return first + count;
}
