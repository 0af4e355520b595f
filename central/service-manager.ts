import { type Notify, serviceManager, watchdogEveryMs } from "../shared/system/sd-notify.ts";
import { defineSignal, type Report } from "../shared/telemetry/log.ts";

const managerUnreachable = defineSignal({
  name: "service_manager_unreachable",
  level: "warn",
  message: "The service manager cannot be told that central serves",
});

type Environment = Readonly<Record<string, string | undefined>>;

/** The writing half says something twice a second; a transaction, a fold or a slow disk holds it for seconds, not for minutes. */
const silentMsMax = 300_000;

/** Central's word to systemd: that it serves, that it stops, and while both its halves live that it need not be started anew. */
export class ServiceManager {
  private readonly tell: Notify | undefined;
  private readonly watchdog: ReturnType<typeof setInterval> | undefined;

  /** `silentMs`: how long the writing half has said nothing. */
  constructor(environment: Environment, silentMs: () => number, report: Report) {
    this.tell = serviceManager(environment, (error) => report(managerUnreachable, { error }));
    this.tell?.("READY=1");
    const everyMs = watchdogEveryMs(environment);
    if (everyMs === undefined) return;
    this.watchdog = setInterval(() => {
      if (silentMs() < silentMsMax) this.tell?.("WATCHDOG=1");
    }, everyMs);
  }

  stopping(): void {
    this.tell?.("STOPPING=1");
  }

  stop(): void {
    clearInterval(this.watchdog);
  }
}
