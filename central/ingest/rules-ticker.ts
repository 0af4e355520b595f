/**
 * The slow tick: time that passes without events, for rules. A partition that is read to its end has brought everything that
 * arrived until now, less what the brokers' and our clock may differ and a fetch may take. One that is not read to its end
 * accuses nobody: its vehicles may have spoken.
 */
import type { Clock } from "../../shared/clock/clock.ts";
import { hasCode } from "../../shared/errors/app-error.ts";
import type { ConsumerState } from "../consumer/consumer.ts";
import { partitionName, relayLine, type TopicPartition } from "../records/partition.ts";
import type { RulesWork, TickLine } from "../store/rules-port.ts";

/** What the ticker looks at. */
export interface RulesTickerOptions {
  readonly rules: RulesWork;
  readonly consumer: () => ConsumerState;
  /** How far a partition is stored; undefined: not known. */
  readonly stored: (partition: TopicPartition) => number | undefined;
  readonly clock: Clock;
  readonly fatal: (thrown: unknown) => void;
}

/** Central's clock less this: two clocks that are right differ by less, and a fetch takes less. */
export const tickSlackMs = 5_000;
const everyMs = 1_000;

/** An older word of a broker does not say that everything that is there was read. */
const toldMs = 5_000;

export class RulesTicker {
  private readonly timer: ReturnType<typeof setInterval>;
  private busy = false;

  constructor(private readonly options: RulesTickerOptions) {
    this.timer = setInterval(() => void this.tick(), everyMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Resolves when the store has taken it, or could not: the next tick does what this one did not. */
  async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.options.rules.tick(this.lines());
    } catch (thrown) {
      if (!hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE")) this.options.fatal(thrown);
    } finally {
      this.busy = false;
    }
  }

  private lines(): readonly TickLine[] {
    const clockMs = this.options.clock.now() - tickSlackMs;
    const { connected, partitions } = this.options.consumer();
    const read = partitions.filter((partition) => {
      const stored = this.options.stored(partition);
      const told = connected && partition.highWatermark >= 0 && partition.untoldForMs < toldMs;
      return told && stored !== undefined && stored >= partition.highWatermark;
    });
    return [...read, relayLine].map((partition) => ({ line: partitionName(partition), clockMs }));
  }
}
