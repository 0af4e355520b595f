import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { ChannelStore } from "../core/channel-store.ts";

const signals = {
  gone: defineSignal({
    name: "channel_file_gone",
    level: "error",
    message:
      "The channel file is not where a restart looks for it: everything that was or is written into it is lost then. Put it back while the agent runs, or stop the agent only when nothing is held",
  }),
  back: defineSignal({ name: "channel_file_back", level: "info", message: "The channel file is in its place again" }),
};

const lookEveryMs = 2_000;

/** Says once when the agent's file is taken from its place, and once when it is back. */
export class FileWatch {
  private saidGone = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly store: () => Pick<ChannelStore, "misplaced"> | undefined,
    private readonly report: Report,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.look(), lookEveryMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** One look. */
  look(): void {
    const why = this.store()?.misplaced();
    if (why !== undefined && !this.saidGone) this.report(signals.gone, { why });
    if (why === undefined && this.saidGone) this.report(signals.back);
    this.saidGone = why !== undefined;
  }
}
