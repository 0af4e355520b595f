/** The machine against the definition that keeps everything, and against itself with time cut into other pieces. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../shared/random/random.ts";
import type { AlertChange } from "../alert.ts";
import type { Condition, Rule } from "../rule.ts";
import { deadlineOf, pass, take } from "./machine.ts";
import { type Arrived, type NaiveAlert, naiveAlerts } from "./naive-rules.ts";
import type { MachineOutput } from "./output.ts";
import { emptyState, type RuleState } from "./state.ts";

const never = { text: "", usesEvent: false, usesStoredAt: false, evaluate: () => false };
const conditions: readonly Condition[] = [
  { kind: "threshold", holds: never },
  { kind: "edge", holds: never },
  { kind: "sequence", first: never, second: never, withinMs: 3_000 },
  { kind: "absence", of: never, withinMs: 4_000 },
  { kind: "count", of: never, window: { kind: "sliding", ms: 10_000 }, above: 2 },
  { kind: "count", of: never, window: { kind: "session", gapMs: 2_500 }, above: 2 },
  {
    kind: "average",
    of: never,
    where: undefined,
    window: { kind: "sliding", ms: 7_000 },
    above: 6,
    below: 3,
    values: 2,
  },
  {
    kind: "average",
    of: never,
    where: undefined,
    window: { kind: "session", gapMs: 2_000 },
    above: 5,
    below: undefined,
    values: 3,
  },
];

/** Numbers that are the same in each run of a seed. */
function numbers(seed: number) {
  const random = seededRandom(seed);
  return (below: number) => Math.floor(random.next() * below);
}

function ruleOf(condition: Condition, random: (below: number) => number): Rule {
  return {
    group: "g",
    name: "R",
    streams: ["s"],
    condition,
    text: "",
    forMs: [0, 0, 2_000, 5_000][random(4)] ?? 0,
    maxGapMs: [4_000, 9_000, 60_000][random(3)] ?? 0,
    whenSilent: "wait",
    minIntervalMs: [0, 0, 6_000][random(3)] ?? 0,
    latenessMs: [0, 0, 3_000][random(3)] ?? 0,
    value: undefined,
    labels: {},
    annotations: {},
    print: "p",
  };
}

function eventsOf(random: (below: number) => number): readonly Arrived[] {
  const events: Arrived[] = [];
  let timeMs = 1_000_000;
  let arrivedMs = 5_000_000;
  let yes = false;
  for (let index = 0; index < 60; index++) {
    timeMs += random(2_200) - 200 + (random(15) === 0 ? 15_000 : 0);
    arrivedMs += random(1_500) + (random(12) === 0 ? 12_000 : 0);
    if (random(3) === 0) yes = !yes;
    const late = random(6) === 0 ? random(6_000) : 0;
    events.push({
      timeMs: timeMs - late,
      arrivedMs,
      yes,
      second: random(3) === 0,
      number: random(10),
      event: `e${index}`,
      stream: "s",
    });
  }
  return events;
}

class Heard implements MachineOutput {
  readonly vehicle = "v";
  readonly changes: AlertChange[] = [];
  readonly raised: NaiveAlert[] = [];
  counts = { suppressed: 0, late: 0, early: 0 };

  say(change: AlertChange) {
    this.changes.push(change);
  }
  raise({ event, sinceMs, firedMs }: Parameters<MachineOutput["raise"]>[0]) {
    this.raised.push({ event, sinceMs, firedMs });
    this.changes.push({ kind: "reopened", id: event });
  }
  suppressed() {
    this.counts.suppressed++;
  }
  late() {
    this.counts.late++;
  }
  early() {
    this.counts.early++;
  }
}

const kept = (state: RuleState): RuleState => JSON.parse(JSON.stringify(state));

function runMachine(rule: Rule, events: readonly Arrived[], endMs: number, random?: (below: number) => number): Heard {
  const out = new Heard();
  let state = emptyState(rule.print);
  let atMs = events[0]?.arrivedMs ?? 0;
  for (const event of events) {
    // Time in other pieces, and the state through the store and back.
    while (random !== undefined && random(2) === 0 && atMs < event.arrivedMs) {
      atMs = Math.min(event.arrivedMs, atMs + random(5_000));
      pass(rule, state, atMs, out);
      state = kept(state);
    }
    take(rule, state, event, out);
    atMs = event.arrivedMs;
    const due = deadlineOf(rule, state);
    if (due !== undefined && due < event.arrivedMs) throw new Error(`a deadline in the past: ${due}`);
  }
  pass(rule, state, endMs, out);
  return out;
}

