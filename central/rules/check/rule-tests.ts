/** Runs the unit tests of a rules file, with the step that runs in central and a store of one map. */
import { fileBounds, type RuleTest } from "../file/schema.ts";
import type { FedEvent, RaisedAlert, RulesOutcome } from "../outcome.ts";
import type { RuleSet } from "../rule.ts";
import { RulesStep } from "../step.ts";

/** What a test came to; no complaints: it passed. */
export interface RuleTestResult {
  readonly name: string;
  readonly complaints: readonly string[];
}

/** Times of a test count from here. */
const beginMs = Date.UTC(2026, 0, 1);

interface SeenAlert extends Omit<RaisedAlert, "kind" | "state"> {
  state: "firing" | "resolved" | "occurred";
  resolvedMs: number | undefined;
}

/** All of them. */
export function runRuleTests(set: RuleSet, tests: readonly RuleTest[]): readonly RuleTestResult[] {
  return tests.map((test) => ({ name: test.name, complaints: runTest(set, test) }));
}

function runTest(set: RuleSet, test: RuleTest): readonly string[] {
  const rules = test.rules === undefined ? set.rules : set.rules.filter(({ name }) => test.rules?.includes(name));
  const step = new RulesStep({ ...set, rules });
  const kept = new Map<string, string>();
  const alerts = new Map<string, SeenAlert>();
  const load = (vehicle: string) => kept.get(vehicle);
  let clockMs = beginMs;
  const apply = (outcome: RulesOutcome) => {
    clockMs = outcome.clockMs;
    for (const { vehicle, state } of outcome.states) kept.set(vehicle, state);
    for (const change of outcome.alerts) note(alerts, change);
  };
  const events = eventsOf(test, rules[0]?.streams[0] ?? "");
  if (events.length > fileBounds.testEvents) return [`${events.length} events; at most ${fileBounds.testEvents}`];
  for (const event of events) {
    apply(step.pass([...kept.keys()], { clockMs: event.arrivedMs, load }));
    apply(step.run({ nowMs: event.arrivedMs, clockMs, events: [event], load }));
  }
  step.committed();
  if (test.until !== undefined) apply(step.pass([...kept.keys()], { clockMs: beginMs + test.until, load }));
  const wrong = compare([...alerts.values()], test.alerts);
  const failed = Object.entries(step.counts).filter(([, { errors }]) => errors > 0);
  // A field that is misspelt would else pass every test that expects no alert.
  return [...wrong, ...failed.map(([rule, { errors, lastError }]) => `${rule} failed ${errors} times: ${lastError}`)];
}

function eventsOf({ events, vehicle, stream }: RuleTest, anyStream: string): readonly FedEvent[] {
  const made: FedEvent[] = [];
  events.forEach((each, index) => {
    for (let time = 0; time < each.times && made.length <= fileBounds.testEvents; time++) {
      const later = time * (each.every ?? 0);
      const at = made.length;
      made.push({
        vehicle: each.vehicle ?? vehicle,
        stream: each.stream ?? stream ?? (anyStream === "*" ? "test" : anyStream),
        timeMs: beginMs + each.at + later,
        arrivedMs: beginMs + (each.arrived ?? each.at) + later,
        value: Buffer.from(each.text ?? JSON.stringify(each.event ?? null)),
        name: () => `test/${index}/${at}`,
      });
    }
  });
  return made.sort((a, b) => a.arrivedMs - b.arrivedMs);
}

function note(alerts: Map<string, SeenAlert>, change: RulesOutcome["alerts"][number]): void {
  if (change.kind === "raised") {
    alerts.set(change.id, { ...change, resolvedMs: undefined });
    return;
  }
  const alert = alerts.get(change.id);
  if (alert === undefined) return;
  alert.state = change.kind === "resolved" ? "resolved" : "firing";
  alert.resolvedMs = change.kind === "resolved" ? change.atMs : undefined;
}

function compare(seen: readonly SeenAlert[], expected: RuleTest["alerts"]): readonly string[] {
  const left = [...seen];
  const missing = expected.filter((one) => {
    const found = left.findIndex((alert) => fits(alert, one));
    if (found >= 0) left.splice(found, 1);
    return found < 0;
  });
  return [
    ...missing.map((one) => `expected, and not there: ${JSON.stringify(one)}`),
    ...left.map((alert) => `there, and not expected: ${shown(alert)}`),
  ];
}

function fits(alert: SeenAlert, expected: RuleTest["alerts"][number]): boolean {
  const { since, at, resolved, vehicle, state, value, summary } = expected;
  const time = (ms: number | undefined, written: number | undefined) =>
    written === undefined || ms === beginMs + written;
  const same = (text: string | undefined, written: string | undefined) => written === undefined || text === written;
  return (
    alert.rule === expected.alert &&
    time(alert.sinceMs, since) &&
    time(alert.firedMs, at) &&
    time(alert.resolvedMs, resolved) &&
    same(alert.vehicle, vehicle) &&
    same(alert.state, state) &&
    same(alert.value, value) &&
    same(alert.annotations.summary, summary)
  );
}

function shown({ rule, vehicle, state, sinceMs, firedMs, resolvedMs, value, annotations }: SeenAlert): string {
  const seconds = (ms: number | undefined) => (ms === undefined ? undefined : `${(ms - beginMs) / 1_000}s`);
  const { summary } = annotations;
  return JSON.stringify({
    alert: rule,
    vehicle,
    state,
    since: seconds(sinceMs),
    at: seconds(firedMs),
    resolved: seconds(resolvedMs),
    value,
    summary,
  });
}
