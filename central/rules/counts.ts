/** What a rule has seen in this process. */
export interface RuleCounts {
  /** Events that it looked at. */
  evaluated: number;
  /** Too early for the order of times: not looked at. */
  late: number;
  /** Dated far in the future: not looked at, but heard. */
  clockAhead: number;
  /** Payloads that are no JSON: the rule does not apply. */
  notJson: number;
  /** Payloads beyond what rules look at. */
  tooLarge: number;
  /** Evaluations that failed: a wrong field or type. */
  errors: number;
  /** Alerts that `minInterval` held back. */
  suppressed: number;
  /** Events that were looked at before their lateness was over: too many waited. */
  early: number;
  lastError: string | undefined;
}

/** By rule's name. */
export type RulesCounts = Readonly<Record<string, Readonly<RuleCounts>>>;

/** Nothing yet. */
export function noCounts(): RuleCounts {
  const zero = { evaluated: 0, late: 0, clockAhead: 0, notJson: 0, tooLarge: 0, errors: 0, suppressed: 0, early: 0 };
  return { ...zero, lastError: undefined };
}

/** Adds what one transaction counted. */
export function addCounts(to: RuleCounts, from: RuleCounts): void {
  to.evaluated += from.evaluated;
  to.late += from.late;
  to.clockAhead += from.clockAhead;
  to.notJson += from.notJson;
  to.tooLarge += from.tooLarge;
  to.errors += from.errors;
  to.suppressed += from.suppressed;
  to.early += from.early;
  to.lastError = from.lastError ?? to.lastError;
}
