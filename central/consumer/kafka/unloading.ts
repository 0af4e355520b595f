import type { Arrival, ArrivalContext, ConsumerHandler, Outcome } from "../consumer.ts";

/** What was handed over, and what became of it. */
export interface UnloadingStep {
  readonly arrival: Arrival;
  readonly outcome: Outcome;
}

/** One fetch of a partition on its way to the handler: an arrival after the other, each decoded when it is its turn. */
export class Unloading {
  private arrival: Arrival | undefined;
  private isAside = false;

  constructor(
    private readonly arrivals: Iterator<Arrival, void>,
    private readonly handler: ConsumerHandler,
    private readonly context: Omit<ArrivalContext, "decodeMs">,
  ) {}

  /** From now on beside the others: what the group says is heard by whoever fetches. */
  goAside(): void {
    this.isAside = true;
  }

  /** Hands over the arrival in hand, or the next one. Undefined: there is none. */
  async step(): Promise<UnloadingStep | undefined> {
    let decodeMs = 0;
    if (this.arrival === undefined) {
      const beganMs = performance.now();
      const next = this.arrivals.next();
      if (next.done === true) return undefined;
      decodeMs = performance.now() - beganMs;
      this.arrival = next.value;
    }
    const { arrival } = this;
    const outcome = await this.handler.deliver(arrival, {
      ...this.context,
      heartbeat: () => this.heartbeat(),
      decodeMs,
    });
    if (outcome.kind !== "again") this.arrival = undefined;
    return { outcome, arrival };
  }

  private async heartbeat(): Promise<void> {
    try {
      await this.context.heartbeat();
    } catch (thrown) {
      if (!this.isAside) throw thrown;
    }
  }
}
