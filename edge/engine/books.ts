/**
 * The books of one stream in one channel. They balance:
 *
 *     read = filtered + elsewhere + unselected + dropped + shed + dead + sent + held
 *
 * Each figure is counted where it happens, none is the rest of the others: what is lost in between shows. `read` and
 * `filtered` are counted by stream, the others by channel, so a channel that a stream did not always feed needs to know
 * what went by without it. That is `elsewhere`: written down once, at the moment when the stream begins to feed the
 * channel, in the commit that may hold its first events.
 */
import type { Channel } from "../core/channel.ts";
import type { ChannelStore, CounterUpdate } from "../core/channel-store.ts";
import type { CollectedWork, CommitSource } from "./committer.ts";

/** One stream in one channel; events, each counted in one of the figures beside `read`. */
export interface Book {
  readonly stream: string;
  readonly channel: string;
  readonly read: number;
  readonly filtered: number;
  /** Events that were read while the stream did not feed this channel. */
  readonly elsewhere: number;
  /** Events that the selector laid elsewhere. */
  readonly unselected: number;
  /** Dropped at put, before they had a number (`drop_newest`). */
  readonly dropped: number;
  readonly shed: number;
  readonly dead: number;
  readonly sent: number;
  readonly held: number;
  /** Of the sent ones: counted because nobody could tell (see DESIGN.md, the bound). */
  readonly maybeRepeated: number;
}

/** Counters of a stream beside its books: `lost_at_source`, `cut`, … */
export type StreamCounters = Readonly<Record<string, number>>;

/** A counter for each interceptor. */
const filteredBy = "filtered:";
/** Counters of this prefix are marks of ours: 1 while the stream feeds the channel. */
const feeds = "feeds:";
/** Counters that are figures of a book, and the marks: everything else a stream counts stands beside the books. */
const booked = /^(?:read$|(?:filtered|unselected|dropped|elsewhere|feeds):)/;

/** Whether a counter of a stream is a figure of its books. */
export function isBooked(counter: string): boolean {
  return booked.test(counter);
}

/** Keeps the books of all streams that run. */
export class Books implements CommitSource {
  private readonly streams = new Map<string, Map<Channel, ReadonlyMap<string, number>>>();
  private pending: CounterUpdate[] = [];

  constructor(private readonly store: ChannelStore) {}

  /**
   * From the next event on the stream feeds these channels. To be called when everything before is stored: right after
   * a commit that succeeded, or before the source runs.
   */
  feed(stream: string, channels: readonly Channel[]): void {
    const before = this.streams.get(stream) ?? new Map<Channel, ReadonlyMap<string, number>>();
    const stored = this.store.counters(stream);
    const baseOf = (channel: Channel) => before.get(channel) ?? baseAtStart(stream, channel, stored);
    this.streams.set(stream, new Map(channels.map((channel) => [channel, baseOf(channel)])));
    this.mark(
      stream,
      stored,
      channels.filter(({ keeping }) => keeping === "store"),
    );
  }

  /** The stream's source is gone; the file remembers whom it fed. */
  forget(stream: string): void {
    this.streams.delete(stream);
  }

  collect(into: CollectedWork): void {
    into.counters.push(...this.pending);
    this.pending = [];
  }

  all(): Book[] {
    return [...this.streams.keys()].flatMap((stream) => this.of(stream));
  }

  /** What the streams count beside their books. */
  beside(): ReadonlyMap<string, StreamCounters> {
    return new Map([...this.streams.keys()].map((stream) => [stream, besideBooks(this.store.counters(stream))]));
  }

  /** What each interceptor of a stream dropped. */
  filtered(): ReadonlyMap<string, StreamCounters> {
    return new Map([...this.streams.keys()].map((stream) => [stream, filteredOf(this.store.counters(stream))]));
  }

