/**
 * Where a fetch waits that brings much of nothing: records that are refused, repeated or in conflict. It is taken a few
 * milliseconds at a time, and between two of its turns the other partitions have theirs. Its own partition is not fetched
 * meanwhile.
 *
 *     fetch ─▶ unloading ─▶ handler ─"again"─▶ siding ─▶ handler ─ … ─"done"─▶ its partition is fetched again
 *
 * There is one loop for all that wait, so that two floods do not take two turns in a row.
 */
import { sleep } from "../../../shared/async/sleep.ts";
import type { Unloading, UnloadingStep } from "./unloading.ts";

/** A fetch that waits. */
export interface Waiting {
  readonly unloading: Unloading;
  /** Aborts when the partition is not ours any more. */
  readonly assignment: AbortSignal;
  /** Told of each turn, `undefined` at the end of the fetch. False: it is over, and its partition can be fetched again. */
  after(step: UnloadingStep | undefined): boolean;
  failed(thrown: unknown): void;
}

/** With so many waiting, the next one is fetched again instead: what a fetch holds is at most some 64 MiB each. */
const waitingMax = 4;

interface Turn extends Waiting {
  readyMs: number;
}

export class Siding {
  private turns: Turn[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly stopping: AbortSignal) {}

  get isFull(): boolean {
    return this.turns.length >= waitingMax;
  }

  get isEmpty(): boolean {
    return this.turns.length === 0;
  }

  take(waiting: Waiting, restMs: number): void {
    this.turns.push({ ...waiting, readyMs: performance.now() + restMs });
    this.running ??= this.run();
  }

  /** After the turn in hand. */
  async stop(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    for (;;) {
      // Whatever has come meanwhile is served first.
      await new Promise((resolve) => setImmediate(resolve));
      this.turns = this.turns.filter(({ assignment }) => !assignment.aborted);
      const turn = this.turns.reduce<Turn | undefined>(
        (first, one) => (first === undefined || one.readyMs < first.readyMs ? one : first),
        undefined,
      );
      if (turn === undefined || this.stopping.aborted) break;
      const waitMs = turn.readyMs - performance.now();
      // Short, since another one may come that is ready before.
      if (waitMs > 0) await sleep(Math.min(waitMs, 20), this.stopping);
      else if (!(await this.serve(turn))) this.turns = this.turns.filter((one) => one !== turn);
    }
    this.running = undefined;
  }

  /** False: it is over. */
  private async serve(turn: Turn): Promise<boolean> {
    try {
      const step = await turn.unloading.step();
      if (turn.assignment.aborted) return false;
      turn.readyMs = performance.now() + (step?.outcome.restMs ?? 0);
      return turn.after(step);
    } catch (thrown) {
      if (!turn.assignment.aborted) turn.failed(thrown);
      return false;
    }
  }
}
