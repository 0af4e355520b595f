/**
 * The agent's one file: opens it, commits to it, and knows its lanes. DESIGN.md beside this file says what is in it and
 * what survives what; channel.ts, put.ts, take.ts and shed.ts do the work on batches.
 *
 * Everything runs on the main thread and synchronously: one writer, so what memory knows of a lane is what the file says,
 * plus the acknowledgements since the last commit.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { ChannelStore, ChannelStoreOptions, CommitWork, StoredChannel } from "../../core/channel-store.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import { limits } from "../../core/limits.ts";
import { SqliteChannel } from "./channel.ts";
import type { ChannelFile } from "./channel-file.ts";
import type { BatchRow } from "./connection.ts";
import type { Draft } from "./draft.ts";
import { endOf, footprint } from "./held-batch.ts";
import { LaneState } from "./lane-state.ts";
import type { Lock } from "./lock.ts";
import { newProgress } from "./progress.ts";
import { newEpoch } from "./provenance.ts";
import { putBatch } from "./put.ts";
import { Recent } from "./recent.ts";
import { Slots } from "./slots.ts";
import type { Space } from "./space.ts";
import { signals } from "./telemetry.ts";

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

const nothing: CommitWork = { batches: [], positions: [], counters: [] };

export class SqliteStore implements ChannelStore {
  readonly file: ChannelFile;
  readonly space: Space;
  readonly lanes = new Map<number, LaneState>();
  readonly recent = new Recent();
  unmarkedBytes = 0;

  private readonly lock: Lock;
  private readonly channels = new Map<string, SqliteChannel>();
  private readonly slots = new Slots(this.lanes);
  private readonly livedBeforeBootMs: number;
  private epochNow: string;
  private lanesMade: number;
  /** Marked by commits that were not synced. */
  private unsyncedBytes = 0;
  closed = false;

  constructor(
    readonly options: ChannelStoreOptions,
    opened: Opened,
  ) {
    this.file = opened.file;
    this.space = opened.space;
    this.lock = opened.lock;
    this.epochNow = opened.epoch;
    this.livedBeforeBootMs = opened.livedBeforeBootMs;
    this.lanesMade = opened.lanesMade;
    for (const [name, choice] of options.channels) this.channels.set(name, new SqliteChannel(this, name, choice));
  }

  configure(named: ReadonlyMap<string, StoredChannel>): void {
    for (const [name, channel] of this.channels) {
      const { events } = channel.stat();
      if (named.has(name) || events === 0) continue;
      throw new AppError(
        "EDGE_CHANNEL_UNNAMED",
        `channel "${name}" of ${this.file.path} is no longer named but holds ${events} events`,
      );
    }
    for (const [name, channel] of this.channels) {
      if (named.has(name)) continue;
      // Its rows stay as they are; the next start forgets them.
      channel.close();
      this.channels.delete(name);
    }
    for (const [name, choice] of named) {
      const stays = this.channels.get(name);
      if (stays !== undefined) {
        stays.configure(choice);
        continue;
      }
      const channel = new SqliteChannel(this, name, choice);
      this.channels.set(name, channel);
      for (const state of this.lanes.values()) if (state.lane.channel === name) channel.adopt(state);
    }
    this.space.freeBytesMin = Math.max(0, ...[...named.values()].map((choice) => choice.freeBytesMin));
  }

  /** A lane as the file has it; those of channels that the config no longer names are only remembered. */
  adopt(state: LaneState): void {
    // Lanes become durable in the order of their first batches, not of their ids: the last one written is not the highest.
    this.lanesMade = Math.max(this.lanesMade, state.lane.id);
    this.lanes.set(state.lane.id, state);
    this.channels.get(state.lane.channel)?.adopt(state);
  }

  /** A delivered batch that the file still has. */
  keep(state: LaneState, row: BatchRow): void {
    const bytes = footprint(row.bytes, row.body);
    this.channels.get(state.lane.channel)?.kept.push({ lane: state, end: endOf(row), body: row.body, bytes });
  }

  get epoch(): string {
    return this.epochNow;
  }

  channel(name: string): SqliteChannel {
    const channel = this.channels.get(name);
    invariant(channel !== undefined, `channel "${name}" is not in the store's config`);
    return channel;
  }

  commit(work: CommitWork): void {
    // It failed, and then the file said that it had not.
    if (this.file.takeStored(work)) return;
    let bytes = 0;
    for (const batch of work.batches) bytes += batch.bytes.length;
    if (bytes > 0 && !this.space.allows(bytes)) this.commitOnFullDisk(work, bytes);
    else {
      try {
        this.write(work, bytes, false);
      } catch (error) {
        if (!isFull(error)) throw error;
        this.commitOnFullDisk(work, bytes);
      }
    }
    this.space.tend(bytes === 0 && this.unmarkedBytes === 0);
  }

  positions(stream: string): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const [key, value] of this.file.state.all("position", stream)) found.set(key, String(value));
    return found;
  }

  counters(stream: string): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [name, value] of this.file.state.all("counter", stream)) found.set(name, Number(value));
    return found;
  }

  renewEpoch(reason: string): void {
    const epoch = newEpoch(this.options.random);
    this.change((draft) => {
      draft.statements.setFile.run("epoch", epoch);
      draft.afterCommit(() => {
        this.epochNow = epoch;
      });
    });
    this.options.report(signals.epochRenewed, { epoch, reason });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      for (const lane of this.lanes.values()) lane.dirty ||= lane.stored && lane.taken !== lane.progress.taken;
      this.write(nothing, 0, false);
      this.change((draft) => draft.statements.setFile.run("clean", 1));
    } finally {
      this.abandon();
    }
  }

  /** Lets go of the file as it is, as a crash would: what is only in memory is gone. */
  abandon(): void {
    this.closed = true;
    for (const channel of this.channels.values()) channel.close();
    try {
      this.file.close();
    } finally {
      this.lock.release();
    }
  }

  /** Milliseconds that the file has lived, counted by uptime: off times of the machine are not in it. */
  livedMs(): number {
    return Math.round(this.livedBeforeBootMs + this.options.clock.uptimeMs());
  }

  /** Age of what was put then; undefined when a boot lies between. */
  ageMs(putMs: number): number | undefined {
    return putMs < this.livedBeforeBootMs ? undefined : this.livedMs() - putMs;
  }

  laneState(lane: Lane): LaneState {
    const state = this.lanes.get(lane.id);
    invariant(state !== undefined, `lane ${lane.id} is not of this file`);
    return state;
  }

  /** In memory; the file hears of it with its first batch. */
  createLane(spec: LaneSpec): LaneState {
    this.lanesMade++;
    let number = 0;
    for (const { lane } of this.lanes.values()) {
      if (lane.stream === spec.stream && lane.epoch === this.epoch) number = Math.max(number, lane.number + 1);
    }
    const { channel, stream, group, part } = spec;
    const lane = { id: this.lanesMade, channel, stream, epoch: this.epoch, number, group, part };
    const state = new LaneState(lane, newProgress(), false, this.recent.budget);
    this.lanes.set(lane.id, state);
    return state;
  }

  sessions(lane: Lane): Map<string, string> {
    const rows = this.file.read(({ sessions }) => sessions.all(lane.id));
    return new Map(rows.map(({ destination, value }) => [destination, value]));
  }

  /** One transaction of a reader's, durable on return. When the disk is full the reserve is freed for it. */
  change(build: (draft: Draft) => void): void {
    this.freeing(() => this.file.run(true, {}, this.around, build));
  }

  /**
   * Puts only into pages that are free already: whatever is deleted first, and whatever policy drops, makes some. The
   * reserve is for acknowledgements and deletions; a put that took it would leave the next ones stuck.
   */
  private commitOnFullDisk(work: CommitWork, bytes: number): void {
    this.freeing(() => this.write(nothing, 0, false));
    const fits = bytes === 0 || this.space.allows(bytes);
    const dropping = work.batches.some(({ lane }) => this.channel(lane.channel).choice.full === "drop_oldest");
    if (fits || dropping) {
      this.freeing(() => this.write(work, bytes, !fits));
      return;
    }
    const free = this.space.freePagesBytes();
    throw new AppError(
      "EDGE_CHANNEL_FULL",
      `put ${work.batches.length} batches (${bytes} bytes) into ${this.file.path}: disk full (${free} bytes free in the file)`,
    );
  }

  /** Runs it; when the disk is full, frees the reserve and runs it again. */
  private freeing(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!isFull(error)) throw error;
      this.space.free();
      run();
    }
  }

  private write(work: CommitWork, bytes: number, diskIsFull: boolean): void {
    const marked = this.unmarkedBytes;
    const durable = bytes > 0 || marked + this.unsyncedBytes > limits.unmarkedBytesMax || this.closed;
    this.file.run(durable, work, this.around, (draft) => {
      for (const lane of this.lanes.values()) if (lane.dirty && lane.stored) draft.progress(lane);
      for (const channel of this.channels.values()) channel.deleteDue(draft);
      this.applyPolicies(draft, work, diskIsFull);
      this.put(draft, work);
      for (const { stream, key, value } of work.positions) draft.changes.set("position", stream, key, value);
      for (const { stream, name, amount } of work.counters) draft.changes.add("counter", stream, name, amount);
      draft.afterCommit(() => {
        this.unmarkedBytes -= marked;
        this.unsyncedBytes = durable ? 0 : this.unsyncedBytes + marked;
        for (const channel of this.channels.values()) channel.recount();
      });
    });
  }

  private put(draft: Draft, work: CommitWork): void {
    const arrived = new Set<SqliteChannel>();
    for (const batch of work.batches) {
      const lane = this.laneState(batch.lane);
      const stored = putBatch(draft, lane, batch);
      arrived.add(this.channel(batch.lane.channel));
      draft.afterCommit(() => this.recent.push(lane, stored));
    }
    draft.afterCommit(() => {
      for (const channel of arrived) channel.arrived.open();
    });
  }

  private applyPolicies(draft: Draft, work: CommitWork, diskIsFull: boolean): void {
    for (const [name, channel] of this.channels) {
      let bytes = 0;
      for (const batch of work.batches) if (batch.lane.channel === name) bytes += batch.bytes.length;
      channel.applyPolicy(draft, bytes, diskIsFull);
    }
  }

  private get around() {
    return { slots: this.slots, livedMs: () => this.livedMs() };
  }
}

function isFull(error: unknown): boolean {
  return error instanceof AppError && error.code === "EDGE_CHANNEL_FULL";
}
