/** A rule as it runs: what the file says, checked, with its expressions compiled. */
import type { Expression } from "./expression/expression.ts";

/** What a count or an average is taken over, in event time. */
export type Window =
  /** The last `ms`, moved on in steps of a twentieth (see `window.ts`). */
  | { readonly kind: "sliding"; readonly ms: number }
  /** A run of events that are no further apart than `gapMs`. */
  | { readonly kind: "session"; readonly gapMs: number };

/** When an alert is due. */
export type Condition =
  /** The expression is true. */
  | { readonly kind: "threshold"; readonly holds: Expression }
  /** The expression was false and is true now. */
  | { readonly kind: "edge"; readonly holds: Expression }
  /** An event of the first kind, and one of the second at most `withinMs` later. */
  | { readonly kind: "sequence"; readonly first: Expression; readonly second: Expression; readonly withinMs: number }
  /** No event (for which the expression is true) for `withinMs`. */
  | { readonly kind: "absence"; readonly of: Expression | undefined; readonly withinMs: number }
  /** More events (for which the expression is true) in the window than `above`. */
  | {
      readonly kind: "count";
      readonly of: Expression | undefined;
      readonly window: Window;
      readonly above: number;
    }
  /** The average of the expression in the window is beyond the limit. */
  | {
      readonly kind: "average";
      readonly of: Expression;
      readonly where: Expression | undefined;
      readonly window: Window;
      readonly above: number | undefined;
      readonly below: number | undefined;
      /** So many values must be in the window. */
      readonly values: number;
    };

/** A rule, ready to run. */
export interface Rule {
  readonly group: string;
  /** One of its name in the file. */
  readonly name: string;
  /** Of which streams; `*`: of all. */
  readonly streams: readonly string[];
  readonly condition: Condition;
  /** How the condition reads, in a line. */
  readonly text: string;
  /** How long it must hold. */
  readonly forMs: number;
  /** What holds at one event is no longer known when the next one is further away than this. */
  readonly maxGapMs: number;
  /** Whether time without events completes `for`. */
  readonly whenSilent: "wait" | "hold";
  /** So long after an alert there is none of the same rule and vehicle, in event time. */
  readonly minIntervalMs: number;
  /** How much earlier than the latest an event may be. */
  readonly latenessMs: number;
  /** What the alert shows. */
  readonly value: Expression | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of all that decides what its state means: a rule that was changed begins anew. */
  readonly print: string;
}

/** All rules of a file. */
export interface RuleSet {
  readonly file: string;
  readonly rules: readonly Rule[];
  /** Of how many vehicles the state is kept. */
  readonly vehiclesMax: number;
}

/** Whether a rule looks at a stream. */
export function watches({ streams }: Rule, stream: string): boolean {
  return streams.includes(stream) || streams[0] === "*";
}
