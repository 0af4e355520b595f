/**
 * What is kept of one rule for one vehicle. It is plain data with a bound: at most `heldMax` observations that wait for
 * earlier ones, at most `windowSteps` buckets, and a handful of numbers. No event is kept.
 */

/** An event as one rule sees it. */
export interface Observation {
  readonly timeMs: number;
  /** When its topic had it; it never goes back. */
  readonly arrivedMs: number;
  /** The condition holds; of a sequence, its first part; of a count, the event counts. */
  readonly yes: boolean;
  /** Of a sequence: the second part. */
  readonly second?: boolean | undefined;
  /** Of an average. */
  readonly number?: number | undefined;
  /** What the alert would show. */
  readonly value?: string | undefined;
  /** How the event is known everywhere. */
  readonly event: string;
  readonly stream: string;
}

/** The condition has held since an event. */
export interface Run {
  readonly sinceMs: number;
  readonly event: string;
  readonly stream: string;
  value?: string | undefined;
  lastMs: number;
  /** An alert of it is out. */
  raised?: true | undefined;
  /** … and was resolved because nothing came. */
  silent?: true | undefined;
  /** It would have been an alert, were it not for `minInterval`. Said once a run. */
  suppressed?: true | undefined;
}

/** The last event of the kind that must not stay away. */
export interface LastOfKind {
  readonly timeMs: number;
  readonly arrivedMs: number;
  readonly event: string;
  readonly stream: string;
  /** An alert of its silence is out, or was suppressed. */
  silent?: "raised" | "suppressed" | undefined;
}

/** Step of a sliding window since 1970, events in it, sum of their numbers. */
export type WindowBucket = [step: number, count: number, sum: number];

/** The events of one session. */
export interface EventSession {
  lastMs: number;
  count: number;
  sum: number;
}

/** All of it. */
export interface RuleState {
  /** Of the rule that it belongs to. */
  readonly print: string;
  /** When the last event of the rule's streams arrived. */
  arrivedMs: number;
  /** What is earlier is late. */
  markMs?: number | undefined;
  /** Ascending by time, equal times in the order of arrival. */
  held?: Observation[] | undefined;
  /** When the last alert fired, in event time; of an absence, in arrival time. */
  firedMs?: number | undefined;
  run?: Run | undefined;
  /** Of an edge: what the last event said. */
  was?: boolean | undefined;
  /** Of a sequence: the last event of the first kind. */
  firstMs?: number | undefined;
  heard?: LastOfKind | undefined;
  buckets?: WindowBucket[] | undefined;
  session?: EventSession | undefined;
}

/** Observations that wait for earlier ones; beyond them the earliest goes on before its time is up. */
export const heldMax = 64;
/** A sliding window moves on in steps of this part of it. */
export const windowSteps = 20;

/** Before the first event. */
export function emptyState(print: string): RuleState {
  return { print, arrivedMs: 0 };
}
