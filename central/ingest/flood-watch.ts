/**
 * Agents of whose signed batches nothing is read for a while, because so much of them was refused.
 *
 * Inside a partition the order is kept, so what is honest in it waits for what is hostile before it: how fast a flood is got
 * over decides. A refused record costs about a microsecond, and a batch of a few KiB may hold hundreds of thousands. A batch that is put aside
 * unread costs the check of one signature. What is put aside so is in the topic, and a replay reads it.
 */
import type { Clock } from "../../shared/clock/clock.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { TurnedAway } from "../consumer/kafka/batch-gate.ts";
import { agentTurnedAway } from "../telemetry.ts";

/** An honest agent has next to none; a gateway of 100 lines a second that is all wrong has 6,000. */
const refusedMax = 100_000;
const withinMs = 60_000;
/** How long nothing is read. Then it is looked at again: it may have come to reason. */
const awayMs = 60_000;
/** Counted at once: names are those of keys that are believed. */
const agentsMax = 10_000;

interface Account {
  sinceMs: number;
  refused: number;
}

export class FloodWatch {
  private accounts = new Map<string, Account>();
  private untilMs = new Map<string, number>();
  private away: TurnedAway = new Map();

  constructor(
    private readonly clock: Clock,
    private readonly report: Report,
  ) {}

  /** Records that were refused, by the agent that signed them. */
  count(refusedOf: ReadonlyMap<string, number>): void {
    if (refusedOf.size === 0) return;
    const nowMs = this.clock.uptimeMs();
    for (const [agent, refused] of refusedOf) {
      let account = this.accounts.get(agent);
      if (account === undefined || nowMs - account.sinceMs > withinMs) {
        if (this.accounts.size >= agentsMax) this.accounts.clear();
        account = { sinceMs: nowMs, refused: 0 };
        this.accounts.set(agent, account);
      }
      account.refused += refused;
      if (account.refused > refusedMax && !this.untilMs.has(agent)) this.turnAway(agent, nowMs);
    }
  }

  /** Of which agents nothing is read now, and why. */
  turnedAway(): TurnedAway {
    if (this.untilMs.size === 0) return this.away;
    const nowMs = this.clock.uptimeMs();
    for (const [agent, untilMs] of this.untilMs) if (nowMs >= untilMs) this.letIn(agent);
    return this.away;
  }

  /** Whatever it did: it is read again. */
  letIn(agent: string): void {
    this.accounts.delete(agent);
    if (this.untilMs.delete(agent)) this.name();
  }

  private turnAway(agent: string, nowMs: number): void {
    this.untilMs.set(agent, nowMs + awayMs);
    this.name();
    const hint = "Quarantine it if it is not in its right mind; a replay reads what was put aside.";
    this.report(agentTurnedAway, { agent, refused: refusedMax, forSeconds: awayMs / 1_000, hint });
  }

  private name(): void {
    this.away = new Map(
      [...this.untilMs.keys()].map((agent) => [
        agent,
        `not read: ${agent} had more than ${refusedMax} records refused within a minute`,
      ]),
    );
  }
}
