/**
 * `tailgate run`: loads the config, runs the agent, and tells the service manager. SIGTERM and SIGINT stop it (a second
 * one leaves at once), SIGHUP reloads the config; one that is wrong leaves the running one in force.
 */

import { createHash } from "node:crypto";
import { systemClock } from "../../shared/clock/clock.ts";
import { type ListenAddress, showAddress } from "../../shared/config/listen-address.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { systemRandom } from "../../shared/random/random.ts";
import { type Notify, serviceManager, watchdogEveryMs } from "../../shared/system/sd-notify.ts";
import { createLog, defineSignal, type Report } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { visible } from "../../shared/telemetry/visible.ts";
import { type AdminPages, type AdminServer, startAdmin } from "../admin/admin-server.ts";
import { codes } from "../channels/sqlite/codes.ts";
import { isInUse, openChannelStore } from "../channels/sqlite/open.ts";
import type { AgentConfig, HeartbeatConfig } from "../config/agent-config.ts";
import type { Loaded } from "../config/load-config.ts";
import { formatProblem, type Problem } from "../config/problem.ts";
import { takeEarlyHangup } from "../early-hangup.ts";
import { restartFailure } from "../early-restart.ts";
import { Agent } from "../engine/agent.ts";
import { AgentHost } from "../engine/agent-host.ts";
import { Heart } from "../heartbeat/heart.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";
import { type Command, type CommandContext, forceOption } from "./command.ts";
import { endAfter } from "./last-resort.ts";
import { declareLogMetrics, LogWriter } from "./log-writer.ts";
import { reportProblems, reportUntrusted, reportWarnings } from "./report-problems.ts";
import { slimAfterStart } from "./slim.ts";
import { versionText } from "./version.ts";
import { type Read, type WhichConfig, whichConfig, whichConfigOptions } from "./which-config.ts";

const signals = {
  starting: defineSignal({ name: "tailgate_starting", level: "info", message: "Tailgate starts" }),
  largeHeap: defineSignal({
    name: "large_heap",
    level: "warn",
    message:
      "The runtime's settings could not be set: the agent takes some 30 MB more memory; set them in its environment",
  }),
  warning: defineSignal({ name: "config_warning", level: "warn", message: "The config may not be what was wanted" }),
  meaningless: defineSignal({
    name: "flume_keys_without_meaning",
    level: "info",
    message: "Keys of the flume.conf that mean nothing here; `tailgate check` says why",
  }),
  forced: defineSignal({
    name: "config_forced",
    level: "warn",
    message: "Taken because of --force: others can decide what this config does",
  }),
  admin: defineSignal({ name: "admin_listening", level: "info", message: "The admin HTTP listens" }),
  reloadRefused: defineSignal({
    name: "config_reload_refused",
    level: "error",
    message: "The config on disk has mistakes; the one that was loaded before stays in force",
  }),
  reloadFailed: defineSignal({
    name: "reload_failed",
    level: "error",
    message: "The new config is not in force",
  }),
  late: defineSignal({
    name: "tailgate_stop_late",
    level: "error",
    message: "The stop did not end within stopTimeout; leaving, what is in the channel file is safe",
  }),
  leaving: defineSignal({
    name: "tailgate_leaving",
    level: "warn",
    message: "Asked a second time to stop: leaving at once",
  }),
  broken: defineSignal({
    name: "invariant_broken",
    level: "error",
    message: "A bug of Tailgate; it stops to be started again",
  }),
};

const standardError = 2;
/** How long the last lines of the log may take. */
const logFlushMs = 500;

/** What a shell says of a process that a signal ended: 128 and the number of SIGINT. */
const leftAtOnce = 130;
const brokenAssumption = 70;
const failedWhileRunning = 1;

export const run: Command = {
  name: "run",
  summary: "Runs the agent until it is asked to stop",
  positionals: ["[config]"],
  options: { ...whichConfigOptions, ...forceOption },
  details: `SIGTERM, SIGINT  drain within stopTimeout and stop; what is held is safe. A second one: leave at once.
SIGHUP           read the config again; one with mistakes leaves the running one in force.`,
  async run(given, world) {
    const { path, read } = whichConfig(given, world);
    const first = await read();
    const { loaded } = first;
    if (!loaded.ok) {
      world.err(reportWarnings(first.doubts));
      world.err(reportProblems(loaded.problems));
      return 2;
    }
    const forced = given.flag("force");
    if (loaded.untrusted.length > 0 && !forced) {
      world.err(reportUntrusted(loaded.untrusted));
      return 2;
    }
    // Whatever is made from here on is the service's own.
    process.umask(0o077);
    const log = new LogWriter(standardError);
    // A closed pipe makes an error event of each stream beside the answer to its writer, and nobody else listens for it.
    const ignore = () => {};
    process.stdout.on("error", ignore);
    process.stderr.on("error", ignore);
    try {
      const running = new Running(
        path,
        loaded.config,
        { ...world, err: (text) => log.write(visible(text, true)) },
        { forced, read },
      );
      declareLogMetrics(running.metrics, () => log.lost);
      return await running.untilStopped(first, loaded);
    } finally {
      await log.flush(logFlushMs);
    }
  },
};

