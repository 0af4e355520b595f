/**
 * The agent's one file: commits across its channels. DESIGN.md beside this file says what is in it and what survives what;
 * journal.ts begins the chain of parts that this is the last of.
 *
 * Everything runs on the main thread and synchronously: one writer, so what memory knows of a lane is what the file says,
 * plus the acknowledgements since the last commit.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { ChannelStore, ChannelStoreOptions, CommitWork, StoredChannel } from "../../core/channel-store.ts";
import { limits } from "../../core/limits.ts";
import { SqliteChannel } from "./channel.ts";
import type { BatchRow } from "./connection.ts";
import type { Draft } from "./draft.ts";
import { endOf, footprint } from "./held-batch.ts";
import { isFull, Journal, type Opened } from "./journal.ts";
import type { LaneState, RecentBudget } from "./lane-state.ts";
import { newEpoch } from "./provenance.ts";
import { putBatch } from "./put.ts";
import { signals } from "./telemetry.ts";

const nothing: CommitWork = { batches: [], positions: [], counters: [] };

export class SqliteStore implements ChannelStore {
  readonly journal: Journal;
  private readonly channels = new Map<string, SqliteChannel>();
  /** Marked by commits that were not synced. */
  private unsyncedBytes = 0;

  constructor(
    private readonly options: ChannelStoreOptions,
    opened: Opened,
  ) {
    this.journal = new Journal(options, opened);
    for (const [name, choice] of options.channels) {
      this.channels.set(name, new SqliteChannel(this.journal, name, choice));
    }
  }

  configure(named: ReadonlyMap<string, StoredChannel>): void {
    for (const [name, channel] of this.channels) {
      const { events } = channel.stat();
      if (named.has(name) || events === 0) continue;
      throw new AppError(
        "EDGE_CHANNEL_UNNAMED",
        `channel "${name}" of ${this.journal.file.path} is no longer named but holds ${events} events`,
      );
    }
    for (const [name, channel] of this.channels) {
      if (named.has(name)) continue;
      // Its rows stay as they are; the next start forgets them.
      channel.holdings.close();
      this.channels.delete(name);
    }
    for (const [name, choice] of named) {
      const stays = this.channels.get(name);
      if (stays !== undefined) {
        stays.holdings.configure(choice);
        continue;
      }
      const channel = new SqliteChannel(this.journal, name, choice);
      this.channels.set(name, channel);
      for (const state of this.journal.lanes.byId.values())
        if (state.lane.channel === name) channel.holdings.adopt(state);
    }
    this.journal.space.freeBytesMin = Math.max(0, ...[...named.values()].map((choice) => choice.freeBytesMin));
  }

  /** A lane as the file has it; those of channels that the config no longer names are only remembered. */
  adopt(state: LaneState): void {
    this.journal.lanes.adopt(state);
    this.channels.get(state.lane.channel)?.holdings.adopt(state);
  }

  /** A delivered batch that the file still has. */
  keep(state: LaneState, row: BatchRow): void {
    const bytes = footprint(row.bytes, row.body);
    this.channels.get(state.lane.channel)?.holdings.kept.push({ lane: state, end: endOf(row), body: row.body, bytes });
  }

  get epoch(): string {
    return this.journal.lanes.epoch;
  }

  get unmarkedBytes(): number {
    return this.journal.unmarkedBytes;
  }

  /** What the memory of all lanes may take together. */
  get budget(): RecentBudget {
    return this.journal.lanes.recent.budget;
  }

  channel(name: string): SqliteChannel {
    const channel = this.channels.get(name);
    invariant(channel !== undefined, `channel "${name}" is not in the store's config`);
    return channel;
  }

  commit(work: CommitWork): void {
    // It failed, and then the file said that it had not.
    if (this.journal.file.takeStored(work)) return;
    let bytes = 0;
    for (const batch of work.batches) bytes += batch.bytes.length;
    if (bytes > 0 && !this.journal.space.allows(bytes)) this.commitOnFullDisk(work, bytes);
    else {
      try {
        this.write(work, bytes, false);
      } catch (error) {
        if (!isFull(error)) throw error;
        this.commitOnFullDisk(work, bytes);
      }
    }
    this.journal.space.tend(bytes === 0 && this.journal.unmarkedBytes === 0);
  }

  positions(stream: string): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const [key, value] of this.journal.file.state.all("position", stream)) found.set(key, String(value));
    return found;
  }

  streams(): ReadonlySet<string> {
    return this.journal.file.state.streams("position");
  }

  counters(stream: string): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [name, value] of this.journal.file.state.all("counter", stream)) found.set(name, Number(value));
    return found;
  }

  misplaced(): string | undefined {
    return this.journal.file.misplaced();
  }

  renewEpoch(reason: string): void {
    const epoch = newEpoch(this.options.random);
    this.journal.change((draft) => {
      draft.statements.setFile.run("epoch", epoch);
      draft.afterCommit(() => {
        this.journal.lanes.epoch = epoch;
      });
    });
    this.options.report(signals.epochRenewed, { epoch, reason });
  }

  close(): void {
    if (this.journal.closed) return;
    this.journal.closed = true;
    try {
      for (const lane of this.journal.lanes.byId.values())
        lane.dirty ||= lane.stored && lane.taken !== lane.progress.taken;
      this.write(nothing, 0, false);
      this.journal.change((draft) => draft.statements.setFile.run("clean", 1));
    } finally {
      this.abandon();
    }
  }

  /** Lets go of the file as it is, as a crash would: what is only in memory is gone. */
  abandon(): void {
    this.journal.closed = true;
    for (const channel of this.channels.values()) channel.holdings.close();
    this.journal.close();
  }

  /**
   * Puts only into pages that are free already: whatever is deleted first, and whatever policy drops, makes some. The
   * reserve is for acknowledgements and deletions; a put that took it would leave the next ones stuck.
   */
  private commitOnFullDisk(work: CommitWork, bytes: number): void {
    this.journal.freeing(() => this.write(nothing, 0, false));
    const fits = bytes === 0 || this.journal.space.allows(bytes);
    const dropping = work.batches.some(({ lane }) => this.channel(lane.channel).holdings.choice.full === "drop_oldest");
    if (fits || dropping) {
      this.journal.freeing(() => this.write(work, bytes, !fits));
      return;
    }
    const free = this.journal.space.freePagesBytes();
    throw new AppError(
      "EDGE_CHANNEL_FULL",
      `put ${work.batches.length} batches (${bytes} bytes) into ${this.journal.file.path}: disk full (${free} bytes free in the file)`,
    );
  }

  private write(work: CommitWork, bytes: number, diskIsFull: boolean): void {
    const marked = this.journal.unmarkedBytes;
    const durable = bytes > 0 || marked + this.unsyncedBytes > limits.unmarkedBytesMax || this.journal.closed;
    this.journal.transaction(durable, work, (draft) => {
      for (const lane of this.journal.lanes.byId.values()) if (lane.dirty && lane.stored) draft.progress(lane);
      for (const channel of this.channels.values()) channel.holdings.deleteDue(draft);
      this.applyPolicies(draft, work, diskIsFull);
      this.put(draft, work);
      for (const { stream, key, value } of work.positions) draft.changes.set("position", stream, key, value);
      for (const { stream, name, amount } of work.counters) draft.changes.add("counter", stream, name, amount);
      draft.afterCommit(() => {
        this.journal.unmarkedBytes -= marked;
        this.unsyncedBytes = durable ? 0 : this.unsyncedBytes + marked;
        for (const channel of this.channels.values()) channel.holdings.recount();
      });
    });
  }

  private put(draft: Draft, work: CommitWork): void {
    const arrived = new Set<SqliteChannel>();
    for (const batch of work.batches) {
      const lane = this.journal.lanes.state(batch.lane);
      const stored = putBatch(draft, lane, batch);
      arrived.add(this.channel(batch.lane.channel));
      draft.afterCommit(() => this.journal.lanes.recent.push(lane, stored));
    }
    draft.afterCommit(() => {
      for (const channel of arrived) channel.arrived.open();
    });
  }

  private applyPolicies(draft: Draft, work: CommitWork, diskIsFull: boolean): void {
    for (const [name, channel] of this.channels) {
      let bytes = 0;
      for (const batch of work.batches) if (batch.lane.channel === name) bytes += batch.bytes.length;
      channel.holdings.applyPolicy(draft, bytes, diskIsFull);
    }
  }
}
