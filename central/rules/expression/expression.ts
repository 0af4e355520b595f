/**
 * A condition's text → something to evaluate. The language is CEL; why, and by which package: shared/decisions.
 *
 * JSON's numbers are doubles. CEL does not mix doubles and whole numbers in arithmetic (`event.speed * 2`), and people do:
 * so the mixed operators are declared here. Nothing else is added to the language.
 */
import { Environment, EvaluationError, ParseError, TypeError as TypeMistake } from "@marcbachmann/cel-js";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { closureOf, unsure } from "./closure.ts";
import { costOf, type ExpressionMistake } from "./cost.ts";
import type { ExpressionView } from "./view.ts";

/** An expression, ready to evaluate. */
export interface Expression {
  readonly text: string;
  /** It names `event`: without a payload that is JSON there is nothing to evaluate. */
  readonly usesEvent: boolean;
  /** It names `storedAt`. */
  readonly usesStoredAt: boolean;
  /** @throws Error what does not fit the event, in words: a field that is not there, a text where a number is needed. */
  evaluate(view: ExpressionView): unknown;
}

/** What must come out. */
export type ExpressionResult = "bool" | "number" | "any";

const environment = new Environment({
  limits: { maxAstNodes: 300, maxDepth: 40, maxListElements: 100, maxMapEntries: 100, maxCallArguments: 8 },
})
  .registerVariable("vehicle", "string")
  .registerVariable("stream", "string")
  .registerVariable("time", "google.protobuf.Timestamp")
  .registerVariable("storedAt", "google.protobuf.Timestamp")
  .registerVariable("event", "dyn");
const arithmetic: Readonly<Record<string, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};
for (const [sign, work] of Object.entries(arithmetic)) {
  const mixed = (left: number | bigint, right: number | bigint) => work(Number(left), Number(right));
  environment.registerOperator(`double ${sign} int`, mixed);
  environment.registerOperator(`int ${sign} double`, mixed);
}
environment.registerOperator("double % double", (left: number, right: number) => left % right);

/** Compiles and checks, or says what is wrong. */
export function compileExpression(
  text: string,
  result: ExpressionResult,
):
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly mistake: ExpressionMistake } {
  try {
    const program = environment.parse(text);
    const { valid, type = "dyn", error } = program.check();
    if (!valid) return { ok: false, mistake: mistakeOf(error) };
    const wanted = result === "bool" ? ["bool"] : ["double", "int", "uint"];
    if (result !== "any" && type !== "dyn" && !wanted.includes(type)) {
      return { ok: false, mistake: { message: `gives ${type}, and ${result} is needed`, at: 0 } };
    }
    const cost = costOf(program.ast);
    if (cost.refused !== undefined) return { ok: false, mistake: cost.refused };
    const expression: Expression = {
      text,
      usesEvent: cost.names.has("event"),
      usesStoredAt: cost.names.has("storedAt"),
      evaluate: quickly(program, closureOf(program.ast)),
    };
    return { ok: true, expression };
  } catch (thrown) {
    return { ok: false, mistake: mistakeOf(thrown) };
  }
}

/** By the function that is certain or gives up; then by the package. */
function quickly(program: Expression["evaluate"], closure: ReturnType<typeof closureOf>): Expression["evaluate"] {
  if (closure === undefined) return program;
  return (view) => {
    const result = closure(view);
    return result === unsure ? program(view) : result;
  };
}

/** What an evaluation threw, in one line. */
export function evaluationMistake(thrown: unknown): string {
  if (thrown instanceof EvaluationError) return thrown.summary;
  return messageOf(thrown).split("\n")[0] ?? "";
}

function mistakeOf(thrown: unknown): ExpressionMistake {
  if (thrown instanceof ParseError || thrown instanceof TypeMistake || thrown instanceof EvaluationError) {
    return { message: thrown.summary, at: thrown.range?.start };
  }
  return { message: messageOf(thrown), at: undefined };
}
