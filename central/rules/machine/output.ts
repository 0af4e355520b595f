import type { AlertChange } from "../alert.ts";

/** What an alert is raised with; the rest is the machine's own. */
export type Raised = Omit<Extract<AlertChange, { kind: "raised" }>, "kind" | "id" | "rule" | "vehicle">;

/** Where a machine speaks to. */
export interface MachineOutput {
  readonly vehicle: string;
  say(change: AlertChange): void;
  raise(raised: Raised): void;
  suppressed(): void;
  late(): void;
  /** An observation could not wait: too many did. */
  early(): void;
}
