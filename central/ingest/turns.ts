/**
 * Shares the one thread among partitions.
 *
 * Storing is work that brings something. Records that are refused, repeated or in conflict bring nothing, and a vehicle
 * that sends them at full rate would fill all the time there is: every other partition would wait for it at each turn. So
 * waste is taken a few milliseconds at a time, and has a budget: `wasteShare` of the time, after a burst of `burstMs`. A
 * partition that has used up its budget rests after each turn until the budget is in balance, as long as other partitions have
 * something to store. With nobody else to serve it does not rest: honest records of its own wait in it as well.
 */
import type { Clock } from "../../shared/clock/clock.ts";

/** What the work on one arrival came to. */
export interface Work {
  readonly tookMs: number;
  /** Records that were stored. What markers say was shed is the sender's word, and costs it nothing. */
  readonly useful: number;
  /** Records that were refused, repeated or in conflict. */
  readonly wasted: number;
}

/** The share of the time that all waste together may take, while others have something to store. */
const wasteShare = 0.2;
/** Up to so much waste at once has no consequence. */
const burstMs = 250;
/** No rest is longer: a partition that stands still for half a minute is said to be stalled. */
const restMsMax = 2_000;
/** Whoever stored or wasted something within this time counts as one to share with: longer than a flood may hold it up. */
const latelyMs = 60_000;

interface Account {
  /** What is left of the budget; below 0 it is used up. */
  leftMs: number;
  seenMs: number;
  wastedMs: number;
  usefulMs: number;
}

export class PartitionTurns {
  private readonly accounts = new Map<string, Account>();

  constructor(private readonly clock: Clock) {}

  /** The partition is not ours any more, or ours anew. */
  forget(partition: string): void {
    this.accounts.delete(partition);
  }

  /** It wasted time lately: an arrival of it begins with little. */
  isSuspect(partition: string): boolean {
    const account = this.accounts.get(partition);
    return account !== undefined && this.clock.uptimeMs() - account.wastedMs < latelyMs;
  }

  /**
   * Takes note of the work on an arrival. Answers how long the partition rests now, after the others had their turn;
   * undefined: it may go on at once.
   */
  done(partition: string, { tookMs, useful, wasted }: Work): number | undefined {
    const account = this.refreshed(partition);
    const nowMs = this.clock.uptimeMs();
    if (useful >= wasted) {
      if (useful > 0) account.usefulMs = nowMs;
      return undefined;
    }
    account.leftMs = Math.max(-restMsMax, account.leftMs - tookMs);
    account.wastedMs = nowMs;
    if (!this.othersStore(partition, nowMs)) return undefined;
    if (account.leftMs >= 0) return 0;
    return Math.min(restMsMax, Math.ceil(-account.leftMs / this.share(nowMs)));
  }

  private refreshed(partition: string): Account {
    const nowMs = this.clock.uptimeMs();
    let account = this.accounts.get(partition);
    if (account === undefined) {
      account = { leftMs: burstMs, seenMs: nowMs, wastedMs: -latelyMs, usefulMs: -latelyMs };
      this.accounts.set(partition, account);
    }
    const earnedMs = (nowMs - account.seenMs) * this.share(nowMs);
    account.leftMs = Math.min(burstMs, account.leftMs + earnedMs);
    account.seenMs = nowMs;
    return account;
  }

  /** Of the time, for one partition that wastes. */
  private share(nowMs: number): number {
    let wasting = 0;
    for (const { wastedMs } of this.accounts.values()) if (nowMs - wastedMs < latelyMs) wasting++;
    return wasteShare / Math.max(1, wasting);
  }

  private othersStore(partition: string, nowMs: number): boolean {
    for (const [other, { usefulMs }] of this.accounts)
      if (other !== partition && nowMs - usefulMs < latelyMs) return true;
    return false;
  }
}
