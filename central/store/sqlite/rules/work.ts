import type { Clock } from "../../../../shared/clock/clock.ts";
import type { AlertDelivery, DeliveryTarget, RulesTools, RulesWork, TickLine } from "../../rules-port.ts";
import type { RulesSession } from "./session.ts";

/** How a store lends its connection: work inside a transaction, and work that only looks. */
export interface RulesRooms {
  write<T>(doing: string, work: (session: RulesSession) => T): T;
  look<T>(doing: string, work: (session: RulesSession) => T): T;
}

/** The writer's door for rules. */
export class SqliteRulesWork implements RulesWork {
  readonly counters = { vehiclesDropped: 0, deliveriesDropped: 0 };

  constructor(
    readonly tools: RulesTools,
    private readonly rooms: RulesRooms,
    private readonly clock: Clock,
  ) {}

  async tick(lines: readonly TickLine[]): Promise<void> {
    const nowMs = this.clock.now();
    if (!this.rooms.look("look whose time is over", (session) => session.isDue(lines, nowMs))) return;
    this.rooms.write("let time pass for rules", (session) => session.tick(lines, nowMs));
  }

  async take(target: DeliveryTarget, limit: number, leaseMs: number): Promise<readonly AlertDelivery[]> {
    const nowMs = this.clock.now();
    const lease = { nowMs, untilMs: nowMs + leaseMs };
    if (!this.rooms.look("look for alerts to deliver", (session) => session.hasDelivery(target, nowMs))) return [];
    return this.rooms.write("take alerts to deliver", (session) => session.take(target, limit, lease));
  }

  async delivered(ids: readonly number[]): Promise<void> {
    this.rooms.write("mark alerts as delivered", (session) => session.delivered(ids));
  }

  async postpone(ids: readonly number[], afterMs: number): Promise<void> {
    this.rooms.write("postpone alerts", (session) => session.postpone(ids, this.clock.now() + afterMs));
  }
}
