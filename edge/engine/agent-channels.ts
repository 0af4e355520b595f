import { AppError } from "../../shared/errors/app-error.ts";
import { defineSignal } from "../../shared/telemetry/log.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { Channel } from "../core/channel.ts";
import type { ChannelStore, PositionUpdate, StoredChannel } from "../core/channel-store.ts";
import type { ChannelMaker } from "../core/define.ts";
import { type AgentOptions, contextOf } from "./agent-options.ts";
import { Books } from "./books.ts";
import { Committer } from "./committer.ts";
import { LatePositions } from "./late-positions.ts";
import type { ReloadPlan } from "./reload-plan.ts";

const signals = {
  letGo: defineSignal({
    name: "channel_gone_holding",
    level: "warn",
    message:
      "A channel in memory went with events that it held: what was read from files is read again, what was pushed to a source is lost",
  }),
};

type Makers = AgentConfig["channels"];

/** An agent's channels of every kind, and the one place that makes things durable in them. */
export class AgentChannels {
  readonly store: ChannelStore;
  readonly committer: Committer;
  readonly books: Books;
  readonly late: LatePositions;
  private readonly byName = new Map<string, Channel>();
  private named: Makers;
  /** Of streams whose channels keep their batches themselves: not yet stored. */
  private readonly movedPositions: PositionUpdate[] = [];

  /** Opens the channel file; `make` makes the channels. @throws AppError what keeps it from being opened. */
  constructor(private readonly options: AgentOptions) {
    const { config, openStore, clock, random, report, metrics, onInvariant: onDamage } = options;
    const { agent, dataDir, lingerMs } = config;
    this.named = new Map();
    const channels = stored(config.channels);
    this.store = openStore({ dataDir, agent, channels, clock, random, report, metrics, onDamage });
    this.late = new LatePositions(
      (name) => this.get(name),
      (positions) => this.moved(positions),
    );
    const putSelfKept = this.late.put.bind(this.late);
    this.committer = new Committer({ store: this.store, channels: [], putSelfKept, lingerMs, report, metrics });
    this.books = new Books(this.store);
    this.committer.add(this.books);
    this.committer.add({ collect: ({ positions }) => positions.push(...this.movedPositions.splice(0)) });
  }

  /** As the config named them last. */
  get makers(): Makers {
    return this.named;
  }

  all(): readonly Channel[] {
    return [...this.byName.values()];
  }

  get(name: string): Channel {
    const channel = this.byName.get(name);
    if (channel === undefined) throw new AppError("INVARIANT", `channel "${name}" is in the config but was not made`);
    return channel;
  }

  /**
   * Lets go of those that are made anew, and of those that go and keep their batches themselves: their sources and sinks have stopped.
   * Others stay until `settle`, because chains that are still to be changed put into them.
   */
  async letGo(steps: ReloadPlan["channels"]): Promise<void> {
    for (const [name, step] of steps) {
      const isLetGo = step === "renew" || (step === "stop" && this.get(name).keeping !== "store");
      if (isLetGo) await this.drop(name);
    }
    this.named = new Map([...this.named].filter(([name]) => this.byName.has(name)));
  }

  /**
   * Makes those that are new, and gives those that stay their new bounds.
   *
   * @throws AppError what keeps one from being made.
   */
  async make(makers: Makers): Promise<void> {
    const union = new Map([...this.named, ...makers]);
    this.store.configure(stored(union));
    for (const [name, maker] of makers) {
      if (this.byName.has(name)) continue;
      this.byName.set(
        name,
        await maker.create({ ...contextOf(this.options, name, this.options.metrics), store: this.store }),
      );
    }
    this.named = union;
    this.committer.channels = this.all();
  }

  /** The config names these and no others. @throws AppError `EDGE_CHANNEL_UNNAMED` when one that is not named holds events. */
  async settle(makers: Makers): Promise<void> {
    this.store.configure(stored(makers));
    const gone = [...this.byName.keys()].filter((name) => !makers.has(name));
    const order = [...makers.keys()];
    for (const name of gone) await this.drop(name);
    const sorted = order.flatMap((name) => {
      const channel = this.byName.get(name);
      return channel === undefined ? [] : [[name, channel] as const];
    });
    this.byName.clear();
    for (const [name, channel] of sorted) this.byName.set(name, channel);
    this.named = makers;
    this.committer.channels = this.all();
  }

  /** Lets go of what channels hold open that keep their batches themselves; after the sinks have stopped. */
  async close(): Promise<void> {
    for (const name of [...this.byName.keys()]) await this.drop(name);
  }

  private async drop(name: string): Promise<void> {
    const channel = this.byName.get(name);
    this.byName.delete(name);
    if (channel === undefined || channel.keeping === "store") return;
    const events = await channel.close();
    if (events > 0) this.options.report(signals.letGo, { component: name, events });
  }

  /** Sources of channels that keep their batches themselves have got this far. It rides in a commit: a disk that refuses it makes it late, not lost. */
  private moved(positions: readonly PositionUpdate[]): void {
    for (const position of positions) this.movedPositions.push(position);
    this.committer.schedule();
  }
}

function stored(makers: Makers): ReadonlyMap<string, StoredChannel> {
  const found = new Map<string, StoredChannel>();
  for (const [name, maker] of makers) if (maker.stored !== undefined) found.set(name, maker.stored);
  return found;
}

/** Whether what a channel of this kind holds is lost with it, or left where nobody looks any more. */
export function outlives({ keeping }: Pick<ChannelMaker, "keeping">): boolean {
  return keeping !== "memory";
}
