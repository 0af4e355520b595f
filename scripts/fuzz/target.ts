import { AppError } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";

/** A parser that meets the world, and how to make what it gets. */
export interface FuzzTarget {
  readonly name: string;
  /** Makes one input and gives it to the parser. Throws when the parser did what it must not. */
  try(random: Random): void | Promise<void>;
  /** Gives back what it holds. */
  end?(): Promise<void>;
}

/**
 * Runs a parser that may refuse its input in the words that its callers are ready for: an `AppError` that is no bug of
 * ours, or one of these kinds of error.
 */
export function mayRefuse<T>(work: () => T, others: readonly (typeof RangeError)[] = []): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.severity !== "invariant") return undefined;
    if (others.some((kind) => thrown instanceof kind)) return undefined;
    throw thrown;
  }
}