function logOf({ log: { level, format } }: AgentConfig, world: CommandContext): Report {
  return createLog({ level, format, clock: systemClock, write: (line) => world.err(`${line}\n`) });
}

class Running {
  private readonly host: AgentHost;
  private readonly tell: Notify | undefined;
  readonly metrics = new Metrics();
  private config: AgentConfig;
  private log: Report;
  /** The same for the life of the process; a reload may change the log that it goes to. */
  private readonly report: Report = (signal, fields) => this.log(signal, fields);
  private readonly heart: Heart;
  private configHash: string;
  private admin: AdminServer | undefined;
  private watchdog: ReturnType<typeof setInterval> | undefined;
  private asked = 0;
  private reloading: Promise<void> = Promise.resolve();
  private end: (code: number) => void = () => {};
  /** What only a new start goes on from: said as what keeps a start from beginning is. */
  private beyond: AppError | undefined;

  constructor(
    private readonly path: string,
    config: AgentConfig,
    private readonly world: CommandContext,
    private readonly options: { readonly forced: boolean; readonly read: WhichConfig["read"] },
  ) {
    this.config = config;
    this.log = logOf(config, world);
    this.tell = serviceManager(world.environment, (line) => world.err(`${line}\n`));
    this.host = new AgentHost((each) => this.createAgent(each), this.report);
    this.configHash = "";
    this.heart = new Heart({
      agent: config.agent,
      version: versionText(),
      vitals: () => this.host.agent?.vitals(),
      configHash: () => this.configHash,
      clock: systemClock,
      random: systemRandom,
      report: this.report,
      metrics: this.metrics,
    });
  }

  /** Answers the exit code. */
  async untilStopped(
    first: Pick<Read, "doubts" | "nothings">,
    { warnings, untrusted, effective }: Pick<Extract<Loaded, { ok: true }>, "warnings" | "untrusted" | "effective">,
  ): Promise<number> {
    const { agent } = this.config;
    this.report(signals.starting, { version: versionText(), config: this.path, agent });
    const error = restartFailure();
    if (error !== undefined) this.report(signals.largeHeap, { error, ...runtimeEnvironment });
    this.warn([...first.doubts, ...warnings]);
    this.sayMeaningless(first.nothings);
    this.sayForced(untrusted);
    const ended = new Promise<number>((resolve) => {
      this.end = resolve;
    });
    const stop = () => this.askedToStop();
    // One after the other, from reading the file on: each compares with what the one before put in force.
    const reload = () => {
      this.reloading = this.reloading.then(() => this.reload());
    };
    process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
    const askedEarly = takeEarlyHangup();
    let stayAsItIs = () => {};
    try {
      this.admin = this.openFirstAdmin();
      await Promise.race([this.host.start(this.config), ended]);
      if (this.beyond !== undefined) throw this.beyond;
      this.tell?.("READY=1");
      this.configHash = hashOf(effective);
      this.heart.configure(this.config.heartbeat);
      this.startWatchdog();
      // It may have come before or after the config was read: reading it again is right either way.
      if (askedEarly) reload();
      stayAsItIs = slimAfterStart();
      const code = await ended;
      if (this.beyond !== undefined) throw this.beyond;
      return code;
    } finally {
      stayAsItIs();
      process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", reload);
      clearInterval(this.watchdog);
      await this.admin?.stop();
    }
  }

  private createAgent(config: AgentConfig): Agent {
    return new Agent({
      config,
      openStore: openChannelStore,
      clock: systemClock,
      random: systemRandom,
      report: this.report,
      metrics: this.metrics,
      lastWords: () => this.heart.lastWords(),
      onInvariant: (error) => this.broke(error),
    });
  }

  /** A second agent on one folder mostly has the first one's config: that the address is taken as well is not the point. */
  private openFirstAdmin(): AdminServer | undefined {
    const { admin, dataDir } = this.config;
    try {
      return this.openAdmin(admin);
    } catch (thrown) {
      if (!isInUse(dataDir)) throw thrown;
      throw new AppError(codes.EDGE_CHANNEL_LOCKED, `lock ${dataDir}: another process holds it`, { cause: thrown });
    }
  }

