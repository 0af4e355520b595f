import { AppError } from "../../shared/errors/app-error.ts";

/** Lets so many at a time do something, in the order they came. */
export class Turns {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly max: number) {}

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** @throws AppError `EDGE_DESTINATION_AWAY` when the signal aborts before its turn came. */
  async run<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.taken < this.max) this.taken++;
    else await this.wait(what, signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // A turn is handed over, not given back: nobody who comes meanwhile goes first.
      if (next === undefined) this.taken--;
      else next();
    }
  }

  private wait(what: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener("abort", give);
        resolve();
      };
      const give = () => {
        this.waiting.splice(this.waiting.indexOf(go), 1);
        reject(new AppError("EDGE_DESTINATION_AWAY", `${what}: stopped while it waited for its turn`));
      };
      if (signal.aborted) {
        reject(new AppError("EDGE_DESTINATION_AWAY", `${what}: stopped before its turn`));
        return;
      }
      this.waiting.push(go);
      signal.addEventListener("abort", give, { once: true });
    });
  }
}
