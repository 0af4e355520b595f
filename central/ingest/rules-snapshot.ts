import type { RulesCounts } from "../rules/counts.ts";

/** What the writing half tells of rules. */
export interface RulesSnapshot {
  readonly counts: RulesCounts;
  readonly vehiclesDropped: number;
  readonly deliveriesDropped: number;
  readonly delivered: number;
  /** Alerts that were resolved because there are no rules any more. */
  readonly withdrawn: number;
  /** Tries that failed. */
  readonly deliveryFailures: number;
}

/** Without rules, and before the first word. */
export const noRulesSnapshot: RulesSnapshot = {
  counts: {},
  vehiclesDropped: 0,
  deliveriesDropped: 0,
  delivered: 0,
  withdrawn: 0,
  deliveryFailures: 0,
};
