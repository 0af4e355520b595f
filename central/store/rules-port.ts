/**
 * What a store does for rules, where its kind can: state and alerts are written in the transaction that stores the events. A
 * store without it leaves both doors out, and central says so by name.
 */
import type { AlertRow, AlertState } from "../rules/alert-row.ts";
import type { RulesStep } from "../rules/step.ts";

/** Where alerts are sent to. */
export type DeliveryTarget = "webhook" | "topic";

/** What a store's writer is told of rules. */
export interface RulesTools {
  readonly step: RulesStep;
  /** Each change of an alert is kept for each of them until it is delivered. */
  readonly targets: readonly DeliveryTarget[];
}

/** A line of arrivals that is read to its end: time has passed there without an event. */
export interface TickLine {
  readonly line: string;
  readonly clockMs: number;
}

/** A change of an alert on its way. */
export interface AlertDelivery {
  readonly id: number;
  readonly target: DeliveryTarget;
  /** The same each time that it is sent: the alert's id, and for what became of it later also what and when. */
  readonly key: string;
  readonly vehicle: string;
  /** The alert as it was then, JSON. */
  readonly body: string;
  readonly attempts: number;
}

/** Deliveries that wait for a target; beyond them the oldest are given up, which is counted and said. */
export const deliveriesMax = 100_000;

/** How long alerts are kept when the config says nothing. */
export const alertRetentionMsStandard = 90 * 86_400_000;

/** The writer's door. */
export interface RulesWork {
  /** @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
  tick(lines: readonly TickLine[]): Promise<void>;
  /** Takes some that are due, for as long as `leaseMs`: another instance does not take them meanwhile. */
  take(target: DeliveryTarget, limit: number, leaseMs: number): Promise<readonly AlertDelivery[]>;
  delivered(ids: readonly number[]): Promise<void>;
  /** Not now: to be taken again after `afterMs`. */
  postpone(ids: readonly number[], afterMs: number): Promise<void>;
  /** Of this process. */
  readonly counters: RulesWorkCounters;
}

/** What was given up, in this process. */
export interface RulesWorkCounters {
  /** Vehicles whose state was dropped because there were too many. */
  readonly vehiclesDropped: number;
  /** Deliveries that were given up because too many waited. */
  readonly deliveriesDropped: number;
}

/** Which alerts, newest first. */
export interface AlertQuery {
  readonly vehicle: string | undefined;
  readonly rule: string | undefined;
  readonly state: AlertState | undefined;
  /** Below this number. */
  readonly before: number | undefined;
  readonly limit: number;
}

/** Sums of what is kept. */
export interface RulesSums {
  readonly vehicles: number;
  readonly undelivered: number;
  readonly rules: readonly { readonly rule: string; readonly alerts: number; readonly firing: number }[];
}

/** The readers' door. @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
export interface RulesReader {
  alerts(query: AlertQuery): Promise<readonly AlertRow[]>;
  sums(): Promise<RulesSums>;
}
