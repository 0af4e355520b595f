import { Gate } from "../../../shared/async/gate.ts";

/** What waits for a client is bounded: a client that falls behind by more is let go, and told so. */
const waitingBytesMax = 1024 * 1024;

/** Which events a client wants, and how many of them. */
export interface FeedFilter {
  readonly vehicle: string | undefined;
  readonly stream: string | undefined;
  /** More in a second are counted, and not sent. */
  readonly perSecondMax: number;
}

/** One open stream: what waits to be sent, and how it ends. */
export class Subscriber {
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private readonly gate = new Gate();
  private readonly gone = new AbortController();
  private closing = false;
  private allowance: number;
  private allowanceAtMs = Number.NEGATIVE_INFINITY;

  constructor(readonly filter: FeedFilter) {
    this.allowance = filter.perSecondMax;
  }

  wants(vehicle: string, stream: string): boolean {
    const { filter } = this;
    if (filter.vehicle !== undefined && filter.vehicle !== vehicle) return false;
    return filter.stream === undefined || filter.stream === stream;
  }

  /** How many of so many events may go out now. */
  allow(wanted: number, nowMs: number): number {
    const { perSecondMax } = this.filter;
    const refill = ((nowMs - this.allowanceAtMs) * perSecondMax) / 1_000;
    this.allowance = Math.min(perSecondMax, this.allowance + refill);
    this.allowanceAtMs = nowMs;
    const allowed = Math.min(wanted, Math.floor(this.allowance));
    this.allowance -= allowed;
    return allowed;
  }

  /** Returns false when the client is too slow: it is sent the last word in place of all that waits, and then the end. */
  push(part: Uint8Array, lastWord: () => Uint8Array): boolean {
    if (this.closing) return true;
    this.waiting.push(part);
    this.waitingBytes += part.length;
    const fits = this.waitingBytes <= waitingBytesMax;
    if (!fits) this.close(lastWord());
    this.gate.open();
    return fits;
  }

  /** All that waits, each time that the client has taken what came before. */
  async *parts(): AsyncGenerator<Uint8Array> {
    const { signal } = this.gone;
    while (!signal.aborted) {
      if (this.waiting.length === 0) {
        if (this.closing) return;
        await this.gate.wait(signal);
        continue;
      }
      const part = Buffer.concat(this.waiting);
      this.waiting = [];
      this.waitingBytes = 0;
      yield part;
    }
  }

  /** The client is gone. */
  leave(): void {
    this.gone.abort();
  }

  private close(lastWord: Uint8Array): void {
    this.closing = true;
    this.waiting = [lastWord];
  }
}
