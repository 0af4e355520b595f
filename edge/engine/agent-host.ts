import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { Agent } from "./agent.ts";
import { codes } from "./codes.ts";
import { describeReload } from "./reload-plan.ts";

const signals = {
  reloaded: defineSignal({ name: "config_reloaded", level: "info", message: "The new config is in force" }),
  kept: defineSignal({
    name: "config_reload_failed",
    level: "error",
    message: "The new config could not be put in force; the one before is in force again",
  }),
};

interface Running {
  readonly agent: Agent;
  readonly config: AgentConfig;
}

/**
 * Keeps one agent running over reloads: one at a time, and with a way back. A new config that cannot be put in force
 * leaves the old one in force; when not even that can be had again, the process must end and be started anew.
 */
export class AgentHost {
  private current: Running | undefined;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly create: (config: AgentConfig) => Agent,
    private readonly report: Report,
  ) {}

  /** The agent in force, whatever its state; undefined before the start and after the stop. */
  get agent(): Agent | undefined {
    return this.current?.agent;
  }

  /** @throws AppError what kept the agent from starting. */
  start(config: AgentConfig): Promise<void> {
    return this.inTurn(() => this.begin(config));
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
      refuseLostChannels(before, config);
      try {
        const plan = await before.agent.reload(config);
        this.current = { agent: before.agent, config };
        this.report(signals.reloaded, describeReload(before.config, config, plan));
      } catch (error) {
        await this.goBack(before, error);
        throw error;
      }
    });
  }

  /** Stops what runs. */
  stop(): Promise<void> {
    return this.inTurn(async () => {
      try {
        await this.current?.agent.stop();
      } finally {
        this.current = undefined;
      }
    });
  }

  private async begin(config: AgentConfig): Promise<void> {
    const agent = this.create(config);
    // From here on: whoever asks sees that it starts, or that it failed.
    this.current = { agent, config };
    await agent.start();
  }

  private async goBack({ agent, config }: Running, reason: unknown): Promise<void> {
    try {
      await agent.reload(config);
    } catch (error) {
      agent.fail();
      const causes = new AggregateError([reason, error], `${messageOf(reason)}; then ${messageOf(error)}`);
      throw new AppError(
        codes.EDGE_RELOAD_FAILED,
        "reload the config: neither the new one nor the old one can be put in force",
        {
          cause: causes,
        },
      );
    }
    this.report(signals.kept);
  }

  /** One at a time: a reload that comes during a reload waits for it. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

/**
 * Before anything is stopped: a channel file that the new config no longer names must be empty. What a memory channel holds
 * is still in the sources' files.
 */
function refuseLostChannels(before: Running, config: AgentConfig): void {
  const held = before.agent.status().channels;
  for (const [name, { stored }] of before.config.channels) {
    const events = held[name]?.events ?? 0;
    if (stored === undefined || events === 0 || config.channels.get(name)?.stored !== undefined) continue;
    throw new AppError(
      "EDGE_CHANNEL_UNNAMED",
      `reload the config: channel "${name}" is gone from the channel file but holds ${events} events`,
    );
  }
}
