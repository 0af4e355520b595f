/** The definition of the conditions, for tests: keeps every event and computes each alert from all of them. */
import type { Rule } from "../rule.ts";
import { type Observation, windowSteps } from "./state.ts";

/** An event, as the machine is given it. */
export type Arrived = Observation;

/** An alert as the definition has it. */
export interface NaiveAlert {
  readonly event: string;
  readonly sinceMs: number;
  readonly firedMs: number;
}

/** What of a rule the definition needs. */
export type Spec = Pick<Rule, "condition" | "forMs" | "maxGapMs" | "whenSilent" | "minIntervalMs" | "latenessMs">;

/** Every alert; events in the order of arrival, time passes until `endMs`. */
export function naiveAlerts(rule: Spec, events: readonly Arrived[], endMs: number): readonly NaiveAlert[] {
  const { condition } = rule;
  const ordered = taken(rule, events);
  switch (condition.kind) {
    case "threshold":
      return runs(rule, ordered);
    case "count": {
      const counted = (upTo: number) => ordered.slice(0, upTo + 1).filter(({ yes }) => yes);
      return runs(
        rule,
        ordered.map((each, index) => ({
          ...each,
          yes: inWindow(condition.window, counted(index), each.timeMs).length > condition.above,
        })),
      );
    }
    case "average": {
      const numbers = (upTo: number) => ordered.slice(0, upTo + 1).filter(({ yes }) => yes);
      return runs(
        rule,
        ordered.map((each, index) => {
          const inside = inWindow(condition.window, numbers(index), each.timeMs);
          const average = inside.reduce((sum, { number = 0 }) => sum + number, 0) / inside.length;
          const beyond = average > (condition.above ?? Infinity) || average < (condition.below ?? -Infinity);
          return { ...each, yes: inside.length >= condition.values && beyond };
        }),
      );
    }
    case "edge":
      return spaced(
        rule,
        ordered.flatMap(({ yes, event, timeMs }, index) =>
          yes && ordered[index - 1]?.yes === false ? [{ event, sinceMs: timeMs, firedMs: timeMs }] : [],
        ),
      );
    case "sequence": {
      const found: NaiveAlert[] = [];
      let first: number | undefined;
      let lastMs = -Infinity;
      for (const { yes, second, event, timeMs } of ordered) {
        if (second && first !== undefined && timeMs - first <= condition.withinMs) {
          if (timeMs - lastMs >= rule.minIntervalMs) {
            found.push({ event, sinceMs: first, firedMs: timeMs });
            lastMs = timeMs;
          }
          first = undefined;
        }
        if (yes) first = timeMs;
      }
      return found;
    }
    case "absence": {
      const heard = events.filter(({ yes }) => yes);
      const silences = heard.filter(
        ({ arrivedMs }, index) => (heard[index + 1]?.arrivedMs ?? Infinity) - arrivedMs >= condition.withinMs,
      );
      let lastMs = -Infinity;
      return silences.flatMap(({ event, timeMs, arrivedMs }) => {
        const silentMs = arrivedMs + condition.withinMs;
        if (silentMs > endMs || silentMs - lastMs < rule.minIntervalMs) return [];
        lastMs = silentMs;
        return [{ event, sinceMs: timeMs, firedMs: timeMs + condition.withinMs }];
      });
    }
  }
}

/** Those that are not late, in the order of times. Once nothing came for the lateness, nothing earlier is waited for. */
function taken({ latenessMs }: Spec, events: readonly Arrived[]): readonly Arrived[] {
  const kept: Arrived[] = [];
  let markMs = -Infinity;
  let latestMs = -Infinity;
  let arrivedMs = -Infinity;
  for (const each of events) {
    if (each.arrivedMs - arrivedMs >= latenessMs) markMs = Math.max(markMs, latestMs);
    arrivedMs = each.arrivedMs;
    if (each.timeMs < markMs) continue;
    kept.push(each);
    latestMs = Math.max(latestMs, each.timeMs);
    markMs = Math.max(markMs, latestMs - latenessMs);
  }
  return kept
    .map((each, index) => ({ each, index }))
    .sort((a, b) => a.each.timeMs - b.each.timeMs || a.index - b.index)
    .map(({ each }) => each);
}

function inWindow(
  window: Extract<Spec["condition"], { kind: "count" }>["window"],
  counted: readonly Arrived[],
  timeMs: number,
): readonly Arrived[] {
  if (window.kind === "sliding") {
    const step = (ms: number) => Math.floor((ms * windowSteps) / window.ms);
    return counted.filter((each) => step(each.timeMs) > step(timeMs) - windowSteps);
  }
  const inside: Arrived[] = [];
  let edgeMs = timeMs;
  for (const each of [...counted].reverse()) {
    if (edgeMs - each.timeMs > window.gapMs) break;
    inside.push(each);
    edgeMs = each.timeMs;
  }
  return inside;
}

/** Runs of events that hold, none further apart than `maxGap`; the first one of each that `for` and `minInterval` allow. */
function runs(rule: Spec, ordered: readonly Arrived[]): readonly NaiveAlert[] {
  const found: NaiveAlert[] = [];
  let lastMs = -Infinity;
  let run: Arrived[] = [];
  const end = () => {
    const [first] = run;
    const fired = run.find(
      ({ timeMs }) => timeMs - (first?.timeMs ?? 0) >= rule.forMs && timeMs - lastMs >= rule.minIntervalMs,
    );
    if (first !== undefined && fired !== undefined) {
      found.push({ event: first.event, sinceMs: first.timeMs, firedMs: fired.timeMs });
      lastMs = fired.timeMs;
    }
    run = [];
  };
  for (const each of ordered) {
    const before = run.at(-1);
    if (!each.yes || (before !== undefined && each.timeMs - before.timeMs > rule.maxGapMs)) end();
    if (each.yes) run.push(each);
  }
  end();
  return found;
}

function spaced(rule: Spec, moments: readonly NaiveAlert[]): readonly NaiveAlert[] {
  let lastMs = -Infinity;
  return moments.filter(({ firedMs }) => {
    if (firedMs - lastMs < rule.minIntervalMs) return false;
    lastMs = firedMs;
    return true;
  });
}