  private of(stream: string): Book[] {
    const counters = this.store.counters(stream);
    return [...(this.streams.get(stream) ?? [])].map(([channel, before]) => {
      const value = (name: string) => (counters.get(name) ?? 0) - (before.get(name) ?? 0);
      let filtered = 0;
      for (const name of counters.keys()) if (name.startsWith(filteredBy)) filtered += value(name);
      return {
        stream,
        channel: channel.name,
        read: value("read"),
        filtered,
        elsewhere: value(`elsewhere:${channel.name}`),
        unselected: value(`unselected:${channel.name}`),
        dropped: value(`dropped:${channel.name}`),
        ...lanesOf(stream, channel),
      };
    });
  }

  /** Notes whom the stream feeds now, and for a channel that is new to it what went by until now. */
  private mark(stream: string, stored: ReadonlyMap<string, number>, channels: readonly Channel[]): void {
    const value = (name: string) => stored.get(name) ?? 0;
    const add = (name: string, amount: number) => {
      if (amount !== 0) this.pending.push({ stream, name, amount });
    };
    const fed = [...stored].filter(([name, is]) => name.startsWith(feeds) && is > 0).map(([name]) => name);
    // A file from before there were marks: whatever the stream has put somewhere, it has fed all the time.
    const marked = [...stored.keys()].some((name) => name.startsWith(feeds));
    for (const channel of channels) {
      const mark = `${feeds}${channel.name}`;
      if (fed.includes(mark)) continue;
      const offered = offeredTo(stream, channel, value);
      add(mark, 1);
      if (marked || offered === 0) add(`elsewhere:${channel.name}`, passed(stored) - offered);
    }
    for (const mark of fed) {
      if (!channels.some(({ name }) => mark === `${feeds}${name}`)) add(mark, -1);
    }
  }
}

/** Of a stream's counters those that no book has. */
export function besideBooks(counters: ReadonlyMap<string, number>): StreamCounters {
  return Object.fromEntries([...counters].filter(([name]) => !isBooked(name)));
}

function filteredOf(counters: ReadonlyMap<string, number>): StreamCounters {
  const own = [...counters].filter(([name]) => name.startsWith(filteredBy));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(filteredBy.length), value]));
}

/**
 * What the books of a channel that is new to this process leave out. One that keeps its batches itself begins at 0 with each start; what
 * it found on the disk all the same (`spillable`) was read before.
 */
function baseAtStart(stream: string, channel: Channel, stored: ReadonlyMap<string, number>): Map<string, number> {
  if (channel.keeping === "store") return new Map();
  const base = new Map(stored);
  const { shed, dead, sent, held } = lanesOf(stream, channel);
  const found = channel.keeping === "memory" ? shed + dead + sent + held : 0;
  if (found > 0) base.set("read", (stored.get("read") ?? 0) - found);
  return base;
}

/** Events that passed the interceptors. */
function passed(stored: ReadonlyMap<string, number>): number {
  let count = stored.get("read") ?? 0;
  for (const [name, value] of stored) if (name.startsWith(filteredBy)) count -= value;
  return count;
}

/** Events that the books of this channel know already. */
function offeredTo(stream: string, channel: Channel, value: (name: string) => number): number {
  const { shed, dead, sent, held } = lanesOf(stream, channel);
  const counted = ["elsewhere", "unselected", "dropped"].map((kind) => value(`${kind}:${channel.name}`));
  return counted.reduce((sum, each) => sum + each, shed + dead + sent + held);
}

function lanesOf(stream: string, channel: Channel) {
  const total = { shed: 0, dead: 0, sent: 0, held: 0, maybeRepeated: 0 };
  for (const lane of channel.stat().lanes) {
    if (lane.lane.stream !== stream) continue;
    total.shed += lane.shed;
    total.dead += lane.dead;
    total.sent += lane.sent;
    total.held += lane.held;
    total.maybeRepeated += lane.counters.maybe_repeated ?? 0;
  }
  return total;
}
