/** An event as one rule sees it: its expressions evaluated. */
import type { Expression, ExpressionView } from "./expression/expression.ts";
import type { Observation } from "./machine/state.ts";
import type { FedEvent } from "./outcome.ts";
import type { Condition, Rule } from "./rule.ts";

/** Of what an alert shows. */
const valueLengthMax = 128;

/** Whether a rule looks into the payload; one that does not takes events of any kind. */
export function watchesPayload({ condition, value }: Rule): boolean {
  return [...expressionsOf(condition), value].some((expression) => expression?.usesEvent === true);
}

/** @throws Error when the event has not what the rule names. */
export function observe(rule: Rule, view: ExpressionView, event: FedEvent): Observation {
  const { condition } = rule;
  const { timeMs, stream } = event;
  const base = { timeMs, stream, event: "" };
  switch (condition.kind) {
    case "threshold":
    case "edge": {
      const yes = truth(condition.holds, view);
      return yes ? { ...base, yes, event: event.name(), value: shownValue(rule, view) } : { ...base, yes };
    }
    case "sequence": {
      const yes = truth(condition.first, view);
      const second = truth(condition.second, view);
      return second
        ? { ...base, yes, second, event: event.name(), value: shownValue(rule, view) }
        : { ...base, yes, second };
    }
    case "absence": {
      const yes = condition.of === undefined || truth(condition.of, view);
      return yes ? { ...base, yes, event: event.name() } : { ...base, yes };
    }
    case "count": {
      const yes = condition.of === undefined || truth(condition.of, view);
      return { ...base, yes, event: event.name(), value: shownValue(rule, view) };
    }
    case "average": {
      const yes = condition.where === undefined || truth(condition.where, view);
      const number = yes ? numberOf(condition.of, view) : undefined;
      return { ...base, yes, number, event: event.name(), value: shownValue(rule, view) };
    }
  }
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
