import { AppError } from "../../../shared/errors/app-error.ts";
import type { Delivery, LaneDelivery } from "../../core/sink.ts";
import type { ArrayReader } from "./array-reader.ts";

/** Delivers the lane's next batch and ends it by the answer, as the runner does; undefined when there is none. */
export async function deliverNext(
  delivery: LaneDelivery,
  reader: ArrayReader,
  signal = new AbortController().signal,
): Promise<Delivery | undefined> {
  const batch = reader.next();
  if (batch === undefined) return undefined;
  const result = await delivery.deliver(batch, signal);
  reader.end(batch, result);
  return result;
}

/** The same as one word, or the error with which the batch was rejected. */
export async function tryNext(
  delivery: LaneDelivery,
  reader: ArrayReader,
): Promise<Delivery["kind"] | "idle" | AppError> {
  try {
    return (await deliverNext(delivery, reader))?.kind ?? "idle";
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
}
