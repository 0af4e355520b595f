/**
 * Gives work a deadline of its own: resolves or rejects with the work, or rejects with `onTimeout()` when the time is
 * over. The work itself is not stopped: whoever gives the deadline also ends the thing that hangs (a socket, a client).
 */
export function withDeadline<T>(work: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(onTimeout()), ms);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
