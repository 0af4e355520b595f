import { AppError } from "../../shared/errors/app-error.ts";

/** What of a position says that it is still the same one. */
export interface FencedPosition {
  readonly next: number;
  readonly generation: number;
}

/** Whose position it is, for the message. */
export interface FencedPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A position moves only for the writer that knows it.
 *
 * @throws AppError `CENTRAL_STORE_FENCED` when what the writer has seen is not what is stored.
 */
export function checkFence(
  at: FencedPartition,
  seen: FencedPosition | undefined,
  stored: FencedPosition | undefined,
): void {
  if (seen?.next !== stored?.next || seen?.generation !== stored?.generation) throw fenced(at);
}

/** What a writer is told that meets the fence. */
export function fenced({ topic, partition }: FencedPartition): AppError {
  return new AppError("CENTRAL_STORE_FENCED", `store records of ${topic}-${partition}: the position has been moved`);
}
