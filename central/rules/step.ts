/**
 * The rules' part of an append: what was kept of the vehicles, and the events that are new → what is to be kept, and the
 * alerts. A pure step between the ledger's plan and its writing: the store loads, runs it, and writes what it says in the
 * transaction of the events.
 *
 * A vehicle's rules are one text in the store (JSON): it is read when one of its events comes, or when its deadline is over.
 * Nothing is kept in memory between two transactions, so that several centrals may share a store.
 */
import { clockIsAhead } from "../ledger/last-state.ts";
import { type AlertChange, alertId, fillIn } from "./alert.ts";
import { addCounts, noCounts, type RuleCounts, type RulesCounts } from "./counts.ts";
import { payloadBytesMax } from "./expression/cost.ts";
import { evaluationMistake } from "./expression/expression.ts";
import type { ExpressionView } from "./expression/view.ts";
import { deadlineOf, pass, take } from "./machine/machine.ts";
import type { MachineOutput } from "./machine/output.ts";
import { emptyState, type RuleState } from "./machine/state.ts";
import { observe, watchesPayload } from "./observe.ts";
import type { FedEvent, RaisedAlert, RulesInput, RulesOutcome, VehicleRow } from "./outcome.ts";
import { type Rule, type RuleSet, watches } from "./rule.ts";

/** Streams whose rules are remembered. */
const streamsMax = 1_000;

interface KeptRules {
  readonly version: 1;
  readonly rules: Record<string, RuleState>;
}

export class RulesStep {
  private readonly byName: ReadonlyMap<string, Rule>;
  private readonly payloadRules: ReadonlySet<Rule>;
  private readonly byStream = new Map<string, readonly Rule[]>();
  private readonly total: ReadonlyMap<string, RuleCounts>;
  /** Of the transaction that is open. */
  private pending = new Map<string, RuleCounts>();

  constructor(readonly set: RuleSet) {
    this.byName = new Map(set.rules.map((rule) => [rule.name, rule]));
    this.payloadRules = new Set(set.rules.filter(watchesPayload));
    this.total = new Map(set.rules.map(({ name }) => [name, noCounts()]));
  }

  /** Whether anything of a stream is to be fed. */
  looksAt(stream: string): boolean {
    return this.rulesOf(stream).length > 0;
  }

  /** What was counted in transactions that were committed. */
  get counts(): RulesCounts {
    return Object.fromEntries(this.total);
  }

  /** The transaction of the last runs is durable. */
  committed(): void {
    for (const [name, counts] of this.pending) {
      const total = this.total.get(name);
      if (total !== undefined) addCounts(total, counts);
    }
    this.rolledBack();
  }

  /** … or gone. */
  rolledBack(): void {
    if (this.pending.size > 0) this.pending = new Map();
  }

  /** New events of one line, in the order of the line. */
  run({ events, nowMs, clockMs: before, load }: RulesInput): RulesOutcome {
    const alerts: AlertChange[] = [];
    const output = new Output(alerts, (name) => this.countsOf(name));
    const view = { vehicle: "", stream: "", time: new Date(0), storedAt: new Date(nowMs), event: undefined };
    // Arrival is the line's: it is settled before the events are taken vehicle by vehicle, of which one is in memory at a time.
    const byVehicle = new Map<string, Arrived[]>();
    let clockMs = before;
    for (const event of events) {
      clockMs = Math.max(clockMs, Math.min(event.arrivedMs, nowMs));
      const arrived = byVehicle.get(event.vehicle);
      if (arrived === undefined) byVehicle.set(event.vehicle, [{ event, arrivedMs: clockMs }]);
      else arrived.push({ event, arrivedMs: clockMs });
    }
    const rows: VehicleRow[] = [];
    for (const [vehicle, arrived] of byVehicle) {
      const states = this.parse(load(vehicle));
      output.vehicle = vehicle;
      for (const { event, arrivedMs } of arrived) this.feed(event, arrivedMs, { states, view, output });
      rows.push(this.row(vehicle, states, { clockMs, output }));
    }
    return { clockMs, states: rows, alerts: alerts.map((each) => this.filled(each)) };
  }

  /** Time has passed for these vehicles: their line is read up to `clockMs` of arrival. */
  pass(vehicles: readonly string[], { clockMs, load }: Pick<RulesInput, "clockMs" | "load">): RulesOutcome {
    const alerts: AlertChange[] = [];
    const output = new Output(alerts, (name) => this.countsOf(name));
    const rows = vehicles.map((vehicle) => this.row(vehicle, this.parse(load(vehicle)), { clockMs, output }));
    return { clockMs, states: rows, alerts: alerts.map((each) => this.filled(each)) };
  }

  private feed(event: FedEvent, arrivedMs: number, { states, view, output }: Feeding): void {
    view.vehicle = event.vehicle;
    view.stream = event.stream;
    view.time = new Date(event.timeMs);
    const ahead = clockIsAhead(event.timeMs, arrivedMs);
    let payload: Payload | undefined;
    for (const rule of this.rulesOf(event.stream)) {
      const counts = this.countsOf(rule.name);
      const absence = rule.condition.kind === "absence";
      if (ahead && !absence) {
        counts.clockAhead++;
        continue;
      }
      if (this.payloadRules.has(rule)) {
        payload ??= parsePayload(event.value);
        if (payload.kind !== "json") {
          counts[payload.kind]++;
          continue;
        }
        view.event = payload.event;
      }
      counts.evaluated++;
      output.rule = rule;
      const state = stateOf(states, rule);
      try {
        const timeMs = absence ? Math.min(event.timeMs, arrivedMs) : event.timeMs;
        const at = { timeMs, arrivedMs: Math.max(arrivedMs, state.arrivedMs) };
        take(rule, state, observe(rule, view, event, at), output);
      } catch (thrown) {
        counts.errors++;
        counts.lastError = evaluationMistake(thrown);
      }
    }
  }

