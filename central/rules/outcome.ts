/** What goes into the rules' step and what comes out: the store's side of it is `central/store/rules-port.ts`. */
import type { AlertChange } from "./alert.ts";
import type { Condition } from "./rule.ts";

/** A newly stored event. */
export interface FedEvent {
  readonly vehicle: string;
  readonly stream: string;
  readonly timeMs: number;
  /** When its topic had it. */
  readonly arrivedMs: number;
  readonly value: Buffer | null;
  /** How it is known everywhere: its identity, or its place when it has none. */
  name(): string;
}

/** One run. */
export interface RulesInput {
  /** Central's clock. */
  readonly nowMs: number;
  /** The latest arrival on this line so far. */
  readonly clockMs: number;
  readonly events: readonly FedEvent[];
  /** What is kept of a vehicle. */
  load(vehicle: string): string | undefined;
}

/** What is to be kept of a vehicle. */
export interface VehicleRow {
  readonly vehicle: string;
  readonly state: string;
  /** Arrival time from which on time alone does something. */
  readonly deadlineMs: number | undefined;
}

/** A new alert with its texts. */
export type RaisedAlert = Extract<AlertChange, { kind: "raised" }> & {
  readonly group: string;
  readonly condition: Condition["kind"];
  /** Of the rule as it is now. */
  readonly print: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** What the store writes, in the transaction of the events. */
export interface RulesOutcome {
  readonly clockMs: number;
  readonly states: readonly VehicleRow[];
  readonly alerts: readonly (RaisedAlert | Exclude<AlertChange, { kind: "raised" }>)[];
}
