/**
 * The one place where things become durable.
 *
 * A commit takes, at one synchronous point, all open batches of all channels and the latest position of every source,
 * and writes them with the counters in one transaction. Sources share channels, so positions cannot be committed source
 * by source. The point is never inside an append: it is a timer, an idle turn of the event loop, or a source that waits,
 * so every position stands exactly behind the last event that was appended.
 *
 * When: a line after a quiet linger goes at once (as soon as its source lets go of the thread); then at most once a
 * linger; earlier when enough bytes are pending. Busy sources have no timers of their own: they are asked to read right
 * before a commit, so that no line misses it by a moment and waits for two. The linger grows while the sinks are behind, because nobody waits for
 * those batches, and it is never shorter than the last commit took, so that fsync gets at most half of the time.
 *
 * A commit that failed (disk full, I/O error) is kept as it is and tried again: the same batches under the same numbers.
 * Until it succeeds, sources wait; their files are the buffer.
 */
import { Gate } from "../../shared/async/gate.ts";
import { AppError, endsProcess, messageOf } from "../../shared/errors/app-error.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Counter, Metrics } from "../../shared/telemetry/metrics.ts";
import type { Channel } from "../core/channel.ts";
import type { ChannelStore, CommitWork, CounterUpdate, PositionUpdate } from "../core/channel-store.ts";
import { limits } from "../core/limits.ts";
import type { PutBatch } from "../core/stored-batch.ts";
import type { StreamPart } from "./late-positions.ts";

/** A stream that has work for the next commit. */
export interface CommitSource {
  /** Batches for channels of either kind, positions that moved, counters that grew. Called once a commit. */
  collect(into: CollectedWork): void;
}

/** What streams hand over. */
export interface CollectedWork {
  readonly batches: PutBatch[];
  readonly positions: PositionUpdate[];
  readonly counters: CounterUpdate[];
  /** Of streams whose channels keep their batches themselves: put after the commit; their positions become durable later. */
  readonly selfKept: StreamPart[];
}

export interface CommitterOptions {
  readonly store: ChannelStore;
  readonly channels: readonly Channel[];
  /** Hands work over to the channels that keep it themselves. */
  readonly putSelfKept: (part: StreamPart) => void;
  readonly lingerMs: number;
  readonly report: Report;
  readonly metrics: Metrics;
}

const signals = {
  failed: defineSignal({
    name: "commit_failed",
    level: "error",
    message: "Could not write to the channel file; sources wait and it is tried again",
    atMostEveryMs: 10_000,
  }),
  recovered: defineSignal({ name: "commit_recovered", level: "info", message: "The channel file takes writes again" }),
};

/** How long an acknowledgement waits for a commit to ride in, before it gets one of its own. */
const markAfterMs = 5_000;
/** Sources that read on the beat of the commits are not asked more often, however short the linger. */
const beatMsMin = 5;
const retryMsMin = 100;
const retryMsMax = 5_000;

export class Committer {
  /** Opens after every commit that succeeded. */
  readonly committed = new Gate();
  /** Uncompressed bytes that wait for the next commit. */
  pendingBytes = 0;

  /** A reload changes both. */
  lingerMs: number;
  channels: readonly Channel[];

  private readonly options: CommitterOptions;
  private readonly sources = new Set<CommitSource>();
  /** Who wants to read right before the next commit. */
  private readonly readers = new Set<() => void>();
  private failed: CollectedWork | undefined;
  private retryMs = retryMsMin;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The timer waits the long linger, because the sinks were behind when it was set. */
  private unhurried = false;
  private markTimer: ReturnType<typeof setTimeout> | undefined;
  private immediate: ReturnType<typeof setImmediate> | undefined;
  private lastEndMs = Number.NEGATIVE_INFINITY;
  private lastTookMs = 0;
  private closed = false;
  private readonly commits: Counter;
  private readonly commitSeconds: Counter;

  constructor(options: CommitterOptions) {
    this.options = options;
    this.lingerMs = options.lingerMs;
    this.channels = options.channels;
    const { metrics } = options;
    ({ commits: this.commits, commitSeconds: this.commitSeconds } = commitCounters(metrics));
  }

  add(source: CommitSource): void {
    this.sources.add(source);
  }

  /** The next commit asks it for nothing more. What it handed over already stays part of a commit that is tried again. */
  remove(source: CommitSource): void {
    this.sources.delete(source);
  }

  /** Whether the last commit failed and still waits to succeed: sources must not go on. */
  get stuck(): boolean {
    return this.failed !== undefined;
  }

  /** See `Intake.beforeCommit`. */
  beforeCommit(read: () => void): void {
    this.readers.add(read);
    if (!this.isScheduled) this.setTimer(Math.max(this.pause().leftMs, beatMsMin));
  }

