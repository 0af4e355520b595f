import { sleep } from "../../shared/async/sleep.ts";
import type { Intake, Source } from "../core/source.ts";

/** What is made, and how fast. */
export interface GeneratorOptions {
  readonly totalEvents: number | undefined;
  readonly eventsPerSecondMax: number | undefined;
  /** It goes on after a restart at the number where it was. */
  readonly isStored: boolean;
  readonly body: (number: number) => Buffer;
}

const positionKey = "next";
const atOnceMax = 1_000;
const turnMs = 50;

/** Makes events from nothing, for tests. */
export class GeneratorSource implements Source {
  private next = 0;

  constructor(private readonly options: GeneratorOptions) {}

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const { totalEvents = Number.POSITIVE_INFINITY, isStored, body } = this.options;
    const place = { key: positionKey, position: () => String(this.next) };
    if (isStored) this.next = Number(intake.positions().get(positionKey) ?? 0);
    const pace = new Pace(this.options.eventsPerSecondMax);
    while (!signal.aborted && this.next < totalEvents) {
      await intake.ready(signal);
      if (signal.aborted || !intake.takesNow()) continue;
      const end = Math.min(this.next + Math.min(pace.due(), atOnceMax), totalEvents);
      for (; this.next < end; this.next++) {
        const bytes = body(this.next);
        intake.append(bytes, 0, bytes.length);
      }
      if (isStored) intake.moved(place);
      await pace.rest(signal);
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }

  async stop(): Promise<void> {}

  status(): Readonly<Record<string, unknown>> {
    return { next: this.next };
  }
}

/** So many in a second, measured from the start; what a full channel held up is not made up for. */
class Pace {
  private lastMs = performance.now();
  private owed = 1;

  constructor(private readonly perSecond: number | undefined) {}

  due(): number {
    if (this.perSecond === undefined) return atOnceMax;
    const nowMs = performance.now();
    const most = Math.max(1, (this.perSecond * 2 * turnMs) / 1_000);
    this.owed = Math.min(most, this.owed + ((nowMs - this.lastMs) * this.perSecond) / 1_000);
    this.lastMs = nowMs;
    const whole = Math.floor(this.owed);
    this.owed -= whole;
    return whole;
  }

  async rest(signal: AbortSignal): Promise<void> {
    if (this.perSecond !== undefined && this.owed < 1) await sleep(turnMs, signal);
  }
}
