/**
 * `tailgate run`: loads the config, runs the agent, and tells the service manager. SIGTERM and SIGINT stop it (a second
 * one leaves at once), SIGHUP reloads the config; one that is wrong leaves the running one in force.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { systemRandom } from "../../shared/random/random.ts";
import { createLog, defineSignal, type Report } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { type AdminServer, startAdmin } from "../admin/admin-server.ts";
import { createMemoryChannels } from "../channels/memory/index.ts";
import { openChannelStore } from "../channels/sqlite/index.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { loadConfig } from "../config/load-config.ts";
import { formatProblem } from "../config/problem.ts";
import { Agent } from "../engine/agent.ts";
import { type Command, configOption, configPath, type World } from "./command.ts";
import { reportProblems } from "./report-problems.ts";
import { type Notify, serviceManager, watchdogEveryMs } from "./sd-notify.ts";
import { versionText } from "./version.ts";

const signals = {
  starting: defineSignal({ name: "tailgate_starting", level: "info", message: "Tailgate starts" }),
  warning: defineSignal({ name: "config_warning", level: "warn", message: "The config may not be what was wanted" }),
  admin: defineSignal({ name: "admin_listening", level: "info", message: "The admin HTTP listens" }),
  reloaded: defineSignal({
    name: "config_reloaded",
    level: "info",
    message: "The config was read again and is in force",
  }),
  reloadRefused: defineSignal({
    name: "config_reload_refused",
    level: "error",
    message: "The config on disk has mistakes; the one that was loaded before stays in force",
  }),
  reloadFailed: defineSignal({
    name: "config_reload_failed",
    level: "error",
    message: "The new config could not be put in force",
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

/** What a shell says of a process that a signal ended: 128 and the number of SIGINT. */
const leftAtOnce = 130;
const brokenAssumption = 70;

export const run: Command = {
  name: "run",
  summary: "Runs the agent until it is asked to stop",
  positionals: ["[config]"],
  options: configOption,
  details: `SIGTERM, SIGINT  drain within stopTimeout and stop; what is held is safe. A second one: leave at once.
SIGHUP           read the config again; one with mistakes leaves the running one in force.`,
  async run(given, world) {
    const path = configPath(given, world);
    const loaded = loadConfig(path, world.registry, world.environment);
    if (!loaded.ok) {
      world.err(reportProblems(loaded.problems));
      return 2;
    }
    const report = logOf(loaded.config, world);
    report(signals.starting, { version: versionText(), config: path, agent: loaded.config.agent });
    for (const warning of loaded.warnings) report(signals.warning, { at: formatProblem(warning) });
    return new Running(path, loaded.config, world, report).untilStopped();
  },
};

function logOf({ log: { level, format } }: AgentConfig, world: World): Report {
  return createLog({ level, format, clock: systemClock, write: (line) => world.err(`${line}\n`) });
}

class Running {
  private readonly metrics = new Metrics();
  private readonly agent: Agent;
  private readonly tell: Notify | undefined;
  private admin: AdminServer | undefined;
  private watchdog: ReturnType<typeof setInterval> | undefined;
  private asked = 0;
  private end: (code: number) => void = () => {};

  constructor(
    private readonly path: string,
    private readonly config: AgentConfig,
    private readonly world: World,
    private readonly report: Report,
  ) {
    this.tell = serviceManager(world.environment);
    const { metrics } = this;
    this.agent = new Agent({
      config,
      openStore: openChannelStore,
      createMemoryChannels,
      clock: systemClock,
      random: systemRandom,
      report,
      metrics,
      onInvariant: (error) => this.broke(error),
    });
  }

  /** Answers the exit code. */
  async untilStopped(): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.end = resolve;
    });
    const stop = () => this.askedToStop();
    const reload = () => void this.reload();
    process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
    try {
      this.startAdmin();
      await Promise.race([this.agent.start(), ended]);
      this.tell?.("READY=1");
      this.startWatchdog();
      return await ended;
    } finally {
      process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", reload);
      clearInterval(this.watchdog);
      await this.admin?.stop();
    }
  }

  private startAdmin(): void {
    if (this.config.admin === undefined) return;
    this.admin = startAdmin(this.config.admin, {
      metrics: this.metrics,
      live: () => this.live(),
      ready: () => this.agent.ready,
      status: () => this.agent.status(),
    });
    this.report(signals.admin, { url: this.admin.url });
  }

  private live(): boolean {
    return this.agent.state !== "failed";
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
    void this.agent.stop().then(
      () => this.end(0),
      (error: unknown) => {
        this.world.err(`${messageOf(error)}\n`);
        this.end(1);
      },
    );
  }

  private async reload(): Promise<void> {
    const loaded = loadConfig(this.path, this.world.registry, this.world.environment);
    if (!loaded.ok) {
      this.world.err(reportProblems(loaded.problems));
      this.report(signals.reloadRefused, { config: this.path, mistakes: loaded.problems.length });
      return;
    }
    this.tell?.(`RELOADING=1\nMONOTONIC_USEC=${Math.round(systemClock.uptimeMs() * 1_000)}`);
    try {
      const { agent } = this;
      if (!canReload(agent)) throw new AppError("EDGE_RELOAD_UNSUPPORTED", "reload the config");
      await agent.reload(loaded.config);
      for (const warning of loaded.warnings) this.report(signals.warning, { at: formatProblem(warning) });
      this.report(signals.reloaded, { config: this.path });
    } catch (thrown) {
      const hint = thrown instanceof AppError ? thrown.hint : undefined;
      this.report(signals.reloadFailed, { error: messageOf(thrown), hint });
    }
    this.tell?.("READY=1");
  }

  private broke(error: unknown): void {
    this.report(signals.broken, { error: messageOf(error) });
    this.end(brokenAssumption);
  }
}

function canReload(agent: object): agent is { reload(config: AgentConfig): Promise<unknown> } {
  return "reload" in agent && typeof agent.reload === "function";
}
