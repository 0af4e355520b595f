/**
 * One rule, one vehicle: (state, events as they arrive, time that passes) → (state, alerts). No clock, no I/O.
 *
 * There are two times. *Event time* is when it happened: windows, `for`, sequences, intervals. *Arrival* is when the topic
 * had it: what happens when nothing comes. Both are in the records, so that whoever reads the same topic again comes to the
 * same alerts, whatever the transactions are cut like:
 *
 *     take(event)    first what the time until its arrival does, then the event
 *     pass(arrival)  the same without an event; called at any moments that are not after the next arrival, it changes
 *                    nothing but how soon an alert is known
 *
 * Events are looked at in the order of their times. One that is earlier than the latest by more than `lateness` is late: it
 * is counted and not looked at. With a lateness, events wait for as long in `held`.
 */
import { alertId } from "../alert.ts";
import type { Rule } from "../rule.ts";
import { levelDue, mayRaise, stepLevel } from "./level.ts";
import type { MachineOutput } from "./output.ts";
import { heldMax, type LastOfKind, type Observation, type RuleState } from "./state.ts";
import { slide } from "./window.ts";

interface Due {
  readonly atMs: number;
  act(out: MachineOutput): void;
}

/** An event of one of the rule's streams. */
export function take(rule: Rule, state: RuleState, seen: Observation, out: MachineOutput): void {
  const { arrivedMs, timeMs } = seen;
  pass(rule, state, arrivedMs, out);
  // Within a partition arrival never goes back; a vehicle's records may stand in two, and be read in any order.
  state.arrivedMs = Math.max(state.arrivedMs, arrivedMs);
  if (rule.condition.kind === "absence") {
    if (seen.yes) hear(rule, state, seen, out);
    return;
  }
  if (timeMs < (state.markMs ?? Number.NEGATIVE_INFINITY)) {
    out.late();
    return;
  }
  if (rule.latenessMs === 0) {
    state.markMs = timeMs;
    step(rule, state, seen, out);
    return;
  }
  const held = state.held ?? [];
  state.held = held;
  let at = held.length;
  while (at > 0 && (held[at - 1]?.timeMs ?? 0) > timeMs) at--;
  held.splice(at, 0, seen);
  release(rule, state, timeMs - rule.latenessMs, out);
  const [earliest] = held;
  if (held.length <= heldMax || earliest === undefined) return;
  out.early();
  release(rule, state, earliest.timeMs, out);
}

/** Time passes up to `arrivedMs`, and no event came. */
export function pass(rule: Rule, state: RuleState, arrivedMs: number, out: MachineOutput): void {
  for (let due = nextDue(rule, state); due !== undefined && due.atMs <= arrivedMs; due = nextDue(rule, state)) {
    due.act(out);
  }
}

/** The arrival time at which `pass` has something to do; undefined: not before the next event. */
export function deadlineOf(rule: Rule, state: RuleState): number | undefined {
  return nextDue(rule, state)?.atMs;
}

function nextDue(rule: Rule, state: RuleState): Due | undefined {
  switch (rule.condition.kind) {
    case "absence":
      return silenceDue(rule, rule.condition.withinMs, state);
    case "edge":
    case "sequence":
      return heldDue(rule, state);
    case "threshold":
    case "count":
    case "average":
      // What waits for earlier events comes first: it may end what time would complete.
      return heldDue(rule, state) ?? levelDue(rule, state);
  }
}

function heldDue(rule: Rule, state: RuleState): Due | undefined {
  const last = state.held?.at(-1);
  if (last === undefined) return undefined;
  return { atMs: state.arrivedMs + rule.latenessMs, act: (out) => release(rule, state, last.timeMs, out) };
}

