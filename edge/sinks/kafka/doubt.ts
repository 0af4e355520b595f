/**
 * Which batches of a lane may be in the log without our knowing, and for how long that may have been so.
 *
 * In this process: those that were sent and not answered, at most one with its followers during recovery. After a start:
 * what the process before may have sent without a durable acknowledgement. How much that is, is bounded: a channel marks
 * acknowledgements before `limits.unmarkedBytesMax` of them gather, and one more batch may have been under way.
 *
 * Ages are uptimes of one boot. The wall clock of a vehicle says nothing.
 */
import type { Clock } from "../../../shared/clock/clock.ts";
import { limits } from "../../core/limits.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { endOf, type Moment } from "./session.ts";

/** Stored bytes that the process before may have sent without a trace. */
export const untracedBytesMax = limits.unmarkedBytesMax + limits.batchBytesMax;

/** How a batch came to its end. */
export interface Settled {
  /** It was sent once only. */
  readonly once: boolean;
  /** When it was appended, by the broker's clock; undefined: it does not say. */
  readonly brokerTimeMs: number | undefined;
  /** Who said so. */
  readonly nodeId: number;
}

export class Doubt {
  private sentBelow = 0;
  private startBelow: number;
  private startBytesLeft = untracedBytesMax;
  /** What is in doubt now was appended after this moment, if it was. Undefined: no such moment is known. */
  private appendedAfter: Moment | undefined;
  /** The log of this node was looked up at this moment and did not have what is in doubt. */
  private absentAt: { readonly nodeId: number; readonly moment: Moment } | undefined;
  /** The same by the broker's clock. */
  private appendedAfterBrokerMs: number | undefined;
  /** First number of the batch in delivery: all before it is settled. */
  private current = 0;

  constructor(
    seqAtStart: number,
    private readonly clock: Clock,
  ) {
    this.startBelow = seqAtStart;
  }

  /** Whether the batch may have been sent before. */
  has(batch: StoredBatch): boolean {
    return batch.first < this.sentBelow || (batch.first < this.startBelow && this.startBytesLeft > 0);
  }

  /** No number from here on was ever sent. */
  get below(): number {
    return Math.max(this.sentBelow, this.startBelow);
  }

  /** A moment before anything in doubt was sent, for mark and session rows; undefined: none is known. */
  get since(): Moment | undefined {
    return this.appendedAfter;
  }

  /** The same by the broker's clock. */
  get sinceBrokerMs(): number | undefined {
    return this.appendedAfterBrokerMs;
  }

  /** After a start: the latest of the moments that were stored, and the broker's time of the last acknowledgement. */
  resume(moments: readonly (Moment | undefined)[], brokerTimeMs: number | undefined): void {
    this.appendedAfterBrokerMs = brokerTimeMs;
    for (const moment of moments) {
      if (moment?.bootId !== this.clock.bootId()) continue;
      if (this.appendedAfter === undefined || moment.uptimeMs > this.appendedAfter.uptimeMs)
        this.appendedAfter = moment;
    }
  }

  /** The batch is the one to be delivered: everything before it is settled. */
  delivering(batch: StoredBatch): void {
    this.current = batch.first;
  }

  /** The batch goes out now. */
  sending(batch: StoredBatch): void {
    if (!this.has(batch) && batch.first === this.current) this.appendedAfter = this.now();
    this.sentBelow = Math.max(this.sentBelow, endOf(batch));
  }

  /** The only send of this batch was answered: not appended. */
  takeBack(batch: StoredBatch): void {
    this.sentBelow = Math.min(this.sentBelow, batch.first);
  }

  /**
   * The log has it. A broker counts the age of a producer from its last append; that of a batch in doubt may have been
   * long before the answer, so only one that was sent once moves what is known.
   */
  settled(batch: StoredBatch, { once, brokerTimeMs, nodeId }: Settled): void {
    if (once) this.appendedAfterBrokerMs = brokerTimeMs;
    // The log that took it did not have it then.
    if (this.absentAt !== undefined && this.absentAt.nodeId === nodeId) this.appendedAfter = this.absentAt.moment;
    this.absentAt = undefined;
    this.startBytesLeft -= batch.bytes.length;
  }

  /** This node's log was looked up and does not have what is in doubt: if it is appended there after all, then from now on. */
  absent(nodeId: number): void {
    this.absentAt = { nodeId, moment: this.now() };
  }

  /** Nothing with these numbers or later ones was ever sent under the session that is used now. */
  clear(from: number): void {
    this.sentBelow = Math.min(this.sentBelow, from);
    this.startBelow = Math.min(this.startBelow, from);
    this.absentAt = undefined;
    this.appendedAfter = this.now();
  }

  /** Whether the broker may have forgotten the producer: its last append is that long ago, or nobody knows. */
  mayBeForgotten(expirationMs: number, nodeId: number): boolean {
    const since = this.absentAt?.nodeId === nodeId ? this.absentAt.moment : this.appendedAfter;
    if (since === undefined || since.bootId !== this.clock.bootId()) return true;
    // A tenth for what is on its way, and for two clocks that do not run alike.
    return this.clock.uptimeMs() - since.uptimeMs > expirationMs * 0.9;
  }

  /** Whether the broker cannot have forgotten, by its own clock, what was in doubt when it appended at this time. */
  rememberedAt(brokerTimeMs: number | undefined, expirationMs: number): boolean {
    const since = this.appendedAfterBrokerMs;
    return since !== undefined && brokerTimeMs !== undefined && brokerTimeMs - since < expirationMs * 0.9;
  }

  now(): Moment {
    return { uptimeMs: this.clock.uptimeMs(), bootId: this.clock.bootId() };
  }
}
