import { AppError } from "../../../shared/errors/app-error.ts";

/**
 * Waits for an answer, but not past an abort: the work goes on by itself and ends at its own deadline, and whoever
 * waited goes no further.
 *
 * @throws AppError `KAFKA_UNREACHABLE` when the signal aborts; what the work throws.
 */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const aborted = () => reject(new AppError("KAFKA_UNREACHABLE", "wait for Kafka: stopped meanwhile"));
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
