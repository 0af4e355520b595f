import type { FeedPosition } from "../../feed-port.ts";
import type { StoredEvent } from "../events/chunk-codec.ts";

/** Of each source (a partition's incarnation), the offset before which all was seen. */
export type Offsets = ReadonlyMap<number, number>;

/** A position as this store understands it; `feed.ts` says how. */
export interface FeedMark {
  readonly chunk: number;
  /** Id in `recent`; 0: it was empty. */
  readonly recent: number;
  /** The event in that row. */
  readonly source: number;
  readonly offset: number;
  /** It stands in the middle of a round: chunk and row are those before it, and the offsets say what of it was seen. */
  readonly within: boolean;
  readonly offsets: Offsets;
}

/** An event and whose it is. */
export interface FoundEvent {
  readonly vehicle: string;
  readonly stream: string;
  readonly event: StoredEvent;
}

/** As the numbers of a position. */
export function formatMark({ chunk, recent, source, offset, within, offsets }: FeedMark): FeedPosition {
  return [chunk, recent, source, offset, Number(within), ...[...offsets].flat()];
}

/** Undefined: this store has made no such position. */
export function readMark(position: FeedPosition): FeedMark | undefined {
  const [chunk, recent, source, offset, within, ...pairs] = position;
  if (chunk === undefined || recent === undefined || source === undefined || offset === undefined) return undefined;
  if (within === undefined || pairs.length % 2 !== 0) return undefined;
  const offsets = new Map<number, number>();
  for (let index = 0; index < pairs.length; index += 2) offsets.set(pairs[index] ?? 0, pairs[index + 1] ?? 0);
  return { chunk, recent, source, offset, within: within === 1, offsets };
}

/** The order in which a round is handed out. */
export function compareFeed({ event: a }: FoundEvent, { event: b }: FoundEvent): number {
  return a.source - b.source || a.offset - b.offset;
}