  /** Something is pending: makes sure that a commit comes. Cheap; called for every event. */
  schedule(): void {
    if (this.isScheduled) return;
    const { pauseMs, leftMs } = this.pause();
    if (leftMs <= pauseMs / 10) {
      // A source that reads once a linger comes a little early or late: a timer for the rest would be a second wake-up.
      // Not now: the source may be in the middle of its chunk. When it lets go of the thread, its position is exact.
      this.immediate = setImmediate(() => {
        this.immediate = undefined;
        this.commit();
      });
      return;
    }
    this.setTimer(leftMs);
  }

  /**
   * Commits everything that is pending, now. To be called only where every source's position is exact.
   * True when all of it is durable; false when the disk refused (it is tried again by itself).
   */
  commit(): boolean {
    this.clearTimers();
    if (this.failed !== undefined && !this.write(this.failed)) return false;
    const work: CollectedWork = { batches: [], positions: [], counters: [], selfKept: [] };
    for (const source of this.sources) source.collect(work);
    this.pendingBytes = 0;
    const written = this.write(work);
    if (this.readers.size > 0 && !this.isScheduled) this.setTimer(Math.max(this.pause().leftMs, beatMsMin));
    return written;
  }

  /**
   * A sink acknowledged something. Its mark rides in the next commit; when none comes for a while, or much is unmarked,
   * it gets one of its own (without fsync: a mark that is lost is a batch sent again, which the broker recognises).
   */
  acknowledged(): void {
    if (this.unhurried && this.timer !== undefined && this.failed === undefined && !this.isBehind()) {
      // The sinks have caught up: what is pending is waited for again.
      this.clearTimers();
      this.schedule();
    }
    if (this.options.store.unmarkedBytes > limits.unmarkedBytesMax) {
      this.commit();
      return;
    }
    if (this.closed) return;
    this.markTimer ??= setTimeout(() => {
      this.markTimer = undefined;
      if (this.options.store.unmarkedBytes > 0) this.commit();
    }, markAfterMs);
  }

  /** Ends the timers; a commit by hand is still possible. */
  close(): void {
    this.closed = true;
    this.clearTimers();
    clearTimeout(this.markTimer);
  }

  /** The next commit, when its time has come: what was written to the sources' files until now rides in it. */
  private setTimer(waitMs: number): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const readers = [...this.readers];
      this.readers.clear();
      for (const read of readers) read();
      this.commit();
    }, waitMs);
  }

  private write(work: CollectedWork): boolean {
    const { store, report, putSelfKept } = this.options;
    const startMs = performance.now();
    const idle = isEmpty(work) && store.unmarkedBytes === 0;
    if (!idle) {
      try {
        store.commit(work satisfies CommitWork);
      } catch (error) {
        if (!(error instanceof AppError) || endsProcess(error)) throw error;
        this.failed = work;
        report(signals.failed, { error: messageOf(error), hint: error.hint });
        this.retryLater();
        return false;
      }
    }
    for (const part of work.selfKept) putSelfKept(part);
    if (this.failed !== undefined) report(signals.recovered);
    this.failed = undefined;
    this.retryMs = retryMsMin;
    this.lastEndMs = performance.now();
    this.lastTookMs = this.lastEndMs - startMs;
    if (!idle) {
      this.commits.add(1);
      this.commitSeconds.add(this.lastTookMs / 1000);
    }
    this.committed.open();
    return true;
  }

  private get isScheduled(): boolean {
    return this.timer !== undefined || this.immediate !== undefined || this.closed;
  }

  /** The pause behind the last commit, never shorter than that commit took, and what is left of it. */
  private pause(): { readonly pauseMs: number; readonly leftMs: number } {
    this.unhurried = this.isBehind();
    const lingerMs = this.unhurried ? Math.max(this.lingerMs, limits.lingerBehindMs) : this.lingerMs;
    const pauseMs = Math.max(lingerMs, this.lastTookMs);
    return { pauseMs, leftMs: pauseMs - (performance.now() - this.lastEndMs) };
  }

  private retryLater(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.commit();
    }, this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, retryMsMax);
  }

  /** The newest line is not the one that is waited for. */
  private isBehind(): boolean {
    return this.channels.some((channel) => channel.isBehind());
  }

  private clearTimers(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.immediate !== undefined) clearImmediate(this.immediate);
    this.immediate = undefined;
  }
}

/** What is counted of the transactions. */
export function commitCounters(metrics: Metrics): { readonly commits: Counter; readonly commitSeconds: Counter } {
  return {
    commits: metrics.counter("tailgate_commits_total", "Transactions written to the channel file."),
    commitSeconds: metrics.counter("tailgate_commit_seconds_total", "Time spent in transactions of the channel file."),
  };
}

function isEmpty(work: CollectedWork): boolean {
  return work.batches.length === 0 && work.positions.length === 0 && work.counters.length === 0;
}
