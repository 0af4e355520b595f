/** Waits for a time or a ring, whichever comes first. A ring while nobody waits is kept for the next wait. */
export class Alarm {
  private rung = false;
  private wake: (() => void) | undefined;

  /** Ends the wait, or the next one. */
  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** One waiter at a time. Leaves no timer and no listener behind. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.rung || signal.aborted) {
      this.rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.wake = undefined;
        this.rung = false;
        resolve();
      };
      const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      this.wake = done;
    });
  }
}
