/**
 * One thing happened, and somebody may be waiting for it. `open()` lets everybody through who waits now; whoever comes
 * later waits for the next opening. Waiting ends without an error when the signal aborts.
 */
export class Gate {
  private waiting = new Set<() => void>();

  open(): void {
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const go of waiting) go();
  }

  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        this.waiting.delete(go);
        signal.removeEventListener("abort", go);
        resolve();
      };
      this.waiting.add(go);
      signal.addEventListener("abort", go, { once: true });
    });
  }
}
