/** An alert as it is kept and shown. */
import type { ResolvedBy } from "./alert.ts";
import type { Condition } from "./rule.ts";

/** All that is known of one. */
export interface AlertRow {
  readonly number: number;
  readonly id: string;
  readonly group: string;
  readonly rule: string;
  readonly kind: Condition["kind"];
  readonly vehicle: string;
  readonly stream: string;
  readonly state: AlertState;
  readonly sinceMs: number;
  readonly firedMs: number;
  readonly resolvedMs: number | undefined;
  readonly resolvedBy: ResolvedBy | undefined;
  readonly storedMs: number;
  readonly value: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly event: string;
}

/** `firing`: it holds on; `resolved`: it held; `occurred`: it was a moment. */
export type AlertState = "firing" | "resolved" | "occurred";