/** Everything up to `markMs` is looked at; what comes before it from now on is late. */
function release(rule: Rule, state: RuleState, markMs: number, out: MachineOutput): void {
  if (markMs > (state.markMs ?? Number.NEGATIVE_INFINITY)) state.markMs = markMs;
  const held = state.held ?? [];
  let count = 0;
  while (count < held.length && (held[count]?.timeMs ?? 0) <= (state.markMs ?? 0)) count++;
  for (const each of held.splice(0, count)) step(rule, state, each, out);
  if (held.length === 0) state.held = undefined;
}

/** The next event in the order of times. */
function step(rule: Rule, state: RuleState, seen: Observation, out: MachineOutput): void {
  const { condition } = rule;
  switch (condition.kind) {
    case "threshold":
      stepLevel(rule, state, seen, out);
      return;
    case "count": {
      const { count } = slide(state, condition.window, seen.timeMs, seen.yes ? 1 : undefined);
      stepLevel(rule, state, levelOf(seen, count > condition.above, count), out);
      return;
    }
    case "average": {
      const { above = Number.POSITIVE_INFINITY, below = Number.NEGATIVE_INFINITY, values } = condition;
      const { count, sum } = slide(state, condition.window, seen.timeMs, seen.yes ? seen.number : undefined);
      const average = sum / count;
      stepLevel(rule, state, levelOf(seen, count >= values && (average > above || average < below), average), out);
      return;
    }
    case "edge": {
      if (seen.yes && state.was === false) moment(rule, state, seen, seen.timeMs, out);
      state.was = seen.yes;
      return;
    }
    case "sequence": {
      const { firstMs } = state;
      if (seen.second && firstMs !== undefined && seen.timeMs - firstMs <= condition.withinMs) {
        moment(rule, state, seen, firstMs, out);
        state.firstMs = undefined;
      }
      if (seen.yes) state.firstMs = seen.timeMs;
      return;
    }
    case "absence":
      return; // it goes by arrival, not by event time
  }
}

/** What a window says at an event: whether its condition holds, and the number that it goes by. */
function levelOf({ timeMs, arrivedMs, event, stream, value }: Observation, yes: boolean, number: number): Observation {
  const shown = value ?? (yes ? String(Number(number.toPrecision(12))) : undefined);
  return { timeMs, arrivedMs, yes, event, stream, value: shown };
}

function moment(rule: Rule, state: RuleState, seen: Observation, sinceMs: number, out: MachineOutput): void {
  const { timeMs: firedMs, value, event, stream } = seen;
  if (!mayRaise(rule, state, firedMs)) {
    out.suppressed();
    return;
  }
  state.firedMs = firedMs;
  out.raise({ state: "occurred", sinceMs, firedMs, value, event, stream });
}

function hear(rule: Rule, state: RuleState, heard: LastOfKind, out: MachineOutput): void {
  const { heard: before } = state;
  // What the topic had before the last one that is known ends no silence that came after that one.
  if (before !== undefined && heard.arrivedMs < before.arrivedMs) return;
  if (before?.silent === "raised") {
    const id = alertId(rule.name, out.vehicle, before.event);
    out.say({ kind: "resolved", id, atMs: heard.timeMs, by: "event" });
  }
  const { timeMs, arrivedMs, event, stream } = heard;
  state.heard = { timeMs, arrivedMs, event, stream };
}

function silenceDue(rule: Rule, withinMs: number, state: RuleState): Due | undefined {
  const { heard } = state;
  if (heard === undefined || heard.silent !== undefined) return undefined;
  const act = (out: MachineOutput) => {
    const { timeMs: sinceMs, event, stream } = heard;
    // Silence goes by arrival, and so does what lies between two of them.
    const silentMs = heard.arrivedMs + withinMs;
    if (!mayRaise(rule, state, silentMs)) {
      heard.silent = "suppressed";
      out.suppressed();
      return;
    }
    heard.silent = "raised";
    state.firedMs = silentMs;
    out.raise({ state: "firing", sinceMs, firedMs: sinceMs + withinMs, value: undefined, event, stream });
  };
  return { atMs: heard.arrivedMs + withinMs, act };
}
