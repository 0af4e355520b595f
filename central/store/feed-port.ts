/**
 * What a store offers whose new events can be followed, in the order of arrival, by any number of centrals. A kind of store
 * may lack it; the route says so.
 */
import type { EventRow } from "./reader.ts";

/** Where somebody who follows stands. Its numbers mean something to the store that made it alone. */
export type FeedPosition = readonly number[];

/** An event that was stored after a position. */
export interface FeedEvent {
  readonly vehicle: string;
  readonly row: EventRow;
  /** To go on after this one. */
  readonly position: FeedPosition;
}

/** What one who follows has not seen, and what of it is wanted. */
export interface FeedRequest {
  readonly after: FeedPosition;
  readonly wants: (vehicle: string, stream: string) => boolean;
  /** More than this is not handed out: `skipped` says how many it were. */
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** Offsets of a partition. */
export interface NotShown {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** The answer to one request. */
export type FeedAnswer =
  /** In the order of partitions and offsets. `skipped`: wanted, and more than the bounds allow; then there are no events. */
  | { readonly kind: "events"; readonly events: readonly FeedEvent[]; readonly skipped: number }
  /** Nobody can tell any more what came after the position. */
  | { readonly kind: "lost"; readonly why: string; readonly notShown: readonly NotShown[] };

/** Answers to requests, all of one state of the store. */
export interface FeedRound {
  /** Where all who asked stand now. */
  readonly at: FeedPosition;
  readonly answers: readonly FeedAnswer[];
}

/** @throws AppError `CENTRAL_STORE_UNAVAILABLE` from every method but `close`. */
export interface EventFeed {
  /** Where the store is. */
  now(): Promise<FeedPosition>;
  /** What was stored after each position; calls follow one another, they do not overlap. */
  read(requests: readonly FeedRequest[]): Promise<FeedRound>;
  /** Nobody follows just now: connections may go, and come back with the next call. */
  rest(): void;
}
