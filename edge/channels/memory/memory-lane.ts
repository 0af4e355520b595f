import { invariant } from "../../../shared/errors/invariant.ts";
import type { ShedReason } from "../../../shared/identity/identity.ts";
import type { LaneReader, LaneStat } from "../../core/channel.ts";
import type { Lane } from "../../core/lane.ts";
import { buildShedMarker } from "../../core/shed-marker.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";

/** A batch with what only this channel knows of it. */
export interface MemoryBatch extends StoredBatch {
  /** Uptime, milliseconds. */
  readonly putMs: number;
  /** Set while it is a marker. */
  readonly reason?: ShedReason;
  /** To be called when it was delivered, shed or buried. */
  readonly ended: () => void;
}

/** One lane in memory, and its reader. */
export class MemoryLane implements LaneReader {
  /** Held, the oldest first, without a hole. */
  readonly batches: MemoryBatch[] = [];
  seqAtStart = 0;
  readonly begins = 0;
  mark: string | undefined;
  /** Records ever put: the number of the next one. */
  put = 0;

  private readonly books = { sent: 0, shed: 0, dead: 0 };
  private readonly counters: Record<string, number> = {};
  private readonly sessions = new Map<string, string>();
  /** Numbers below this one were handed out. */
  private taken = 0;

  constructor(
    readonly lane: Lane,
    private readonly agent: string,
    private readonly shrank: (bytes: number) => void,
    private readonly expire: () => void,
  ) {}

  push(batch: MemoryBatch): void {
    invariant(batch.first === this.put, `put from ${batch.first}: the lane ends at ${this.put}`);
    this.put = batch.first + batch.count;
    this.batches.push(batch);
  }

  next(after?: StoredBatch): StoredBatch | undefined {
    this.expire();
    const first = after === undefined ? 0 : after.first + after.count;
    const batch = this.batches.find((candidate) => candidate.first >= first);
    if (batch !== undefined) this.lease(batch);
    return batch;
  }

  /** Nothing is kept: what a broker loses after it has acknowledged it is gone, as it is after a crash. */
  kept(): undefined {
    return undefined;
  }

  readAhead(): undefined {
    return undefined;
  }

  lease(batch: StoredBatch): void {
    this.taken = Math.max(this.taken, batch.first + batch.count);
  }

  acknowledge(batch: StoredBatch, mark: string | undefined): void {
    const held = this.oldest(batch);
    if (held.kind === "records") this.books.sent += held.count;
    if (mark !== undefined) this.mark = mark;
    this.batches.shift();
    this.end(held);
  }

  bury(batch: StoredBatch): void {
    const held = this.oldest(batch);
    if (held.kind === "shed") {
      this.acknowledge(held, undefined);
      return;
    }
    this.books.dead += held.count;
    this.batches[0] = this.marker(held, held.count, "dead");
    this.end(held);
  }

  replace(batch: StoredBatch, parts: readonly PutBatch[]): void {
    const held = this.oldest(batch);
    const bytes = parts.reduce((sum, part) => sum + part.bytes.length, 0);
    let end = held.first;
    for (const part of parts) {
      invariant(part.first === end, `parts of batch ${held.first} leave a hole at ${end}`);
      end += part.count;
    }
    const last = parts.at(-1);
    invariant(last !== undefined && end === held.first + held.count, `parts of batch ${held.first} end at ${end}`);
    const { putMs } = held;
    const nothing = () => undefined;
    this.batches.splice(
      0,
      1,
      ...parts.map((part) => ({ ...part, id: part.first, putMs, ended: part === last ? held.ended : nothing })),
    );
    this.shrank(held.bytes.length - bytes);
  }

  session(destination: string): string | undefined {
    return this.sessions.get(destination);
  }

  saveSession(destination: string, session: string): void {
    this.sessions.set(destination, session);
  }

  count(name: string, amount: number): void {
    this.counters[name] = (this.counters[name] ?? 0) + amount;
  }

  /** The oldest batch of records that policy may drop. */
  oldestUntaken(): MemoryBatch | undefined {
    return this.batches.find(({ kind, first }) => kind === "records" && first >= this.taken);
  }

  /** Drops it; a marker takes its place, or the one before it grows. */
  shed(batch: MemoryBatch, reason: ShedReason): void {
    const index = this.batches.indexOf(batch);
    const before = this.batches[index - 1];
    this.books.shed += batch.count;
    this.count(`shed_${reason}`, batch.count);
    const isOwn = batch.carried === undefined && before?.carried === undefined;
    if (isOwn && before !== undefined && before.reason === reason && before.first >= this.taken) {
      this.batches.splice(index - 1, 2, this.marker(before, before.count + batch.count, reason));
    } else this.batches[index] = this.marker(batch, batch.count, reason);
    this.end(batch);
  }

  stat(): LaneStat {
    const { lane, put, books, counters } = this;
    const { sent, shed, dead } = books;
    return { lane, put, sent, shed, dead, held: put - sent - shed - dead, counters };
  }

  private marker(at: MemoryBatch, count: number, reason: ShedReason): MemoryBatch {
    const { id, lane, first, timeMsMax, putMs, carried } = at;
    const sealed = buildShedMarker(this.agent, lane, { first, count, reason, timeMs: timeMsMax, carried });
    const marker = { ...sealed, id, lane, kind: "shed" as const, first, count, putMs, reason, ended: () => undefined };
    return carried === undefined ? marker : { ...marker, carried };
  }

  private end(batch: MemoryBatch): void {
    this.shrank(batch.kind === "records" ? batch.bytes.length : 0);
    batch.ended();
  }

  private oldest(batch: StoredBatch): MemoryBatch {
    const held = this.batches[0];
    invariant(
      held !== undefined && held.first === batch.first && held.count === batch.count,
      `end batch ${batch.first}: it is not the oldest of its lane`,
    );
    return held;
  }
}
