import type { Rule, SourceFile } from "./project.ts";
import { isTest, lineAt } from "./project.ts";

const parametersMax = 4;
/** Where a batch passes on its way from a file to the store. */
const deliveryPath =
  /^(edge\/(core|engine|channels|sinks)|shared\/(kafka|compression|signature)|central\/(ledger|ingest|store))\//;

/**
 * No function of the delivery path takes more than four parameters: a fifth is given an options object, whose names are
 * read where it is called.
 */
export const fewParameters: Rule = (files) =>
  files
    .filter(({ path }) => path.endsWith(".ts") && deliveryPath.test(path) && !isTest(path))
    .flatMap(functionsOf)
    .filter(({ count }) => count > parametersMax)
    .map(({ path, line, name, count }) => ({
      path,
      line,
      message: `${name} takes ${count} parameters; give it an options object`,
    }));

interface FoundFunction {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly count: number;
}

/** Whatever has a parameter list: functions, methods, constructors, arrows, and signatures in interfaces. */
function functionsOf({ path, text, code }: SourceFile): FoundFunction[] {
  const found: FoundFunction[] = [];
  let className = "";
  for (const match of code.matchAll(/\bclass\s+(\w+)|\(/g)) {
    if (match[1] !== undefined) className = match[1];
    if (match[0] !== "(") continue;
    const open = match.index;
    const close = closing(code, open);
    if (close === undefined) continue;
    const name = nameOf(code.slice(Math.max(0, open - 200), open), code.slice(close + 1, close + 200));
    if (name === undefined) continue;
    const count = countParameters(code.slice(open + 1, close));
    const full = name === "constructor" ? `${className} constructor` : name;
    found.push({ path, line: lineAt(text, open), name: full, count });
  }
  return found;
}

function nameOf(before: string, after: string): string | undefined {
  const line = before.slice(before.lastIndexOf("\n") + 1).replace(/<[^()]*>$/, "");
  const declared = /\bfunction\s*\*?\s*(\w*)$/.exec(line);
  if (declared !== null) return declared[1] || "function";
  if (/^\s*(?::[^;{}=]*)?=>/.test(after)) return /(\w+)\s*(?::[^=]*)?=\s*(?:async\s*)?$/.exec(line)?.[1] ?? "arrow";
  const word = /^\s+(?:(?:private|protected|public|static|override|async|get|set)\s+|\*)*(\w+)$/.exec(line)?.[1];
  if (word === undefined || /^(if|for|while|switch|catch|return|await|function)$/.test(word)) return undefined;
  return /^\s*[:{]/.test(after) ? word : undefined;
}

/** Offset of the parenthesis that closes the one at `open`. */
function closing(code: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const character = code[at];
    if (character === "(") depth++;
    else if (character === ")" && --depth === 0) return at;
  }
  return undefined;
}

function countParameters(list: string): number {
  let depth = 0;
  let count = 0;
  let some = false;
  for (const [at, character] of [...list].entries()) {
    if ("([{<".includes(character)) depth++;
    else if (")]}".includes(character) || (character === ">" && list[at - 1] !== "=")) depth--;
    if (character === "," && depth === 0) {
      count++;
      some = false;
    } else if (character.trim() !== "") some = true;
  }
  return count + (some ? 1 : 0);
}
