/**
 * Whether the store takes what is brought to it, for all who bring something: the partitions of the topics and the relay.
 * Work is tried until the store takes it. Status and health show what follows from that: the store takes writes when it took what it
 * was asked last, and nothing is being tried that it has refused. One small record that still fits onto a full disk says nothing
 * of a large one that waits.
 */
import { Backoff } from "../../shared/async/backoff.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { type AppError, hasCode, messageOf } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Store } from "../store/store.ts";
import { storeAway, storeBack } from "../telemetry.ts";
import type { IngestCounters } from "./counters.ts";

export interface StoreWatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** What it says is counted in `counters` where the signal says so. */
  readonly report: Report;
  readonly counters: IngestCounters;
  /** Our own assumption was broken: the process must end. */
  readonly fatal: (thrown: unknown) => void;
}

/** So long after the last thing that was asked of it the store is asked for its own sake. */
const idleMs = 1_000;

/** So often the group is told that we live while the store works. kafkajs sends one only when it is due. */
const beatEveryMs = 500;

export class StoreWatch {
  /** What is being tried, and was refused when it was tried last: why. */
  private readonly refused = new Map<object, string>();
  /** Why it did not take the last thing that anybody asked of it; empty: nobody has asked. Undefined: it took it. */
  private lastRefusal: string | undefined = "";
  private awaySinceMs: number | undefined;
  /** It was ours once: whatever is in its place now, somebody will put it back. */
  private opened = false;
  private askedMs = 0;
  private failedAsks = 0;

  constructor(private readonly options: StoreWatchOptions) {
    this.show();
  }

  /** Resolves when the store is open and takes writes; nothing should be brought to us before. */
  async untilOpen(signal: AbortSignal): Promise<void> {
    await this.untilStored(
      signal,
      async () => {},
      () => this.options.store.probe(),
    );
    this.opened = true;
  }

  /**
   * Whether the store takes writes must not be known from the last record alone. The second failure in a row counts: a
   * transaction of another instance may hold the file for as long as one takes.
   */
  async probeWhenIdle(): Promise<void> {
    if (this.options.clock.uptimeMs() - this.askedMs < idleMs) return;
    try {
      await this.options.store.ask();
      this.answered();
    } catch (thrown) {
      if (!isAway(thrown)) return this.options.fatal(thrown);
      if (++this.failedAsks > 1) this.failed(thrown);
    }
  }

  /**
   * Tries until the store takes it; `waiting` is called before each further try, and while the store works. The wait is short enough to resume within
   * a second.
   *
   * @throws AppError what the store says, when it is not that it is away, or when the signal has aborted.
   */
  async untilStored<T>(signal: AbortSignal, waiting: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff({ initialMs: 20, maxMs: 300 }, this.options.random);
    try {
      for (;;) {
        try {
          this.askedMs = this.options.clock.uptimeMs();
          const result = await meanwhile(work(), waiting);
          this.answered(work);
          return result;
        } catch (thrown) {
          if (hasCode(thrown, "CENTRAL_STORE_FENCED", "CENTRAL_RECORD_POISON")) this.answered(work);
          if (!isAway(thrown, this.opened)) throw thrown;
          this.failed(thrown, work);
          await sleep(backoff.nextMs(), signal);
          if (signal.aborted) throw thrown;
          await waiting();
        }
      }
    } finally {
      // However it ended: what nobody tries any more holds nothing up.
      this.refused.delete(work);
      this.show();
    }
  }

  private answered(work?: object): void {
    this.failedAsks = 0;
    this.lastRefusal = undefined;
    if (work !== undefined) this.refused.delete(work);
    this.show();
  }

  private failed(error: AppError, work?: object): void {
    const because = messageOf(error);
    this.lastRefusal = because;
    if (work !== undefined) this.refused.set(work, because);
    this.awaySinceMs ??= this.options.clock.uptimeMs();
    this.options.report(storeAway, { error: because });
    this.show();
  }

  private show(): void {
    const { counters, clock, report } = this.options;
    const because = this.lastRefusal ?? [...this.refused.values()].at(-1);
    counters.storeAvailable = because === undefined;
    counters.storeAwayBecause = because ?? "";
    const since = this.awaySinceMs;
    if (because !== undefined || since === undefined) return;
    this.awaySinceMs = undefined;
    report(storeBack, { afterMs: Math.round(clock.uptimeMs() - since) });
  }
}

/** A store past this machine may take long to answer: the group hears of us all the while. */
async function meanwhile<T>(work: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
  // One that fails is of no account: the next one of the delivery itself says what it means.
  const beating = setInterval(() => void heartbeat().catch(() => {}), beatEveryMs);
  try {
    return await work;
  } finally {
    clearInterval(beating);
  }
}

/** Nothing can be stored now. A file that is not ours is something to wait out only where ours was before. */
function isAway(thrown: unknown, wasOurs = true): thrown is AppError {
  if (hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE")) return true;
  return wasOurs && hasCode(thrown, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION");
}
