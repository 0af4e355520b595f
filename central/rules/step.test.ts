import { expect, test } from "bun:test";
import { parseRules } from "./file/read.ts";
import type { FedEvent, RulesOutcome } from "./outcome.ts";
import { RulesStep } from "./step.ts";

const now = Date.UTC(2026, 5, 1);
const yaml = `
groups:
  - name: g
    rules:
      - { alert: Fast, streams: [driving], expr: event.speed > 120, minInterval: 0s }
      - { alert: Silent, streams: ["*"], absence: { within: 1m }, minInterval: 0s }
      - { alert: Mean, streams: [driving], average: { of: event.speed, over: 1m, above: 100 }, minInterval: 0s }
`;

class Ground {
  readonly step = new RulesStep(parseRules("f", yaml));
  readonly kept = new Map<string, string>();
  clockMs = now;
  private made = 0;

  feed(...events: readonly (Partial<FedEvent> & { readonly payload?: unknown })[]): RulesOutcome["alerts"] {
    const outcome = this.step.run({
      nowMs: now + 3_600_000,
      clockMs: this.clockMs,
      load: (vehicle) => this.kept.get(vehicle),
      events: events.map(({ payload = {}, ...given }) => {
        const name = `a/e/s.0/${this.made++}`;
        const at = now + this.made * 1_000;
        const value = Buffer.from(JSON.stringify(payload));
        return { vehicle: "v", stream: "driving", timeMs: at, arrivedMs: at, value, name: () => name, ...given };
      }),
    });
    this.clockMs = outcome.clockMs;
    for (const { vehicle, state } of outcome.states) this.kept.set(vehicle, state);
    this.step.committed();
    return outcome.alerts;
  }
}

test("an alert has its rule's words, and an id that is the same in every store", () => {
  const [one, other] = [new Ground(), new Ground()];
  const alerts = one.feed({ payload: { speed: 130 } });
  expect(alerts).toMatchObject([
    { kind: "raised", rule: "Fast", vehicle: "v", stream: "driving", event: "a/e/s.0/0", group: "g" },
    { kind: "raised", rule: "Mean", value: "130" },
  ]);
  expect(other.feed({ payload: { speed: 130 } })).toEqual(alerts);
});

test("what is no JSON, too large or fails is counted, and no alert, no zero", () => {
  const ground = new Ground();
  const alerts = ground.feed(
    { value: Buffer.from("speed=130") },
    { value: null },
    { value: Buffer.from([0xff, 0x00]) },
    { value: Buffer.from(`{"speed":130,"a":"${"x".repeat(20_000)}"}`) },
    { payload: { sped: 130 } },
    { payload: { speed: "130" } },
    { payload: { speed: null } },
    { payload: [130] },
    { payload: 7 },
    { value: Buffer.from(`${"[".repeat(8_000)}${"]".repeat(8_000)}`) },
  );
  expect(alerts).toEqual([]);
  const { Fast, Mean, Silent } = ground.step.counts;
  expect(Fast).toMatchObject({ notJson: 3, tooLarge: 1, errors: 6, evaluated: 6 });
  expect(Mean).toMatchObject({ notJson: 3, tooLarge: 1, errors: 6 });
  expect(Silent).toMatchObject({ notJson: 0, errors: 0, evaluated: 10 });
  expect(Fast?.lastError).toBeDefined();
});

test("an event dated far in the future moves no time on, and is heard", () => {
  const ground = new Ground();
  ground.feed({ payload: { speed: 10 } });
  ground.feed({ payload: { speed: 130 }, timeMs: now + 10 * 365 * 86_400_000 });
  expect(ground.step.counts.Fast).toMatchObject({ clockAhead: 1, late: 0 });
  expect(ground.feed({ payload: { speed: 131 } })).toMatchObject([{ rule: "Fast" }]);
  expect(ground.step.counts.Fast).toMatchObject({ late: 0 });
  expect(ground.step.counts.Silent).toMatchObject({ evaluated: 3 });
});

test("an arrival in the future counts as now, one that goes back as the one before", () => {
  const ground = new Ground();
  ground.feed({ arrivedMs: now + 10 * 365 * 86_400_000 }, { arrivedMs: 0 });
  expect(ground.clockMs).toBe(now + 3_600_000);
  expect(ground.step.counts.Silent).toMatchObject({ evaluated: 2 });
});

test("a late event is counted and not looked at", () => {
  const ground = new Ground();
  ground.feed({ payload: { speed: 10 } }, { payload: { speed: 130 }, timeMs: now - 5_000 });
  expect(ground.step.counts.Fast).toMatchObject({ late: 1 });
});

test("what a transaction that was rolled back counted is not counted", () => {
  const ground = new Ground();
  ground.step.run({ nowMs: now, clockMs: now, events: [event("v", 130)], load: () => undefined });
  ground.step.rolledBack();
  expect(ground.step.counts.Fast).toMatchObject({ evaluated: 0 });
});

test("what is kept of a vehicle is small, and what nobody can read begins anew", () => {
  const ground = new Ground();
  for (let index = 0; index < 500; index++) ground.feed({ payload: { speed: index } });
  expect(ground.kept.get("v")?.length).toBeLessThan(1_200);
  ground.kept.set("v", '{"version":1,"rul');
  expect(ground.feed({ payload: { speed: 130 } })).toMatchObject([{ rule: "Fast" }, { rule: "Mean" }]);
  expect(ground.step.counts.Fast?.lastError).toContain("begins anew");
});

test("time alone raises and is told by the deadline", () => {
  const ground = new Ground();
  const { states } = ground.step.run({ nowMs: now, clockMs: now, events: [event("v", 10)], load: () => undefined });
  expect(states).toMatchObject([{ vehicle: "v", deadlineMs: now + 60_000 }]);
  const load = () => states[0]?.state;
  expect(ground.step.pass(["v"], { clockMs: now + 59_999, load }).alerts).toEqual([]);
  const { alerts, states: after } = ground.step.pass(["v"], { clockMs: now + 60_000, load });
  expect(alerts).toMatchObject([{ rule: "Silent", state: "firing", sinceMs: now }]);
  expect(after).toMatchObject([{ deadlineMs: undefined }]);
});

function event(vehicle: string, speed: number): FedEvent {
  const value = Buffer.from(JSON.stringify({ speed }));
  return { vehicle, stream: "driving", timeMs: now, arrivedMs: now, value, name: () => "n" };
}