describe.each(conditions.map((condition, index) => [`${condition.kind} ${index}`, condition] as const))(
  "%s",
  (_, condition) => {
    test("says what the definition says, 300 times", () => {
      let alerts = 0;
      for (let seed = 1; seed <= 300; seed++) {
        const random = numbers(seed);
        const rule = ruleOf(condition, random);
        const events = eventsOf(random);
        const endMs = (events.at(-1)?.arrivedMs ?? 0) + random(2) * 100_000 + rule.latenessMs;
        const { raised } = runMachine(rule, events, endMs);
        expect({ seed, raised }).toEqual({ seed, raised: [...naiveAlerts(rule, events, endMs)] });
        alerts += raised.length;
      }
      expect(alerts).toBeGreaterThan(100);
    });

    test.each(["wait", "hold"] as const)("is the same however time is cut (%s), 300 times", (whenSilent) => {
      for (let seed = 1; seed <= 300; seed++) {
        const random = numbers(seed);
        const rule = { ...ruleOf(condition, random), whenSilent };
        const events = eventsOf(random);
        const endMs = (events.at(-1)?.arrivedMs ?? 0) + random(20_000);
        const whole = runMachine(rule, events, endMs);
        const cut = runMachine(rule, events, endMs, random);
        expect({ seed, changes: cut.changes, counts: cut.counts }).toEqual({
          seed,
          changes: whole.changes,
          counts: whole.counts,
        });
      }
    });
  },
);

const threshold: Rule = { ...ruleOf({ kind: "threshold", holds: never }, () => 0), maxGapMs: 10_000 };
const at = (timeMs: number, yes: boolean, arrivedMs = timeMs): Arrived => ({
  timeMs,
  arrivedMs,
  yes,
  event: `e${timeMs}`,
  stream: "s",
});

test("silence resolves, and what shows that it held all along opens the same alert again", () => {
  const out = new Heard();
  const state = emptyState("p");
  take(threshold, state, at(1_000, true), out);
  pass(threshold, state, 20_000, out);
  take(threshold, state, at(2_000, true, 30_000), out);
  take(threshold, state, at(3_000, false, 30_000), out);
  expect(out.raised).toHaveLength(1);
  expect(out.changes.slice(1)).toMatchObject([
    { kind: "resolved", atMs: 11_000, by: "silence" },
    { kind: "reopened" },
    { kind: "resolved", atMs: 3_000, by: "event" },
  ]);
});

test("a for is completed by an event; with hold also by time", () => {
  const lasting = { ...threshold, forMs: 5_000 };
  const wait = new Heard();
  const waiting = emptyState("p");
  take(lasting, waiting, at(1_000, true), wait);
  pass(lasting, waiting, 60_000, wait);
  expect(wait.raised).toEqual([]);
  const hold = new Heard();
  const holding = emptyState("p");
  take({ ...lasting, whenSilent: "hold" }, holding, at(1_000, true), hold);
  pass({ ...lasting, whenSilent: "hold" }, holding, 6_000, hold);
  expect(hold.raised).toEqual([{ event: "e1000", sinceMs: 1_000, firedMs: 6_000 }]);
});

test("what waits is bounded: the earliest goes on before its time, and it is counted", () => {
  const out = new Heard();
  const state = emptyState("p");
  const patient = { ...threshold, latenessMs: 3_600_000 };
  for (let index = 0; index < 1_000; index++) take(patient, state, at(index, true), out);
  expect(state.held?.length).toBeLessThanOrEqual(64);
  expect(out.counts.early).toBe(936);
  expect(JSON.stringify(state).length).toBeLessThan(8_192);
});

describe("a vehicle in two partitions, of which the one with its later records is read first", () => {
  const absence: Rule = { ...ruleOf({ kind: "absence", of: never, withinMs: 4_000 }, () => 0), name: "Silent" };

  test("its earlier records end no silence, and begin none", () => {
    const out = new Heard();
    const state = emptyState("p");
    take(absence, state, at(60_000, true), out);
    pass(absence, state, 64_000, out);
    expect(out.raised).toEqual([{ event: "e60000", sinceMs: 60_000, firedMs: 64_000 }]);
    for (const timeMs of [1_000, 2_000, 9_000]) take(absence, state, at(timeMs, true), out);
    pass(absence, state, 65_000, out);
    expect(out.changes).toHaveLength(1);
    take(absence, state, at(70_000, true), out);
    expect(out.changes.at(-1)).toMatchObject({ kind: "resolved", atMs: 70_000, by: "event" });
  });

  test("the time that has passed does not pass again", () => {
    const out = new Heard();
    const state = emptyState("p");
    const patient = { ...threshold, latenessMs: 3_000 };
    take(patient, state, at(60_000, true), out);
    take(patient, state, at(58_000, true, 1_000), out);
    expect(deadlineOf(patient, state)).toBe(63_000);
  });
});
