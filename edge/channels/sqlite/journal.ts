/**
 * The open file as everything above it sees it: transactions that free the reserve when the disk is full, the lanes, how long
 * the file has lived, and whether it is closed. It knows no channel.
 *
 * Each part of this folder depends only on those before it:
 *
 *     journal.ts    the file and its transactions
 *     holdings.ts   what one channel holds of it: bounds, policy, what is kept, what is due
 *     take.ts       reads one lane for a sink
 *     channel.ts    the port of one channel
 *     store.ts      the port of the file: commits across channels
 */
import { hasCode } from "../../../shared/errors/app-error.ts";
import type { ChannelStoreOptions } from "../../core/channel-store.ts";
import type { Lane } from "../../core/lane.ts";
import type { ChannelFile } from "./channel-file.ts";
import type { Draft } from "./draft.ts";
import { Lanes } from "./lanes.ts";
import type { Lock } from "./lock.ts";
import { Slots } from "./slots.ts";
import type { Space } from "./space.ts";

/** An open file and what was read of it. */
export interface Opened {
  readonly file: ChannelFile;
  readonly lock: Lock;
  readonly space: Space;
  readonly epoch: string;
  /** How long the file had lived when this boot began, milliseconds. */
  readonly livedBeforeBootMs: number;
  readonly lanesMade: number;
}

export class Journal {
  readonly file: ChannelFile;
  readonly space: Space;
  readonly lanes: Lanes;
  /** Of batches that were delivered and that no commit has marked. */
  unmarkedBytes = 0;
  closed = false;

  private readonly lock: Lock;
  private readonly slots: Slots;
  private readonly livedBeforeBootMs: number;

  constructor(
    readonly options: ChannelStoreOptions,
    opened: Opened,
  ) {
    this.file = opened.file;
    this.space = opened.space;
    this.lock = opened.lock;
    this.livedBeforeBootMs = opened.livedBeforeBootMs;
    this.lanes = new Lanes(opened.epoch, opened.lanesMade);
    this.slots = new Slots(this.lanes.byId);
  }

  /** Milliseconds that the file has lived, counted by uptime: off times of the machine are not in it. */
  livedMs(): number {
    return Math.round(this.livedBeforeBootMs + this.options.clock.uptimeMs());
  }

  /** Age of what was put then; undefined when a boot lies between. */
  ageMs(putMs: number): number | undefined {
    return putMs < this.livedBeforeBootMs ? undefined : this.livedMs() - putMs;
  }

  sessions(lane: Lane): Map<string, string> {
    const rows = this.file.read(({ sessions }) => sessions.all(lane.id));
    return new Map(rows.map(({ destination, value }) => [destination, value]));
  }

  /** One transaction of a reader's, durable on return. When the disk is full the reserve is freed for it. */
  change(build: (draft: Draft) => void): void {
    this.freeing(() => this.transaction(true, {}, build));
  }

  /** One transaction; `durable`: synced on return. */
  transaction(durable: boolean, work: object, build: (draft: Draft) => void): void {
    this.file.run(durable, work, { slots: this.slots, livedMs: () => this.livedMs() }, build);
  }

  /** Runs it; when the disk is full, frees the reserve and runs it again. */
  freeing(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!isFull(error)) throw error;
      this.space.free();
      run();
    }
  }

  /** Lets go of the file as it is: what is only in memory is gone. */
  close(): void {
    this.closed = true;
    try {
      this.file.close();
    } finally {
      this.lock.release();
    }
  }
}

/** Whether the disk is full, or the file may not grow. */
export function isFull(error: unknown): boolean {
  return hasCode(error, "EDGE_CHANNEL_FULL");
}
