import { sleep } from "../../../shared/async/sleep.ts";
import type { LogFile } from "./log-file.ts";

/** Writes lines at a rate until it is stopped: the load under which things are killed. */
export class SteadyWriter implements AsyncDisposable {
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;

  constructor(
    private readonly file: LogFile,
    private readonly linesPerSecond: number,
  ) {
    this.done = this.run(this.stopping.signal);
  }

  /** Stops; answers how many lines the file has had by then. */
  async stop(): Promise<number> {
    this.stopping.abort();
    await this.done;
    return this.file.written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async run(signal: AbortSignal): Promise<void> {
    const startMs = performance.now();
    const before = this.file.written;
    while (!signal.aborted) {
      const due = before + Math.floor(((performance.now() - startMs) / 1000) * this.linesPerSecond);
      if (due > this.file.written) this.file.write(due - this.file.written);
      await sleep(5, signal);
    }
  }
}
