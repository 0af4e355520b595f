/**
 * Conditions that hold for a while: threshold, count, average.
 *
 *     no run ──holds──▶ run ──for is over, minInterval is over──▶ run, raised ──no longer──▶ resolved, no run
 *
 * A run begins at an event and goes on while each next event says so and is at most `maxGap` later, in event time.
 * When nothing arrives for `maxGap`, the alert is resolved by silence; the run stays: when what comes next shows that the
 * condition had held all along (the events were only delayed), the same alert is open again.
 *
 * `for` is completed by an event. With `whenSilent: hold` an event's truth lasts until the next one, at most `maxGap`:
 * then time alone completes it.
 */
import { alertId } from "../alert.ts";
import type { Rule } from "../rule.ts";
import type { MachineOutput } from "./output.ts";
import type { Observation, RuleState, Run } from "./state.ts";

/** An event: the condition holds or not. Times come in order. */
export function stepLevel(rule: Rule, state: RuleState, seen: Observation, out: MachineOutput): void {
  const { timeMs, yes, value } = seen;
  if (state.run !== undefined) endOfGap(rule, state, state.run, timeMs, out);
  const { run } = state;
  if (!yes) {
    if (run?.raised && !run.silent) out.say({ kind: "resolved", id: idOf(rule, run, out), atMs: timeMs, by: "event" });
    state.run = undefined;
    return;
  }
  if (run === undefined) {
    const { event, stream } = seen;
    state.run = { sinceMs: timeMs, lastMs: timeMs, event, stream, value };
  } else {
    run.lastMs = timeMs;
    if (value !== undefined) run.value = value;
    if (run.silent) {
      run.silent = undefined;
      out.say({ kind: "reopened", id: idOf(rule, run, out) });
    }
  }
  if (state.run !== undefined) raiseWhenDue(rule, state, state.run, timeMs, out);
}

/** What time did since the last event, before the next one is looked at. */
function endOfGap(rule: Rule, state: RuleState, run: Run, timeMs: number, out: MachineOutput): void {
  const lastsMs = run.lastMs + rule.maxGapMs;
  const dueMs = run.sinceMs + rule.forMs;
  if (rule.whenSilent === "hold" && dueMs <= Math.min(timeMs, lastsMs)) {
    raiseWhenDue(rule, state, run, Math.max(dueMs, run.lastMs), out);
  }
  if (timeMs <= lastsMs) return;
  if (run.raised && !run.silent) out.say({ kind: "resolved", id: idOf(rule, run, out), atMs: lastsMs, by: "silence" });
  state.run = undefined;
}

function raiseWhenDue(rule: Rule, state: RuleState, run: Run, timeMs: number, out: MachineOutput): void {
  if (run.raised || timeMs - run.sinceMs < rule.forMs) return;
  if (!mayRaise(rule, state, timeMs)) {
    if (!run.suppressed) out.suppressed();
    run.suppressed = true;
    return;
  }
  run.raised = true;
  state.firedMs = timeMs;
  const { sinceMs, event, stream, value } = run;
  out.raise({ state: "firing", sinceMs, firedMs: timeMs, value, event, stream });
}

/** Whether `minInterval` is over. */
export function mayRaise({ minIntervalMs }: Rule, { firedMs }: RuleState, timeMs: number): boolean {
  return firedMs === undefined || timeMs - firedMs >= minIntervalMs;
}

/** What time alone will do next, when nothing arrives. */
export function levelDue(
  rule: Rule,
  state: RuleState,
): { atMs: number; act: (out: MachineOutput) => void } | undefined {
  const { run, arrivedMs } = state;
  if (run === undefined) return undefined;
  const dueMs = run.sinceMs + rule.forMs;
  if (rule.whenSilent === "hold" && !run.raised && !run.suppressed && dueMs <= run.lastMs + rule.maxGapMs) {
    const firesMs = Math.max(dueMs, run.lastMs);
    return {
      atMs: arrivedMs + firesMs - run.lastMs,
      act: (out) => raiseWhenDue(rule, state, run, firesMs, out),
    };
  }
  if (!run.raised || run.silent) return undefined;
  return {
    atMs: arrivedMs + rule.maxGapMs,
    act: (out) => {
      run.silent = true;
      out.say({ kind: "resolved", id: idOf(rule, run, out), atMs: run.lastMs + rule.maxGapMs, by: "silence" });
    },
  };
}

function idOf(rule: Rule, { event }: Run, { vehicle }: MachineOutput): string {
  return alertId(rule.name, vehicle, event);
}
