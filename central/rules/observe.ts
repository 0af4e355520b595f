/** An event as one rule sees it: its expressions evaluated. */
import type { Expression } from "./expression/expression.ts";
import type { ExpressionView } from "./expression/view.ts";
import type { Observation } from "./machine/state.ts";
import type { FedEvent } from "./outcome.ts";
import type { Condition, Rule } from "./rule.ts";

/** Of what an alert shows. */
const valueLengthMax = 128;

/** Whether a rule looks into the payload; one that does not takes events of any kind. */
export function watchesPayload({ condition, value }: Rule): boolean {
  return [...expressionsOf(condition), value].some((expression) => expression?.usesEvent === true);
}

/** When it happened and when its topic had it, as the machine is to take it. */
export interface ObservedAt {
  readonly timeMs: number;
  readonly arrivedMs: number;
}

/** @throws Error when the event has not what the rule names. */
export function observe(rule: Rule, view: ExpressionView, event: FedEvent, at: ObservedAt): Observation {
  const { condition } = rule;
  let yes = false;
  let second = false;
  let number: number | undefined;
  let shows = true;
  switch (condition.kind) {
    case "threshold":
    case "edge":
      yes = truth(condition.holds, view);
      shows = yes;
      break;
    case "sequence":
      yes = truth(condition.first, view);
      second = truth(condition.second, view);
      shows = second;
      break;
    case "absence":
      yes = condition.of === undefined || truth(condition.of, view);
      shows = yes;
      break;
    case "count":
      yes = condition.of === undefined || truth(condition.of, view);
      break;
    case "average":
      yes = condition.where === undefined || truth(condition.where, view);
      number = yes ? numberOf(condition.of, view) : undefined;
      break;
  }
  return {
    timeMs: at.timeMs,
    arrivedMs: at.arrivedMs,
    yes,
    second,
    number,
    value: shows ? shownValue(rule, view) : undefined,
    // Only what may become an alert needs its name.
    event: shows ? event.name() : "",
    stream: event.stream,
  };
}

function expressionsOf(condition: Condition): readonly (Expression | undefined)[] {
  switch (condition.kind) {
    case "threshold":
    case "edge":
      return [condition.holds];
    case "sequence":
      return [condition.first, condition.second];
    case "absence":
    case "count":
      return [condition.of];
    case "average":
      return [condition.of, condition.where];
  }
}

function truth({ evaluate, text }: Expression, view: ExpressionView): boolean {
  const result = evaluate(view);
  if (typeof result === "boolean") return result;
  throw new Error(`${text} gives ${typeof result}, and true or false is needed`);
}

function numberOf({ evaluate, text }: Expression, view: ExpressionView): number {
  const result = evaluate(view);
  const number = typeof result === "bigint" ? Number(result) : result;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw new Error(
    `${text} gives ${typeof number === "number" ? String(number) : typeof number}, and a number is needed`,
  );
}

function shownValue({ value }: Rule, view: ExpressionView): string | undefined {
  if (value === undefined) return undefined;
  const result = value.evaluate(view);
  switch (typeof result) {
    case "string":
      return result.slice(0, valueLengthMax);
    case "number":
    case "bigint":
    case "boolean":
      return String(result);
    default:
      throw new Error(`${value.text} gives ${result === null ? "null" : "a list or a map"}, which no alert can show`);
  }
}
