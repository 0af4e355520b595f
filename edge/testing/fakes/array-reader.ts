import type { LaneReader } from "../../core/channel.ts";
import type { Lane } from "../../core/lane.ts";
import type { Delivery } from "../../core/sink.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";

/**
 * A lane in memory that forgets what a channel forgets in a crash: acknowledgements and marks since the last commit.
 * Sessions, burials and replacements are durable at once. Bytes are handed out afresh, as a row read again would be.
 */
export class ArrayReader implements LaneReader {
  seqAtStart = 0;
  readonly begins = 0;
  mark: string | undefined;
  readonly counters = new Map<string, number>();
  readonly sessions = new Map<string, string>();
  readonly buried: { readonly batch: StoredBatch; readonly reason: string }[] = [];
  readonly leased = new Set<number>();
  private batches: StoredBatch[] = [];
  private done = new Set<number>();
  private durableDone = new Set<number>();
  private durableMark: string | undefined;
  private nextId = 1;

  constructor(readonly lane: Lane) {}

  put(...batches: readonly PutBatch[]): void {
    for (const batch of batches) this.batches.push({ ...batch, id: this.nextId++ * 1000 });
  }

  next(after?: StoredBatch): StoredBatch | undefined {
    const found = this.batches.find((batch) => !this.done.has(batch.id) && batch.id > (after?.id ?? 0));
    return found && { ...found, bytes: Buffer.from(found.bytes) };
  }

  kept(seq: number): StoredBatch | undefined {
    const found = this.batches.find(({ id, first, count }) => this.done.has(id) && seq >= first && seq < first + count);
    return found && { ...found, bytes: Buffer.from(found.bytes) };
  }

  readAhead(): undefined {
    return undefined;
  }

  lease(batch: StoredBatch): void {
    this.leased.add(batch.id);
  }

  acknowledge(batch: StoredBatch, mark: string | undefined): void {
    this.done.add(batch.id);
    if (mark !== undefined) this.mark = mark;
  }

  bury(batch: StoredBatch, reason: string): void {
    this.buried.push({ batch, reason });
    this.batches = this.batches.filter(({ id }) => id !== batch.id);
  }

  replace(batch: StoredBatch, parts: readonly PutBatch[]): void {
    const at = this.batches.findIndex(({ id }) => id === batch.id);
    const gap = ((this.batches[at + 1]?.id ?? batch.id + 1) - batch.id) / parts.length;
    this.batches.splice(at, 1, ...parts.map((part, index) => ({ ...part, id: batch.id + index * gap })));
  }

  session(destination: string): string | undefined {
    return this.sessions.get(destination);
  }

  saveSession(destination: string, session: string): void {
    this.sessions.set(destination, session);
  }

  count(name: string, amount: number): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + amount);
  }

  /** What the runner does with a delivery. */
  end(batch: StoredBatch, delivery: Delivery): void {
    if (delivery.kind === "delivered") this.acknowledge(batch, delivery.mark);
    else if (delivery.kind === "refused") this.bury(batch, delivery.reason);
    else this.replace(batch, delivery.parts);
  }

  /** Acknowledgements become durable. */
  commit(): void {
    this.durableDone = new Set(this.done);
    this.durableMark = this.mark;
  }

  /** kill -9 and a start: the lane as the next process finds it. */
  crash(): void {
    this.done = new Set(this.durableDone);
    this.mark = this.durableMark;
    this.leased.clear();
    this.seqAtStart = this.batches.reduce((end, { first, count }) => Math.max(end, first + count), 0);
  }

  /** Kept batches that are older than this number are gone. */
  forgetKept(before: number): void {
    this.batches = this.batches.filter(({ id, first, count }) => !this.done.has(id) || first + count > before);
  }

  get heldCount(): number {
    return this.batches.filter(({ id }) => !this.done.has(id)).length;
  }
}
