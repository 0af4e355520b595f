/**
 * What one evaluation may cost, decided before anything runs. An event that rules look at has at most `payloadBytesMax`;
 * an expression has at most 300 parts. What could multiply the two with each other is refused:
 *
 *   - a comprehension (`exists`, `map`, `filter`, …) inside another one
 *   - inside a comprehension, whatever reads a text or a list from end to end (`contains`, `matches`, `in` a list of the event)
 *   - a regular expression that is not written in the rule, or that is not proven to need linear time
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { provesLinear } from "../../../shared/config/pattern/prove-linear.ts";

/** What is wrong with an expression, and where in its text. */
export interface ExpressionMistake {
  readonly message: string;
  readonly at: number | undefined;
}

/** Payloads beyond this are not looked at by rules, and are counted. A vehicle's lines have some hundred bytes. */
export const payloadBytesMax = 16 * 1024;

/** What an expression names, and why it is refused. */
export interface Cost {
  readonly names: ReadonlySet<string>;
  readonly refused: ExpressionMistake | undefined;
}

const comprehensions = new Set(["all", "exists", "exists_one", "map", "filter"]);
/** Cheap whatever they are given, so that a comprehension may call them. */
const cheap = new Set(["has", "size", "double", "int", "uint", "bool", "type", "dyn", "timestamp", "duration"]);

/** Looks through all of it. */
export function costOf(ast: ASTNode): Cost {
  const names = new Set<string>();
  let refused: ExpressionMistake | undefined;
  const refuse = (node: ASTNode, message: string) => {
    refused ??= { message, at: node.range.start };
  };
  const visit = (node: ASTNode, inside: boolean): void => {
    switch (node.op) {
      case "id":
        names.add(node.args);
        return;
      case "value":
        return;
      case "call": {
        const [name, args] = node.args;
        call(node, name, args, inside);
        return;
      }
      case "rcall": {
        const [name, receiver, args] = node.args;
        visit(receiver, inside);
        call(node, name, args, inside);
        return;
      }
      case "in":
        if (inside && node.args[1].op !== "list") refuse(node, "`in` inside a comprehension takes a written list");
        break;
      default:
        break;
    }
    for (const child of childrenOf(node.args)) visit(child, inside);
  };
  const call = (node: ASTNode, name: string, args: readonly ASTNode[], inside: boolean): void => {
    const comprehends = comprehensions.has(name) && args.length > 1;
    if (comprehends && inside) refuse(node, `${name} inside a comprehension costs their product; write two rules`);
    if (inside && !comprehends && !cheap.has(name)) {
      refuse(node, `${name} inside a comprehension reads its text once for each element`);
    }
    if (name === "bind") refuse(node, "bind is not allowed: write the expression out");
    if (name === "matches") checkPattern(node, args.at(-1), refuse);
    for (const arg of args) visit(arg, inside || comprehends);
  };
  visit(ast, false);
  return { names, refused };
}

function checkPattern(node: ASTNode, pattern: ASTNode | undefined, refuse: (node: ASTNode, why: string) => void): void {
  if (pattern?.op !== "value" || typeof pattern.args !== "string") {
    refuse(node, "matches takes a pattern that is written in the rule");
    return;
  }
  if (!provesLinear(pattern.args, false)) {
    refuse(pattern, `the pattern '${pattern.args}' is not proven to need linear time; anchor it, or write it simpler`);
  }
}

function* childrenOf(args: unknown): Generator<ASTNode> {
  if (isNode(args)) yield args;
  else if (Array.isArray(args)) for (const each of args) yield* childrenOf(each);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}
