/**
 * A rules file → rules that can run, and its unit tests; or all mistakes at once, each with file:line:col, and a caret where
 * it is in an expression.
 */
import { createHash } from "node:crypto";
import type { z } from "zod";
import { formatDuration } from "../../../shared/config/duration.ts";
import { suggest } from "../../../shared/config/nearest.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { readNamedText } from "../../../shared/files/read-named.ts";
import { fileHint } from "../../../shared/files/refusal.ts";
import { placeholder, placeholderNames } from "../alert.ts";
import { compileExpression, type Expression, type ExpressionResult } from "../expression/expression.ts";
import type { Condition, Rule, RuleSet, Window } from "../rule.ts";
import { PlacedYaml } from "./positions.ts";
import { fileBounds, RuleFields, RulesFile, type RuleTest } from "./schema.ts";

/** What a file holds. */
export interface RulesAndTests extends RuleSet {
  readonly tests: readonly RuleTest[];
}

/** What holds at one event is known for a minute at least, whatever `for` is. */
const maxGapMsMin = 60_000;
const conditionKeys = ["expr", "edge", "sequence", "absence", "count", "average"] as const;

/** @throws AppError `CONFIG_INVALID`, its message naming every mistake. */
export function readRules(file: string): RulesAndTests {
  let text: string;
  try {
    text = readNamedText(file, { bytesMax: fileBounds.bytes });
  } catch (thrown) {
    const hint = fileHint(thrown);
    throw new AppError("CONFIG_INVALID", `read the rules ${file}`, { cause: thrown, ...(hint && { hint }) });
  }
  return parseRules(file, text);
}

/** The same of a text. */
export function parseRules(file: string, text: string): RulesAndTests {
  const yaml = new PlacedYaml(file, text);
  if (yaml.mistakes.length > 0) throw invalid(yaml.mistakes);
  const parsed = RulesFile.safeParse(contentOf(yaml, file));
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap((issue) => explain(issue, yaml)));
  const reading = new Reading(yaml);
  const rules = parsed.data.groups.flatMap((group, index) =>
    group.rules.map((fields, at) => reading.rule(group.name, fields, ["groups", index, "rules", at])),
  );
  reading.names(rules, parsed.data.tests);
  if (reading.mistakes.length > 0) throw invalid(reading.mistakes);
  const { vehiclesMax, tests } = parsed.data;
  return { file, vehiclesMax, tests, rules: rules.filter((rule) => rule !== undefined) };
}

class Reading {
  readonly mistakes: string[] = [];

  constructor(private readonly yaml: PlacedYaml) {}

  rule(group: string, fields: RuleFields, path: readonly PropertyKey[]): Rule | undefined {
    const condition = this.condition(fields, path);
    const { streams, labels, annotations, lateness, whenSilent, minInterval: minIntervalMs } = fields;
    const value = this.expression(fields.value, "any", [...path, "value"]);
    if (streams.includes("*") && streams.length > 1) this.wrong([...path, "streams"], `"*" stands alone`);
    const holds = condition?.kind === "threshold" || condition?.kind === "count" || condition?.kind === "average";
    for (const key of ["for", "maxGap", "whenSilent"] as const) {
      if (condition !== undefined && !holds && this.written([...path, key])) {
        this.wrong(
          [...path, key],
          `belongs to expr, count and average: ${condition.kind} is a moment or goes by time itself`,
        );
      }
    }
    if (condition?.kind === "absence") {
      if (lateness > 0) this.wrong([...path, "lateness"], "absence goes by arrival: nothing is late");
      if (value !== undefined) this.wrong([...path, "value"], "silence has no value");
    }
    for (const [key, text] of Object.entries(annotations)) this.template(text, labels, [...path, "annotations", key]);
    if (condition === undefined) return undefined;
    const maxGapMs = fields.maxGap ?? Math.max(fields.for, maxGapMsMin);
    const text = textOf(condition);
    const meaning = [text, streams, fields.for, maxGapMs, whenSilent, minIntervalMs, lateness, fields.value];
    return {
      group,
      name: fields.alert,
      streams,
      condition,
      text,
      forMs: fields.for,
      maxGapMs,
      whenSilent,
      minIntervalMs,
      latenessMs: lateness,
      value,
      labels,
      annotations,
      print: createHash("sha256").update(JSON.stringify(meaning)).digest("hex").slice(0, 8),
    };
  }

