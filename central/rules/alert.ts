/** What becomes of alerts. An alert is one run of a condition, or one moment. */
import { createHash } from "node:crypto";

/** Why an alert is over: an event said so, nothing came for longer than `maxGap`, or the rule is no more. */
export type ResolvedBy = "event" | "silence" | "rule";

/** What a rule's machine says. */
export type AlertChange =
  | {
      readonly kind: "raised";
      readonly id: string;
      readonly rule: string;
      readonly vehicle: string;
      readonly stream: string;
      /** `firing` until it is resolved; `occurred`: a moment. */
      readonly state: "firing" | "occurred";
      /** Event time at which the condition began to hold. */
      readonly sinceMs: number;
      /** Event time at which it became an alert. */
      readonly firedMs: number;
      readonly value: string | undefined;
      /** The event that the id is made of. */
      readonly event: string;
    }
  | { readonly kind: "resolved"; readonly id: string; readonly atMs: number; readonly by: ResolvedBy }
  /** It was resolved by silence, and the condition had held all along: the events came later. */
  | { readonly kind: "reopened"; readonly id: string };

/**
 * The same rule, vehicle and event have the same id in every store: a consumer of alerts knows a repeat by it.
 *
 * @param event how the event is known everywhere: its identity, or its place in the topic when it has none
 */
export function alertId(rule: string, vehicle: string, event: string): string {
  return createHash("sha256")
    .update(JSON.stringify([rule, vehicle, event]))
    .digest("hex")
    .slice(0, 32);
}

/** A text of a rule with `{{ vehicle }}` and the like filled in. A name that there is not stays as it is: `check` refuses it. */
export function fillIn(template: string, words: Readonly<Record<string, string>>): string {
  return template.replaceAll(placeholder, (whole, name: string) => words[name] ?? whole);
}

/** `{{ name }}`, and `{{ labels.name }}`. */
export const placeholder = /\{\{\s*([\w.]+)\s*\}\}/g;

/** What a template may name, beside the labels. */
export const placeholderNames = ["vehicle", "stream", "rule", "value", "since", "fired"] as const;
