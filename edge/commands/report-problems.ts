import type { AppError } from "../../shared/errors/app-error.ts";
import type { Loaded } from "../config/load-config.ts";
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

/** What is good to know, likewise. */
export function reportNotes(notes: readonly Problem[]): string {
  return notes.map((note) => `${formatProblem(note)} [note]\n`).join("");
}

/** What is refused unless it is forced, likewise. */
export function reportUntrusted(problems: readonly Problem[]): string {
  return `${problems.map(formatProblem).join("\n")}\nrefused: others decide what this config does; nothing was started or changed (--force takes it)\n`;
}

/** Says all that stands against a config; the config where it may be used. */
export function accepted(
  loaded: Loaded,
  forced: boolean,
  say: (text: string) => void,
): Extract<Loaded, { readonly ok: true }> | undefined {
  if (!loaded.ok) {
    say(reportProblems(loaded.problems));
    return undefined;
  }
  say(reportWarnings(loaded.warnings));
  if (loaded.untrusted.length === 0 || forced) return loaded;
  say(reportUntrusted(loaded.untrusted));
  return undefined;
}

/** Why something was not begun, and what to do. */
export function reportRefusal({ message, code, hint }: AppError): string {
  return `${message}${code === "USAGE" ? "" : ` [${code}]`}\n  ${hint}\n`;
}
