import { AppError } from "../../shared/errors/app-error.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { Agent } from "./agent.ts";

const signals = {
  reloaded: defineSignal({ name: "config_reloaded", level: "info", message: "The new config is in force" }),
  kept: defineSignal({
    name: "config_reload_failed",
    level: "error",
    message: "The new config could not be started; the one before runs again",
  }),
};

/**
 * Keeps one agent running over reloads. A reload is a stop and a start in the same process: everything an agent knows is
 * in its channel file, so nothing is lost or repeated between the two; sources simply go on from their positions.
 *
 * A new config that cannot start leaves the old one in force.
 */
export class AgentHost {
  private current: { readonly agent: Agent; readonly config: AgentConfig } | undefined;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly create: (config: AgentConfig) => Agent,
    private readonly report: Report,
  ) {}

  /** The agent that runs now; undefined before the start and after the stop. */
  get agent(): Agent | undefined {
    return this.current?.agent;
  }

  /** @throws AppError what kept the agent from starting. */
  start(config: AgentConfig): Promise<void> {
    return this.inTurn(async () => {
      const agent = this.create(config);
      await agent.start();
      this.current = { agent, config };
    });
  }

  /**
   * Puts a new, valid config in force.
   *
   * @throws AppError why the new one could not start; the old one runs again (or the process must end, when it does not).
   */
  reload(config: AgentConfig): Promise<void> {
    return this.inTurn(async () => {
      const before = this.current;
      if (before === undefined) throw new AppError("USAGE", "reload the config: no agent runs");
      if (before.config.dataDir !== config.dataDir || before.config.agent !== config.agent) {
        throw new AppError("CONFIG_INVALID", "reload the config: `agent` and `dataDir` cannot change while it runs", {
          hint: "Restart the service to change them; the config in force stays as it is.",
        });
      }
      refuseLostChannels(before.agent, config);
      await before.agent.stop();
      const agent = this.create(config);
      try {
        await agent.start();
        this.current = { agent, config };
        this.report(signals.reloaded);
      } catch (error) {
        const again = this.create(before.config);
        await again.start();
        this.current = { agent: again, config: before.config };
        this.report(signals.kept);
        throw error;
      }
    });
  }

  /** Stops what runs. */
  stop(): Promise<void> {
    return this.inTurn(async () => {
      await this.current?.agent.stop();
      this.current = undefined;
    });
  }

  /** One at a time: a reload that comes during a reload waits for it. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

/** Before anything is stopped: a channel that the new config no longer names must be empty. */
function refuseLostChannels(agent: Agent, config: AgentConfig): void {
  for (const [name, { events }] of Object.entries(agent.status().channels)) {
    if (events > 0 && !config.channels.has(name)) {
      throw new AppError(
        "EDGE_CHANNEL_UNNAMED",
        `reload the config: channel "${name}" is gone but holds ${events} events`,
      );
    }
  }
}
