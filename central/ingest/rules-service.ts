/** Rules in the writing half: the slow tick, what is sent out, and what is told of both. */
import { systemClock } from "../../shared/clock/clock.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import type { ConsumerState } from "../consumer/consumer.ts";
import type { AlertCourier } from "../delivery/alert-courier.ts";
import { startCouriers } from "../delivery/couriers.ts";
import type { TopicPartition } from "../records/partition.ts";
import type { RulesTools } from "../store/rules-port.ts";
import type { Store } from "../store/store.ts";
import { noRulesSnapshot, type RulesSnapshot } from "./rules-snapshot.ts";
import { RulesTicker } from "./rules-ticker.ts";

/** What they stand on. */
export interface RulesServiceOptions {
  readonly tools: RulesTools | undefined;
  readonly store: Store;
  readonly consumer: () => ConsumerState;
  readonly stored: (partition: TopicPartition) => number | undefined;
  readonly report: Report;
  readonly fatal: (thrown: unknown) => void;
}

export class RulesService {
  private readonly ticker: RulesTicker | undefined;
  private readonly couriers: readonly AlertCourier[];

  constructor(
    config: CentralConfig,
    private readonly options: RulesServiceOptions,
  ) {
    const { store, consumer, stored, report, fatal } = options;
    const { rules } = store;
    this.ticker = rules && new RulesTicker({ rules, consumer, stored, clock: systemClock, fatal });
    this.couriers = startCouriers(config, { rules, report, fatal });
  }

  snapshot(): RulesSnapshot {
    const { tools, store } = this.options;
    const sum = (of: (courier: AlertCourier) => number) => this.couriers.reduce((all, each) => all + of(each), 0);
    return {
      ...noRulesSnapshot,
      ...store.rules?.counters,
      ...(tools && { counts: tools.step.counts }),
      withdrawn: store.alertsWithdrawn ?? 0,
      delivered: sum(({ counters }) => counters.delivered),
      deliveryFailures: sum(({ counters }) => counters.failures),
    };
  }

  async stop(): Promise<void> {
    this.ticker?.stop();
    await Promise.all(this.couriers.map((courier) => courier.stop()));
  }
}
