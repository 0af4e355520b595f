/**
 * A sink made of sinks. Which member a batch goes to is the policy's (`Order`); that a lane's promises hold when it moves
 * from one member to another is done here, once for all policies. DESIGN.md in this folder says what holds and why.
 */

import { countingReport } from "../../shared/telemetry/counting-report.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { SinkContext } from "../core/context.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import type { Finding, LaneDelivery, SingleMessage, Sink } from "../core/sink.ts";
import { GroupLane, signals } from "./group-lane.ts";
import type { GroupTools, PolicyOptions } from "./group-tools.ts";
import { MemberHealth } from "./member-health.ts";

const mayRepeatName = "tailgate_group_maybe_repeated_total";

/** Members, and what all lanes share. */
export class GroupSink implements Sink {
  private readonly tools: GroupTools;
  private readonly switches: Counter;
  /** Undefined when no member takes messages: then the group takes none either. */
  readonly tell: Sink["tell"];
  readonly knowsRepeats: boolean;

  constructor(context: SinkContext, options: PolicyOptions) {
    const { metrics, name, clock } = context;
    const labels = { sink: name };
    const { metric, help } = signals.moved.counts;
    this.switches = metrics.counter(metric, help, labels);
    const members = context.members.map((each) => ({ ...each, health: new MemberHealth(clock, options.restMsMax) }));
    this.tools = {
      ...options,
      context,
      members,
      report: countingReport(signals, { report: context.report, metrics, labels }),
      mayRepeat: metrics.counter(mayRepeatName, "Events that two members of the group may have.", labels),
    };
    this.tell = members.some(({ sink }) => sink.tell !== undefined)
      ? (message, signal) => this.tellOne(message, signal)
      : undefined;
    this.knowsRepeats = members.every(({ sink }) => sink.knowsRepeats === true);
    const up = ["tailgate_group_member_up", "1 while the member has not failed since it last delivered."] as const;
    metrics.declare(...up, "gauge");
    for (const { name: member, health } of members) {
      metrics.observe(...up, { ...labels, member }, () => (health.isUp ? 1 : 0));
    }
  }

  async start(): Promise<void> {
    for (const { sink } of this.tools.members) await sink.start();
  }

  lane(notes: LaneNotes): LaneDelivery {
    return new GroupLane(notes, this.tools);
  }

  /** All are stopped, whatever one of them says. @throws what the first one that failed said. */
  async stop(): Promise<void> {
    const stopped = await Promise.allSettled(this.tools.members.map(({ sink }) => sink.stop()));
    for (const each of stopped) if (each.status === "rejected") throw each.reason;
  }

  status(): Readonly<Record<string, unknown>> {
    const members = this.tools.members.map(({ name, sink, health }) => {
      const { restLeftMs, isUp } = health;
      return [name, { ...sink.status(), up: isUp, restLeftMs: Math.round(restLeftMs) }] as const;
    });
    return { members: Object.fromEntries(members), switches: this.switches.value };
  }

  /** The first member that takes it, in the order of the config. */
  private async tellOne(message: SingleMessage, signal: AbortSignal): Promise<void> {
    let refusal: unknown;
    for (const { sink } of this.tools.members) {
      try {
        if (sink.tell !== undefined) return await sink.tell(message, signal);
      } catch (thrown) {
        refusal = thrown;
      }
    }
    throw refusal;
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const { members } = this.tools;
    const found = await Promise.all(
      members.map(async ({ name, sink }) => {
        const findings = (await sink.probe?.(signal)) ?? [{ what: "destination", says: "nothing to try" }];
        return findings.map((finding) => ({ ...finding, what: `${name}: ${finding.what}` }));
      }),
    );
    return found.flat();
  }
}