  private row(
    vehicle: string,
    states: Record<string, RuleState>,
    { clockMs, output }: { clockMs: number; output: Output },
  ): VehicleRow {
    output.vehicle = vehicle;
    let deadlineMs: number | undefined;
    for (const [name, state] of Object.entries(states)) {
      const rule = this.byName.get(name);
      if (rule === undefined) continue;
      output.rule = rule;
      pass(rule, state, clockMs, output);
      const due = deadlineOf(rule, state);
      if (due !== undefined && (deadlineMs === undefined || due < deadlineMs)) deadlineMs = due;
    }
    const kept: KeptRules = { version: 1, rules: states };
    return { vehicle, state: JSON.stringify(kept), deadlineMs };
  }

  /** What is of a rule that is no more, or was changed, is dropped. What nobody can read begins anew. */
  private parse(text: string | undefined): Record<string, RuleState> {
    if (text === undefined) return {};
    try {
      const { version, rules }: KeptRules = JSON.parse(text);
      if (version !== 1) return {};
      const kept = Object.entries(rules).filter(([name, { print }]) => this.byName.get(name)?.print === print);
      return Object.fromEntries(kept);
    } catch (thrown) {
      // Thrown on, it would put the events aside, which are good.
      for (const { name } of this.set.rules) {
        const counts = this.countsOf(name);
        counts.errors++;
        counts.lastError = `what was kept of a vehicle cannot be read, and begins anew: ${evaluationMistake(thrown)}`;
      }
      return {};
    }
  }

  private filled(change: AlertChange): RaisedAlert | Exclude<AlertChange, { kind: "raised" }> {
    if (change.kind !== "raised") return change;
    const { rule: name, vehicle, stream, value = "", sinceMs, firedMs } = change;
    const rule = this.byName.get(name);
    const labels = rule?.labels ?? {};
    const words: Record<string, string> = {
      vehicle,
      stream,
      rule: name,
      value,
      since: new Date(sinceMs).toISOString(),
      fired: new Date(firedMs).toISOString(),
    };
    for (const [label, text] of Object.entries(labels)) words[`labels.${label}`] = text;
    const annotations = Object.entries(rule?.annotations ?? {}).map(([key, text]) => [key, fillIn(text, words)]);
    return {
      ...change,
      group: rule?.group ?? "",
      condition: rule?.condition.kind ?? "threshold",
      print: rule?.print ?? "",
      labels,
      annotations: Object.fromEntries(annotations),
    };
  }

  private rulesOf(stream: string): readonly Rule[] {
    let rules = this.byStream.get(stream);
    if (rules === undefined) {
      if (this.byStream.size >= streamsMax) this.byStream.clear();
      rules = this.set.rules.filter((rule) => watches(rule, stream));
      this.byStream.set(stream, rules);
    }
    return rules;
  }

  private countsOf(name: string): RuleCounts {
    let counts = this.pending.get(name);
    if (counts === undefined) {
      counts = noCounts();
      this.pending.set(name, counts);
    }
    return counts;
  }
}

interface Arrived {
  readonly event: FedEvent;
  readonly arrivedMs: number;
}

interface Feeding {
  readonly states: Record<string, RuleState>;
  readonly view: ExpressionView;
  readonly output: Output;
}

type Payload = { readonly kind: "json"; readonly event: unknown } | { readonly kind: "notJson" | "tooLarge" };

function parsePayload(value: Buffer | null): Payload {
  if (value === null) return { kind: "notJson" };
  if (value.length > payloadBytesMax) return { kind: "tooLarge" };
  try {
    return { kind: "json", event: JSON.parse(value.toString("utf8")) };
  } catch {
    return { kind: "notJson" }; // whatever it is: the rule does not apply, and that is counted
  }
}

function stateOf(states: Record<string, RuleState>, { name, print }: Rule): RuleState {
  let state = states[name];
  if (state === undefined) {
    state = emptyState(print);
    states[name] = state;
  }
  return state;
}

/** One for a run: told which vehicle and rule speak. */
class Output implements MachineOutput {
  vehicle = "";
  rule: Rule | undefined;

  constructor(
    private readonly alerts: AlertChange[],
    private readonly countsOf: (name: string) => RuleCounts,
  ) {}

  say(change: AlertChange): void {
    this.alerts.push(change);
  }

  raise(raised: Parameters<MachineOutput["raise"]>[0]): void {
    const { name = "" } = this.rule ?? {};
    const { vehicle } = this;
    this.alerts.push({ kind: "raised", id: alertId(name, vehicle, raised.event), rule: name, vehicle, ...raised });
  }

  suppressed(): void {
    this.countsOf(this.rule?.name ?? "").suppressed++;
  }

  late(): void {
    this.countsOf(this.rule?.name ?? "").late++;
  }

  early(): void {
    this.countsOf(this.rule?.name ?? "").early++;
  }
}
