import type { Clock } from "../../shared/clock/clock.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { OpenChannelStore } from "../core/channel-store.ts";
import type { Context } from "../core/context.ts";

/** Everything an agent needs from outside. */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly openStore: OpenChannelStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  readonly metrics: Metrics;
  /** When the sources have ended and what could be delivered is: the sinks still take something. Undefined: nothing to say. */
  readonly lastWords?: () => Promise<void>;
  /** Our own broken assumption or a damaged channel file (`endsProcess`), from wherever it came: the process must stop. */
  readonly onInvariant: (error: unknown) => void;
}

/** What a component of this name is made in. The agent's name and folder never change while it runs. */
export function contextOf(options: AgentOptions, name: string, metrics: Metrics): Context {
  const { clock, random, report, config } = options;
  return { name, agent: config.agent, dataDir: config.dataDir, clock, random, report, metrics };
}
