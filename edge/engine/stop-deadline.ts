import { defineSignal, type Report } from "../../shared/telemetry/log.ts";

const signals = {
  late: defineSignal({
    name: "component_not_stopped",
    level: "error",
    message: "This did not stop in its time; it is left behind and the stop goes on",
  }),
};

/** Waits of a stop: each of them ends at its deadline, whatever a component does, and what was late is said by name. */
export class StopDeadline {
  constructor(
    /** By `performance.now()`. */
    readonly untilMs: number,
    private readonly report: Report,
  ) {}

  /** What is left of it. */
  get leftMs(): number {
    return Math.max(0, this.untilMs - performance.now());
  }

  /** True when the work ended in time. @throws what the work rejects with, in time. */
  async wait(component: string, work: Promise<unknown>): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), this.leftMs);
    });
    // Whoever is late has nobody left to tell that it failed.
    work.catch(() => undefined);
    try {
      const inTime = await Promise.race([work.then(() => true as const), late]);
      if (!inTime) this.report(signals.late, { component });
      return inTime;
    } finally {
      clearTimeout(timer);
    }
  }
}
