import type { Channel } from "../core/channel.ts";
import type { ChannelStore } from "../core/channel-store.ts";

/** The books of one stream in one channel. They balance: `read = filtered + unselected + dropped + shed + dead + sent + held`. */
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

/** The books of a stream, one for each of its channels, from what is durable. */
export function keepBooks(store: ChannelStore, stream: string, channels: readonly Channel[]): Book[] {
  const counters = store.counters(stream);
  const value = (name: string) => counters.get(name) ?? 0;
  let filtered = 0;
  for (const [name, amount] of counters) {
    if (name.startsWith("filtered:")) filtered += amount;
  }
  return channels.map((channel) => {
    const total = { put: 0, shed: 0, dead: 0, sent: 0, held: 0, maybeRepeated: 0 };
    for (const lane of channel.stat().lanes) {
      if (lane.lane.stream !== stream) continue;
      total.put += lane.put;
      total.shed += lane.shed;
      total.dead += lane.dead;
      total.sent += lane.sent;
      total.held += lane.held;
      total.maybeRepeated += lane.counters.maybe_repeated ?? 0;
    }
    const dropped = value(`dropped:${channel.name}`);
    const read = value("read");
    const { shed, dead, sent, held, maybeRepeated } = total;
    return {
      stream,
      channel: channel.name,
      read,
      filtered,
      unselected: read - filtered - dropped - total.put,
      dropped,
      shed,
      dead,
      sent,
      held,
      maybeRepeated,
    };
  });
}
