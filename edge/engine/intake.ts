/**
 * Where a source puts its events: interceptors, selector, lanes. This is the hot path; nothing here makes an object, a
 * promise or a closure per event.
 */
import { Gate } from "../../shared/async/gate.ts";
import { othersTurn } from "../../shared/async/others-turn.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import type { Channel } from "../core/channel.ts";
import type { PositionUpdate } from "../core/channel-store.ts";
import { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";
import { limits } from "../core/limits.ts";
import type { Selector } from "../core/selector.ts";
import type { CarriedBatch, Intake, Positioned } from "../core/source.ts";
import { type NamedLinks, type Taps, tappedLinks } from "../taps/taps.ts";
import type { CollectedWork, CommitSource, Committer } from "./committer.ts";
import type { LaneRouter } from "./lane-router.ts";
import type { StreamPart } from "./late-positions.ts";
import { cutOversized, droppedBy } from "./pass-chain.ts";

/** An interceptor with the name its drops are counted under. */
export interface NamedInterceptor {
  readonly name: string;
  readonly interceptor: Interceptor;
}

/** One channel of a source, and how events are laid into it. */
export interface IntakeTarget {
  readonly channel: Channel;
  readonly router: LaneRouter;
}

/** What events pass through before they are laid into channels. */
export interface Links {
  readonly interceptors: readonly NamedInterceptor[];
  readonly selector: Selector;
}

/** What the events of a stream pass through. */
export interface Chain extends Links {
  readonly targets: readonly IntakeTarget[];
}

export interface StreamIntakeOptions extends Chain {
  readonly stream: string;
  readonly committer: Committer;
  readonly clock: Clock;
  /** Positions as they were stored at the start. */
  readonly positions: ReadonlyMap<string, string>;
  /** Who looks at its events. */
  readonly taps: Taps;
  /** Resolves with true when channels that keep their batches elsewhere have all that was put of this stream until now. */
  readonly passedOn: (signal: AbortSignal) => Promise<boolean>;
}

/** Past this many events in one chunk the time of reading is asked for again. */
const eventsPerTime = 256;

export class StreamIntake implements Intake, CommitSource {
  private readonly options: StreamIntakeOptions;
  private readonly view = new EventView();
  /** As the config says; what events pass through has those in between who look (`retap`). */
  private links: NamedLinks;
  private interceptors: readonly Interceptor[] = [];
  private selector: Selector;
  private targets: readonly Target[] = [];
  private readonly committer: Committer;
  private keptInStore = true;
  private readonly moves = new Set<Positioned>();
  private filtered: number[] = [];
  /** Of a stream whose channels keep their batches themselves: how far what was put goes; stored positions follow. */
  private readonly putPositions = new Map<string, string | undefined>();
  private closed = false;
  private readonly extra = new Map<string, number>();
  private read = 0;
  private oversized = 0;
  private timeMs = 0;
  private untilTime = 0;

  constructor(options: StreamIntakeOptions) {
    this.options = options;
    this.committer = options.committer;
    this.selector = options.selector;
    this.links = { names: [], interceptors: [], selector: options.selector };
    this.setChain(options);
  }

  /**
   * From the next event on they pass through this. To be called right after a commit that succeeded, in the same turn:
   * what the old chain holds open would be lost, and the new one would give its numbers away a second time.
   */
  setChain({ interceptors, selector, targets }: Chain): void {
    const names = interceptors.map(({ name }) => name);
    this.links = { names, interceptors: interceptors.map(({ interceptor }) => interceptor), selector };
    this.filtered = interceptors.map(() => 0);
    this.retap();
    this.targets = targets.map(({ channel, router }) => ({
      channel,
      router,
      dropping: channel.admission() === "dropping",
      dropped: 0,
      unselected: 0,
    }));
    this.keptInStore = targets.every(({ channel }) => channel.keeping === "store");
    this.untilTime = 0;
  }

  /** Somebody began to look at its events, or does no more. */
  retap(): void {
    const { interceptors, selector } = tappedLinks(this.links, this.options.taps.ofChain(this.options.stream));
    this.interceptors = interceptors;
    this.selector = selector;
  }

  /**
   * The source has ended: nothing more is taken from it, whatever of it still runs. A wait that it is in, or begins,
   * ends with its signal. What is pending is committed by whoever commits next, unless it is discarded.
   */
  close(): void {
    this.closed = true;
  }

  /**
   * Closes and forgets what was not committed, as a crash would. A source that ended by an error may have appended lines
   * without moving its position: only what is stored is known to fit together.
   */
  discard(): void {
    this.closed = true;
    this.moves.clear();
    this.extra.clear();
    this.read = 0;
    this.oversized = 0;
    this.setChain({ interceptors: [], selector: this.links.selector, targets: [] });
  }

  /** The channels that it feeds now, and their routers. */
  get chainTargets(): readonly IntakeTarget[] {
    return this.targets;
  }

  /** Of a stream whose channels keep their batches themselves: positions of what was put, beyond the stored ones. */
  get positionsPut(): ReadonlyMap<string, string | undefined> {
    return this.putPositions;
  }

  beforeCommit(read: () => void): void {
    this.committer.beforeCommit(read);
  }

  takesNow(): boolean {
    this.untilTime = 0;
    const { committer } = this;
    if (this.closed || committer.stuck || committer.pendingBytes >= limits.pendingBytesMax) return false;
    return this.refreshAdmission() === undefined;
  }

  append(buffer: Buffer, start: number, end: number): void {
    this.view.reset(buffer, start, end, this.now());
    this.put(this.view);
  }

  appendWith(buffer: Buffer, start: number, end: number, prepare: (view: EventView) => void): void {
    this.view.reset(buffer, start, end, this.now());
    prepare(this.view);
    this.put(this.view);
  }

  carry(batch: CarriedBatch): void {
    if (this.closed) return;
    this.read += batch.count;
    this.committer.schedule();
    for (const target of this.targets) {
      if (target.dropping) target.dropped += batch.count;
      else this.committer.pendingBytes += target.router.carry(batch);
    }
  }

  moved(what: Positioned): void {
    if (this.closed) return;
    this.moves.add(what);
    this.untilTime = 0;
    this.committer.schedule();
  }

  async ready(signal: AbortSignal): Promise<void> {
    if (this.closed) return aborted(signal);
    this.untilTime = 0;
    if (this.committer.pendingBytes >= limits.pendingBytesMax) this.committer.commit();
    // Sockets and timers get their turn between two chunks, also when a source has much to read.
    await othersTurn();
    while (!signal.aborted) {
      if (this.closed) return aborted(signal);
      if (this.committer.stuck) {
        await this.committer.committed.wait(signal);
        continue;
      }
      const blocked = this.refreshAdmission();
      if (blocked === undefined) return;
      await blocked.room.wait(signal);
    }
  }

  async committed(signal: AbortSignal): Promise<boolean> {
    while (!this.closed) {
      // A commit does not say that a broker has it: a sender may be answered only when it does.
      if (this.committer.commit()) return await this.options.passedOn(signal);
      if (signal.aborted) return false;
      await this.committer.committed.wait(signal);
    }
    await aborted(signal);
    return false;
  }

  get durable(): boolean {
    return this.targets.every(({ channel }) => channel.keeping !== "memory");
  }

  count(name: string, amount: number): void {
    if (this.closed) return;
    this.extra.set(name, (this.extra.get(name) ?? 0) + amount);
    this.committer.schedule();
  }

  positions(): ReadonlyMap<string, string> {
    return this.options.positions;
  }

  collect(into: CollectedWork): void {
    const { stream } = this.options;
    const positions: PositionUpdate[] = [];
    for (const what of this.moves) positions.push({ stream, key: what.key, value: what.position() });
    this.moves.clear();
    this.collectCounters(into);
    if (this.keptInStore) {
      for (const { router } of this.targets) router.take(into.batches);
      into.positions.push(...positions);
      return;
    }
    const part: StreamPart = { stream, batches: [], positions };
    for (const { router } of this.targets) router.take(part.batches);
    for (const { key, value } of positions) this.putPositions.set(key, value);
    if (part.batches.length > 0 || positions.length > 0) into.selfKept.push(part);
  }

  private put(view: EventView): void {
    if (this.closed) return;
    this.read++;
    // Not every source has a position that moves, or waits for the commit: a datagram has neither.
    this.committer.schedule();
    if (cutOversized(view)) this.oversized++;
    const dropping = droppedBy(view, this.interceptors);
    if (dropping >= 0) {
      this.filtered[dropping] = (this.filtered[dropping] ?? 0) + 1;
      return;
    }
    const chosen = this.selector.select(view);
    if (chosen.length < this.targets.length) this.countUnselected(chosen);
    for (let index = 0; index < chosen.length; index++) {
      const target = this.targets[chosen[index] ?? 0];
      if (target === undefined) continue;
      if (target.dropping) target.dropped++;
      else this.committer.pendingBytes += target.router.append(view);
    }
  }

  private countUnselected(chosen: readonly number[]): void {
    for (const [index, target] of this.targets.entries()) {
      if (!chosen.includes(index)) target.unselected++;
    }
  }

  private now(): number {
    if (this.untilTime-- <= 0) {
      this.untilTime = eventsPerTime;
      this.timeMs = this.options.clock.now();
    }
    return this.timeMs;
  }

  /** Looks at every channel again; answers one that blocks, if any. */
  private refreshAdmission(): Channel | undefined {
    let blocked: Channel | undefined;
    for (const target of this.targets) {
      const admission = target.channel.admission();
      target.dropping = admission === "dropping";
      if (admission === "blocked") blocked = target.channel;
    }
    return blocked;
  }

  private collectCounters(into: CollectedWork): void {
    const { stream } = this.options;
    const add = (name: string, amount: number) => {
      if (amount > 0) into.counters.push({ stream, name, amount });
    };
    add("read", this.read);
    add("cut", this.oversized);
    this.read = 0;
    this.oversized = 0;
    for (const [index, name] of this.links.names.entries()) {
      add(`filtered:${name}`, this.filtered[index] ?? 0);
      this.filtered[index] = 0;
    }
    for (const target of this.targets) {
      add(`unselected:${target.channel.name}`, target.unselected);
      add(`dropped:${target.channel.name}`, target.dropped);
      add(`defaulted:${target.channel.name}`, target.router.takeDefaulted());
      target.unselected = 0;
      target.dropped = 0;
    }
    for (const [name, amount] of this.extra) add(name, amount);
    this.extra.clear();
  }
}

/** A source that has ended waits for nothing any more but for its own end. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Gate().wait(signal);
}

interface Target {
  readonly channel: Channel;
  readonly router: LaneRouter;
  dropping: boolean;
  dropped: number;
  unselected: number;
}
