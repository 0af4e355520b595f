/**
 * Windows in event time, without the events.
 *
 * A sliding window of `ms` is cut into twenty steps that are the same for everybody: step 0 begins in 1970. At an event
 * in step n it holds the steps n-19 to n. So it spans between 95 % and 100 % of `ms`, and needs twenty pairs of numbers,
 * however many events there are.
 *
 * A session is a run of counted events that are no further apart than its gap: a count and a sum.
 */
import type { Window } from "../rule.ts";
import { type RuleState, type WindowBucket, windowSteps } from "./state.ts";

/** What is in a window. */
export interface Sums {
  readonly count: number;
  readonly sum: number;
}

/** Moves the window on to `timeMs`, and takes a number in when there is one. Times come in order. */
export function slide(state: RuleState, window: Window, timeMs: number, number: number | undefined): Sums {
  return window.kind === "sliding"
    ? slideSteps(state, window.ms, timeMs, number)
    : goOn(state, window.gapMs, timeMs, number);
}

function slideSteps(state: RuleState, ms: number, timeMs: number, number: number | undefined): Sums {
  const step = Math.floor((timeMs * windowSteps) / ms);
  const buckets = state.buckets ?? [];
  state.buckets = buckets;
  while ((buckets[0]?.[0] ?? step) <= step - windowSteps) buckets.shift();
  if (number !== undefined) {
    const last = buckets.at(-1);
    if (last?.[0] === step) {
      last[1]++;
      last[2] += number;
    } else {
      const made: WindowBucket = [step, 1, number];
      buckets.push(made);
    }
  }
  let count = 0;
  let sum = 0;
  for (const bucket of buckets) {
    count += bucket[1];
    sum += bucket[2];
  }
  return { count, sum };
}

function goOn(state: RuleState, gapMs: number, timeMs: number, number: number | undefined): Sums {
  const { session } = state;
  if (session !== undefined && timeMs - session.lastMs > gapMs) state.session = undefined;
  if (number !== undefined) {
    const { count, sum } = state.session ?? { count: 0, sum: 0 };
    state.session = { lastMs: timeMs, count: count + 1, sum: sum + number };
  }
  const { count, sum } = state.session ?? { count: 0, sum: 0 };
  return { count, sum };
}
