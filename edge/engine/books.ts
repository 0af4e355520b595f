import type { Channel } from "../core/channel.ts";
import type { ChannelStore } from "../core/channel-store.ts";

/**
 * The books of one stream in one channel. They balance: `read = filtered + unselected + dropped + shed + dead + sent + held`.
 * Each figure is counted where it happens, none is the rest of the others: what is lost in between shows.
 */
export interface Book {
  readonly stream: string;
  readonly channel: string;
  readonly read: number;
  readonly filtered: number;
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

/** A stream whose books are kept. */
export interface BookedStream {
  readonly name: string;
  readonly channels: readonly Channel[];
  /** What its counters said before what is booked: channels that keep their batches themselves begin at 0 with each start, and so do their books. */
  readonly before: ReadonlyMap<string, number>;
}

/** Begins to keep the books of a stream; to be called before its source runs. */
export function bookStream(store: ChannelStore, name: string, channels: readonly Channel[]): BookedStream {
  const before = channels.every(({ keeping }) => keeping === "store")
    ? new Map<string, number>()
    : new Map(store.counters(name));
  return { name, channels, before };
}

/** The books of a stream, one for each of its channels, from what is durable. */
export function keepBooks(store: ChannelStore, { name: stream, channels, before }: BookedStream): Book[] {
  const counters = store.counters(stream);
  const value = (name: string) => (counters.get(name) ?? 0) - (before.get(name) ?? 0);
  const read = value("read");
  let filtered = 0;
  for (const name of counters.keys()) {
    if (name.startsWith("filtered:")) filtered += value(name);
  }
  return channels.map((channel) => {
    const total = { shed: 0, dead: 0, sent: 0, held: 0, maybeRepeated: 0 };
    for (const lane of channel.stat().lanes) {
      if (lane.lane.stream !== stream) continue;
      total.shed += lane.shed;
      total.dead += lane.dead;
      total.sent += lane.sent;
      total.held += lane.held;
      total.maybeRepeated += lane.counters.maybe_repeated ?? 0;
    }
    const unselected = value(`unselected:${channel.name}`);
    const dropped = value(`dropped:${channel.name}`);
    return { stream, channel: channel.name, read, filtered, unselected, dropped, ...total };
  });
}
