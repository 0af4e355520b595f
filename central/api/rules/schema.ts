import { z } from "@hono/zod-openapi";
import { noCounts, type RuleCounts } from "../../rules/counts.ts";
import type { Rule } from "../../rules/rule.ts";
import type { RulesSums } from "../../store/rules-port.ts";

const count = (description: string) => z.int().openapi({ description });

/** One rule on the wire. Counts are of this process. */
export const RuleInfo = z
  .object({
    group: z.string(),
    name: z.string(),
    kind: z.enum(["threshold", "edge", "sequence", "absence", "count", "average"]),
    streams: z.array(z.string()),
    expr: z.string().openapi({ description: "The condition in a line." }),
    forMs: z.int(),
    minIntervalMs: z.int(),
    latenessMs: z.int(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    firing: count("Alerts that hold now."),
    alerts: count("Alerts that were raised, those that are deleted by now among them."),
    evaluated: count("Events that it looked at."),
    late: count("Events that came later than `lateness` allows: not looked at."),
    clockAhead: count("Events dated far in the future: not looked at."),
    notJson: count("Payloads that are no JSON: it does not apply to them."),
    tooLarge: count("Payloads beyond 16 KiB: it does not apply to them."),
    errors: count("Evaluations that failed: a wrong field or type."),
    suppressed: count("Alerts that `minInterval` held back."),
    early: count("Events that were looked at before their lateness was over: too many waited."),
    lastError: z.string().optional(),
  })
  .openapi("Rule");

/** As it goes over the wire. */
export function ruleBody(
  { group, name, condition, streams, text, forMs, minIntervalMs, latenessMs, labels, annotations }: Rule,
  counts: Readonly<RuleCounts> | undefined,
  sums: RulesSums,
): z.infer<typeof RuleInfo> {
  const { lastError, ...numbers } = counts ?? noCounts();
  const { firing = 0, alerts = 0 } = sums.rules.find(({ rule }) => rule === name) ?? {};
  return {
    ...{ group, name, kind: condition.kind, streams: [...streams], expr: text, forMs, minIntervalMs, latenessMs },
    ...{ labels: { ...labels }, annotations: { ...annotations }, firing, alerts },
    ...numbers,
    ...(lastError === undefined ? {} : { lastError }),
  };
}
