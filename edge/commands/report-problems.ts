import { formatProblem, type Problem } from "../config/problem.ts";

/** All mistakes of a config, for a terminal: one a line, then what it means. */
export function reportProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
  return `${problems.map(formatProblem).join("\n")}\n${count} in the config; nothing was started or changed.\n`;
}

/** Warnings, likewise. */
export function reportWarnings(warnings: readonly Problem[]): string {
  return warnings.map((warning) => `${formatProblem(warning)} [warning]\n`).join("");
}