  /** Names that must be there, and be there once. */
  names(rules: readonly (Rule | undefined)[], tests: readonly RuleTest[]): void {
    const names = rules.flatMap((rule) => (rule === undefined ? [] : [rule.name]));
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) this.wrong(["groups"], `two rules are called "${twice}"`);
    if (rules.length > fileBounds.rules) this.wrong(["groups"], `${rules.length} rules; at most ${fileBounds.rules}`);
    if (rules.includes(undefined)) return;
    tests.forEach((test, index) => {
      const named = [...(test.rules ?? []), ...test.alerts.map(({ alert }) => alert)];
      const unknown = named.find((name) => !names.includes(name));
      if (unknown !== undefined) this.wrong(["tests", index], `no rule is called "${unknown}"${near(unknown, names)}`);
      test.events.forEach(({ times, every }, at) => {
        if (times > 1 && every === undefined) this.wrong(["tests", index, "events", at], "`times` needs `every`");
      });
    });
  }

  private condition(fields: RuleFields, path: readonly PropertyKey[]): Condition | undefined {
    const keys = conditionKeys.filter((key) => fields[key] !== undefined);
    if (keys.length !== 1) {
      const said = keys.length === 0 ? "no condition" : `${keys.join(" and ")}: one rule has one condition`;
      this.wrong(path, `${said}; write one of ${conditionKeys.join(", ")}`);
      return undefined;
    }
    const { expr, edge, sequence, absence, count, average } = fields;
    if (expr !== undefined) {
      const holds = this.expression(expr, "bool", [...path, "expr"]);
      return holds && { kind: "threshold", holds };
    }
    if (edge !== undefined) {
      const holds = this.expression(edge, "bool", [...path, "edge"]);
      return holds && { kind: "edge", holds };
    }
    if (sequence !== undefined) {
      const first = this.expression(sequence.first, "bool", [...path, "sequence", "first"]);
      const second = this.expression(sequence.second, "bool", [...path, "sequence", "second"]);
      return first && second && { kind: "sequence", first, second, withinMs: sequence.within };
    }
    if (absence !== undefined) {
      const of = this.expression(absence.of, "bool", [...path, "absence", "of"]);
      return { kind: "absence", of, withinMs: absence.within };
    }
    if (count !== undefined) {
      const window = this.window(count, [...path, "count"]);
      const of = this.expression(count.of, "bool", [...path, "count", "of"]);
      return window && { kind: "count", of, window, above: count.above };
    }
    return average && this.average(average, [...path, "average"]);
  }

  private average(fields: NonNullable<RuleFields["average"]>, path: readonly PropertyKey[]): Condition | undefined {
    const window = this.window(fields, path);
    const of = this.expression(fields.of, "number", [...path, "of"]);
    const where = this.expression(fields.where, "bool", [...path, "where"]);
    const { above, below, values } = fields;
    if (above === undefined && below === undefined) this.wrong(path, "no limit: write above, below, or both");
    return of && window && { kind: "average", of, where, window, above, below, values };
  }

  private window(
    { over, session }: { over?: number | undefined; session?: number | undefined },
    path: readonly PropertyKey[],
  ): Window | undefined {
    if (over !== undefined && session === undefined) return { kind: "sliding", ms: over };
    if (session !== undefined && over === undefined) return { kind: "session", gapMs: session };
    this.wrong(path, "one window: `over: 1m` slides, `session: 30s` ends after such a gap");
    return undefined;
  }

  private expression(
    text: string | undefined,
    result: ExpressionResult,
    path: readonly PropertyKey[],
  ): Expression | undefined {
    if (text === undefined) return undefined;
    const compiled = compileExpression(text, result);
    if (compiled.ok) return compiled.expression;
    const { message, at } = compiled.mistake;
    this.mistakes.push(this.yaml.inText(path, message, at));
    return undefined;
  }

  private template(text: string, labels: Readonly<Record<string, string>>, path: readonly PropertyKey[]): void {
    const known = [...placeholderNames, ...Object.keys(labels).map((label) => `labels.${label}`)];
    for (const match of text.matchAll(placeholder)) {
      const [, name = ""] = match;
      if (known.includes(name)) continue;
      this.mistakes.push(this.yaml.inText(path, `no such name: ${name}${near(name, known)}`, match.index));
    }
  }

  private written(path: readonly PropertyKey[]): boolean {
    return this.yaml.document.hasIn(path);
  }

  private wrong(path: readonly PropertyKey[], message: string): void {
    this.mistakes.push(`${this.yaml.at(path)}: ${path.join(".")}: ${message}`);
  }
}

/** One line that says what the rule waits for. */
function textOf(condition: Condition): string {
  switch (condition.kind) {
    case "threshold":
      return condition.holds.text;
    case "edge":
      return `becomes true: ${condition.holds.text}`;
    case "sequence":
      return `${condition.first.text}, then within ${formatDuration(condition.withinMs)} ${condition.second.text}`;
    case "absence": {
      const of = condition.of === undefined ? "" : ` with ${condition.of.text}`;
      return `no event${of} for ${formatDuration(condition.withinMs)}`;
    }
    case "count":
      return `count(${condition.of?.text ?? "events"}) ${windowText(condition.window)} > ${condition.above}`;
    case "average": {
      const { of, where, window, above, below, values } = condition;
      const limits = [above === undefined ? "" : `> ${above}`, below === undefined ? "" : `< ${below}`].filter(Boolean);
      const filter = where === undefined ? "" : ` where ${where.text}`;
      return `average(${of.text}${filter}) ${windowText(window)} ${limits.join(" or ")} of ${values} or more values`;
    }
  }
}

function windowText(window: Window): string {
  return window.kind === "sliding"
    ? `over ${formatDuration(window.ms)}`
    : `in a session with gaps up to ${formatDuration(window.gapMs)}`;
}

function contentOf({ document }: PlacedYaml, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (thrown) {
    throw invalid([`${file}:1:1: ${messageOf(thrown)}`]); // an alias without its anchor, or too many of them
  }
}

function explain(issue: z.core.$ZodIssue, yaml: PlacedYaml): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return `${yaml.at(path)}: ${path.join(".")}: no such key${near(key, Object.keys(RuleFields.shape))}`;
    });
  }
  const key = issue.path.join(".");
  return [`${yaml.at(issue.path)}: ${key === "" ? "" : `${key}: `}${issue.message}`];
}

function near(name: string, known: readonly string[]): string {
  const hint = suggest(name, known);
  return hint === undefined ? "" : `; ${hint}`;
}

function invalid(mistakes: readonly string[]): AppError {
  return new AppError("CONFIG_INVALID", `check the rules:\n${mistakes.map((each) => `  ${each}`).join("\n")}`);
}
