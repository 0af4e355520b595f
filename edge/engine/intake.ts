/**
 * Where a source puts its events: interceptors, selector, lanes. This is the hot path; nothing here makes an object, a
 * promise or a closure per event.
 */
import type { Clock } from "../../shared/clock/clock.ts";
import type { Channel } from "../core/channel.ts";
import type { PositionUpdate } from "../core/channel-store.ts";
import { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";
import { limits } from "../core/limits.ts";
import type { Selector } from "../core/selector.ts";
import type { Intake, Positioned } from "../core/source.ts";
import type { CollectedWork, CommitSource, Committer } from "./committer.ts";
import type { LaneRouter } from "./lane-router.ts";
import type { StreamPart } from "./late-positions.ts";

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

export interface StreamIntakeOptions {
  readonly stream: string;
  readonly interceptors: readonly NamedInterceptor[];
  readonly selector: Selector;
  readonly targets: readonly IntakeTarget[];
  readonly committer: Committer;
  readonly clock: Clock;
  /** Positions as they were stored at the start. */
  readonly positions: ReadonlyMap<string, string>;
}

/** Past this many events in one chunk the time of reading is asked for again. */
const eventsPerTime = 256;

export class StreamIntake implements Intake, CommitSource {
  private readonly options: StreamIntakeOptions;
  private readonly view = new EventView();
  private readonly interceptors: readonly Interceptor[];
  private readonly selector: Selector;
  private readonly targets: readonly Target[];
  private readonly committer: Committer;
  private readonly keptInStore: boolean;
  private readonly moves = new Set<Positioned>();
  private readonly filtered: number[];
  private readonly extra = new Map<string, number>();
  private read = 0;
  private oversized = 0;
  private timeMs = 0;
  private untilTime = 0;

  constructor(options: StreamIntakeOptions) {
    this.options = options;
    this.interceptors = options.interceptors.map(({ interceptor }) => interceptor);
    this.filtered = options.interceptors.map(() => 0);
    this.selector = options.selector;
    this.targets = options.targets.map(({ channel, router }) => ({
      channel,
      router,
      dropping: channel.admission() === "dropping",
      dropped: 0,
      unselected: 0,
    }));
    this.committer = options.committer;
    this.keptInStore = options.targets.every(({ channel }) => channel.keeping === "store");
  }

  beforeCommit(read: () => void): void {
    this.committer.beforeCommit(read);
  }

  takesNow(): boolean {
    this.untilTime = 0;
    const { committer } = this;
    if (committer.stuck || committer.pendingBytes >= limits.pendingBytesMax) return false;
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

  moved(what: Positioned): void {
    this.moves.add(what);
    this.untilTime = 0;
    this.committer.schedule();
  }

  async ready(signal: AbortSignal): Promise<void> {
    this.untilTime = 0;
    if (this.committer.pendingBytes >= limits.pendingBytesMax) this.committer.commit();
    // Sockets and timers get their turn between two chunks, also when a source has much to read.
    await new Promise(setImmediate);
    while (!signal.aborted) {
      if (this.committer.stuck) {
        await this.committer.committed.wait(signal);
        continue;
      }
      const blocked = this.refreshAdmission();
      if (blocked === undefined) return;
      await blocked.room.wait(signal);
    }
  }

  async committed(signal: AbortSignal): Promise<void> {
    while (!this.committer.commit() && !signal.aborted) await this.committer.committed.wait(signal);
  }

  count(name: string, amount: number): void {
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
    if (part.batches.length > 0 || positions.length > 0) into.selfKept.push(part);
  }

  private put(view: EventView): void {
    this.read++;
    if (view.end - view.start > limits.lineBytesMax) {
      view.end = view.start + limits.lineBytesMax;
      this.oversized++;
    }
    const { interceptors } = this;
    for (let index = 0; index < interceptors.length; index++) {
      if (interceptors[index]?.intercept(view) !== true) {
        this.filtered[index] = (this.filtered[index] ?? 0) + 1;
        return;
      }
    }
    if (view.key !== undefined && view.key.length > limits.keyBytesMax / 4) view.key = cutKey(view.key);
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
    const { stream, interceptors } = this.options;
    const add = (name: string, amount: number) => {
      if (amount > 0) into.counters.push({ stream, name, amount });
    };
    add("read", this.read);
    add("cut", this.oversized);
    this.read = 0;
    this.oversized = 0;
    for (const [index, { name }] of interceptors.entries()) {
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

interface Target {
  readonly channel: Channel;
  readonly router: LaneRouter;
  dropping: boolean;
  dropped: number;
  unselected: number;
}

/** A key is a vehicle's name: what is longer than any name is cut at the bound (UTF-8 bytes), never in half a character. */
function cutKey(key: string): string {
  const bytes = Buffer.from(key, "utf8");
  if (bytes.length <= limits.keyBytesMax) return key;
  return bytes.toString("utf8", 0, limits.keyBytesMax).replace(/\uFFFD+$/, "");
}
