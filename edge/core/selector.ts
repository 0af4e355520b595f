import type { EventView } from "./event-view.ts";

/**
 * Says which channels of its source an event goes to (Flume's org.apache.flume.ChannelSelector).
 *
 * The answer is a list of indexes into the source's `channels`, made once and given again: no array per event.
 * An empty list means nowhere. For every channel that is not chosen the event is counted as `unselected`.
 */
export interface Selector {
  select(view: EventView): readonly number[];
}
