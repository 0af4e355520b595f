/** Resolves when the signal aborts. Leaves its listener until then: for a signal that aborts when the wait is over. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
