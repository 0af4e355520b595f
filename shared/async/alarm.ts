/**
 * Waits for a time or a ring, whichever comes first. A ring while nobody waits is kept for the next wait. For loops that
 * wait often: whoever ends the loop rings, too.
 */
export class Alarm {
  private rung = false;
  private wake: (() => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Ends the wait, or the next one. */
  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** One waiter at a time; `Infinity` waits for a ring alone. Leaves no timer behind. */
  wait(ms: number): Promise<void> {
    if (this.rung) {
      this.rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.wake = () => {
        clearTimeout(this.timer);
        this.wake = undefined;
        this.rung = false;
        resolve();
      };
      this.timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(this.wake, ms);
    });
  }
}
