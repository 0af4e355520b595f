/** How the command line of central ends when something went wrong: what is said, and the exit code. */
import { AppError, messageOf } from "../shared/errors/app-error.ts";

/** Says it on standard error; answers the exit code. */
export function told(thrown: unknown): number {
  const hint = thrown instanceof AppError ? `\n${thrown.hint}` : "";
  process.stderr.write(`${messageOf(thrown)}${hint}\n`);
  return exitCode(thrown);
}

/** The exit code when standard output takes no more. Whoever read it may have seen enough (`| head`). */
export function outputEnded(error: Error): number {
  return error instanceof AppError ? told(error) : 0;
}

/** 2: wrong use or config; 70: our own broken assumption; 1: failed while running. */
export function exitCode(thrown: unknown): number {
  if (!(thrown instanceof AppError)) return 70;
  if (thrown.severity === "usage") return 2;
  return thrown.severity === "invariant" ? 70 : 1;
}
