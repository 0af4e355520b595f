/** Resolves when what waits for the event loop (sockets, timers, other requests) was served once. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