  private openAdmin(address: ListenAddress | undefined): AdminServer | undefined {
    if (address === undefined) return undefined;
    const pages: AdminPages = {
      metrics: () => this.metrics.render(),
      live: () => this.live(),
      unready: () => this.host.agent?.unready() ?? ["the agent does not run"],
      status: () => this.host.agent?.status() ?? { agent: this.config.agent, state: "starting" },
      tap: {
        allowed: () => this.config.tap,
        open: (options) => this.host.agent?.tap(options) ?? { kind: "busy" },
      },
    };
    const admin = startAdmin(address, pages, { report: this.report, metrics: this.metrics });
    this.report(signals.admin, { url: admin.url });
    return admin;
  }

  private live(): boolean {
    return this.host.agent?.state !== "failed";
  }

  private startWatchdog(): void {
    const everyMs = watchdogEveryMs(this.world.environment);
    if (everyMs === undefined || this.tell === undefined) return;
    this.watchdog = setInterval(() => {
      if (this.live()) this.tell?.("WATCHDOG=1");
    }, everyMs);
  }

  private askedToStop(): void {
    this.asked++;
    if (this.asked > 1) {
      this.report(signals.leaving);
      this.end(leftAtOnce);
      return;
    }
    this.tell?.("STOPPING=1");
    endAfter(this.config.stopTimeoutMs, () => {
      this.report(signals.late);
      this.end(1);
    });
    void this.host.stop().then(
      () => this.end(0),
      (error: unknown) => {
        this.world.err(`${messageOf(error)}\n`);
        this.end(1);
      },
    );
  }

  private async reload(): Promise<void> {
    const { loaded, doubts } = await this.options.read("refuse");
    if (!loaded.ok) {
      this.world.err(reportProblems(loaded.problems));
      this.report(signals.reloadRefused, { config: this.path, mistakes: loaded.problems.length });
      return;
    }
    if (loaded.untrusted.length > 0 && !this.options.forced) {
      this.world.err(reportUntrusted(loaded.untrusted));
      this.report(signals.reloadRefused, { config: this.path, mistakes: loaded.untrusted.length });
      return;
    }
    this.tell?.(`RELOADING=1\nMONOTONIC_USEC=${Math.round(systemClock.uptimeMs() * 1_000)}`);
    try {
      // An address that cannot be had is a reason not to begin.
      const moves = !sameAddress(loaded.config.admin, this.config.admin);
      const admin = moves ? this.openAdmin(loaded.config.admin) : this.admin;
      try {
        await this.host.reload(loaded.config);
      } catch (thrown) {
        if (moves) await admin?.stop();
        throw thrown;
      }
      if (moves) await this.admin?.stop();
      this.admin = admin;
      const beat = this.config.heartbeat;
      this.config = loaded.config;
      this.log = logOf(loaded.config, this.world);
      this.configHash = hashOf(loaded.effective);
      if (!sameHeartbeat(loaded.config.heartbeat, beat)) this.heart.configure(loaded.config.heartbeat);
      this.warn([...doubts, ...loaded.warnings]);
      this.sayForced(loaded.untrusted);
    } catch (thrown) {
      const hint = thrown instanceof AppError ? thrown.hint : undefined;
      this.report(signals.reloadFailed, { error: messageOf(thrown), hint });
    }
    // The old config could not be started again either: nothing works any more, so the supervisor starts us anew.
    if (!this.live()) this.end(1);
    this.tell?.("READY=1");
  }

  private warn(warnings: readonly Problem[]): void {
    for (const warning of warnings) this.report(signals.warning, { at: formatProblem(warning) });
  }

  private sayMeaningless(nothings: readonly Problem[]): void {
    if (nothings.length === 0) return;
    const keys = nothings.map(({ key }) => key).join(" ");
    this.report(signals.meaningless, { config: this.path, keys });
  }

  private sayForced(untrusted: readonly Problem[]): void {
    for (const problem of untrusted) this.report(signals.forced, { at: formatProblem(problem) });
  }

  private broke(error: unknown): void {
    if (error instanceof AppError && error.severity === "restart") {
      this.beyond ??= error;
      this.end(failedWhileRunning);
      return;
    }
    this.report(signals.broken, { error: messageOf(error) });
    this.end(brokenAssumption);
  }
}

/** What is in force, without secrets: two agents with one config say the same. */
function hashOf(effective: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(effective)).digest("hex").slice(0, 16);
}

function sameHeartbeat(a: HeartbeatConfig | undefined, b: HeartbeatConfig | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameAddress(a: ListenAddress | undefined, b: ListenAddress | undefined): boolean {
  return (a && showAddress(a)) === (b && showAddress(b));
}
