import { AppError } from "./app-error.ts";

/**
 * States what must hold for the code below to be right. A broken assumption stops the process near its cause;
 * it is never used for what the world may do (a bad line, a full disk, an absent broker).
 *
 * @throws AppError `INVARIANT` when the condition does not hold.
 */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AppError("INVARIANT", message);
}
