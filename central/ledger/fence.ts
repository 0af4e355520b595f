import { AppError } from "../../shared/errors/app-error.ts";
import type { TopicPartition } from "../consumer/consumer.ts";
import type { Position } from "../store/store.ts";

/**
 * A position moves only for the writer that knows it.
 *
 * @throws AppError `CENTRAL_STORE_FENCED` when what the writer has seen is not what is stored.
 */
export function checkFence(at: TopicPartition, seen: Position | undefined, stored: Position | undefined): void {
  if (seen?.next !== stored?.next || seen?.generation !== stored?.generation) throw fenced(at);
}

/** What a writer is told that meets the fence. */
export function fenced({ topic, partition }: TopicPartition): AppError {
  return new AppError("CENTRAL_STORE_FENCED", `store records of ${topic}-${partition}: the position has been moved`);
}
