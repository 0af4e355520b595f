/** What is said on standard output has reached whoever reads it, or the command failed: a full disk must not look like success. */
import { AppError } from "../errors/app-error.ts";

/** Calls `end` when standard output takes no more. Not for services: they do not live for their readers. */
export function watchOutput(end: (error: Error) => never): void {
  process.stdout.on("error", (error) => end(outputError(error)));
}

/** Resolves when all that was written until now was taken. */
export async function outputTaken(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  // The stream says what went wrong after it has answered.
  await new Promise(setImmediate);
}

/** A pipe whose reader has seen enough stays what it is. */
export function outputError(error: unknown): Error {
  if (error instanceof Error && "code" in error && error.code === "EPIPE") return error;
  return new AppError("OUTPUT_FAILED", "cannot write to standard output", { cause: error });
}
