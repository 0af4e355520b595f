/**
 * Tells the centre how the agent is: every half minute, once at the start and once at the end.
 *
 *     due → read the vitals → one message through a sink that takes messages → acknowledged, or not
 *
 * It stands beside the delivery: it sends no batch, holds nothing back, is in no book, and a heartbeat that fails is
 * forgotten; the next one says all that it would have said. While none gets through, it tries more often, so that the
 * end of an outage is seen within seconds.
 */
import { randomBytes } from "node:crypto";
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { formatIdentity } from "../../shared/identity/identity.ts";
import type { Random } from "../../shared/random/random.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Counter, Metrics } from "../../shared/telemetry/metrics.ts";
import type { HeartbeatConfig } from "../config/agent-config.ts";
import type { MessageSink } from "../engine/sink-group.ts";
import type { Vitals } from "../engine/vitals.ts";
import { makeBeat } from "./beat.ts";
import { LaneHours } from "./lane-hours.ts";
import { Outages } from "./outages.ts";

export interface HeartOptions {
  readonly agent: string;
  readonly version: string;
  /** Undefined while there is no agent that runs. */
  readonly vitals: () => Vitals | undefined;
  /** Of the config in force. */
  readonly configHash: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  readonly metrics: Metrics;
}

const signals = {
  unsent: defineSignal({
    name: "heartbeat_unsent",
    level: "warn",
    message: "Heartbeats do not get through; the centre will call this agent silent. Delivery goes on by itself",
    atMostEveryMs: 600_000,
  }),
  again: defineSignal({ name: "heartbeat_sent_again", level: "info", message: "Heartbeats get through again" }),
  noCarrier: defineSignal({
    name: "heartbeat_without_carrier",
    level: "warn",
    message: "No sink of the config can carry heartbeats: none are sent",
  }),
};

const attemptMsMax = 10_000;
const retryMsMax = 5_000;
/** Less than that is not worth telling: a leader moved. In heartbeats. */
const outageBeatsMin = 1.5;
/** How long a stop waits for its last words. */
const lastWordsMsMax = 1_000;
const firstBeatMsMax = 500;

export class Heart {
  private readonly run = randomBytes(8).toString("hex");
  private readonly startedUpMs: number;
  private readonly outages: Outages;
  private readonly hours = new LaneHours();
  private readonly sent: Counter;
  private readonly failed: Counter;
  private n = 0;
  private config: HeartbeatConfig | undefined;
  private beating = new AbortController();
  private saidNoCarrier = false;

  constructor(private readonly options: HeartOptions) {
    this.startedUpMs = options.clock.uptimeMs();
    this.outages = new Outages(this.startedUpMs);
    const { sent, failed } = heartbeatCounters(options.metrics);
    this.sent = sent;
    this.failed = failed;
  }

  /** Beats from now on as this says; undefined: no more. */
  configure(config: HeartbeatConfig | undefined): void {
    this.beating.abort();
    this.beating = new AbortController();
    this.config = config;
    if (config !== undefined) void this.beat(config, this.beating.signal);
  }

  /** The agent stops: says so, if the ones before got through. Never rejects, and waits a second at most. */
  async lastWords(): Promise<void> {
    const { config } = this;
    this.configure(undefined);
    if (config === undefined || this.n === 0 || this.outages.isAway) return;
    await this.attempt(config, AbortSignal.timeout(lastWordsMsMax), true);
  }

  private async beat(config: HeartbeatConfig, signal: AbortSignal): Promise<void> {
    const { random } = this.options;
    await sleep(random.next() * Math.min(firstBeatMsMax, config.everyMs), signal);
    while (!signal.aborted) {
      const deadline = AbortSignal.timeout(Math.max(1_000, Math.min(attemptMsMax, config.everyMs)));
      const outcome = await this.attempt(config, AbortSignal.any([signal, deadline]), false);
      // What has just ended is told at once.
      if (outcome === "back") continue;
      const spread = 1 + config.jitter * (random.next() - 0.5);
      const waitMs = outcome === "failed" ? Math.min(config.everyMs, retryMsMax) : config.everyMs;
      await sleep(waitMs * spread, signal);
    }
  }

  private async attempt(
    config: HeartbeatConfig,
    signal: AbortSignal,
    stopping: boolean,
  ): Promise<"sent" | "back" | "failed"> {
    const { report, clock, agent } = this.options;
    const vitals = this.options.vitals();
    if (vitals === undefined) return "failed";
    const carrier = carrierOf(config, vitals);
    if (carrier === undefined) {
      if (!this.saidNoCarrier) report(signals.noCarrier, { hint: "Heartbeats go by a Kafka sink." });
      this.saidNoCarrier = true;
      return "sent";
    }
    const nowMs = clock.now();
    this.hours.note(vitals.lanes, nowMs);
    const { epoch } = vitals;
    const n = ++this.n;
    const record = { agent, epoch, stream: "heartbeat", lane: 0, first: n, last: n, reason: undefined } as const;
    const identity = formatIdentity({ ...record, kind: "record", eventTimeMs: nowMs });
    const value = makeBeat(this.words(config, n, stopping), vitals, this.hours);
    try {
      await carrier.tell({ topic: config.topic, key: agent, value, identity, timeMs: nowMs }, signal);
    } catch (thrown) {
      this.unsent(thrown, stopping);
      return "failed";
    }
    this.sent.add(1);
    const wasAway = this.outages.isAway;
    const lanes = this.options.vitals()?.lanes ?? vitals.lanes;
    const ended = this.outages.succeeded(lanes, clock.uptimeMs(), config.everyMs * outageBeatsMin);
    if (wasAway) report(signals.again);
    return ended ? "back" : "sent";
  }

  private unsent(thrown: unknown, stopping: boolean): void {
    this.failed.add(1);
    if (stopping) return;
    const { report, vitals } = this.options;
    const hint = thrown instanceof AppError ? thrown.hint : undefined;
    report(signals.unsent, { error: messageOf(thrown), hint });
    // As it is after the wait: what was delivered meanwhile does not wait.
    const lanes = vitals()?.lanes;
    if (lanes !== undefined) this.outages.failed(lanes);
  }

  private words({ everyMs }: HeartbeatConfig, n: number, stopping: boolean) {
    const { agent, version, configHash, clock } = this.options;
    const upMs = clock.uptimeMs();
    return {
      agent,
      run: this.run,
      n,
      everyMs,
      atMs: clock.now(),
      upMs: Math.round(upMs - this.startedUpMs),
      version,
      config: configHash(),
      outages: this.outages.told(upMs),
      ...(stopping ? { stopping } : {}),
    };
  }
}

/** On the page from zero. */
export function heartbeatCounters(metrics: Metrics): { readonly sent: Counter; readonly failed: Counter } {
  const counter = (as: string) =>
    metrics.counter("tailgate_heartbeats_total", "Heartbeats by what became of them.", { as });
  return { sent: counter("sent"), failed: counter("failed") };
}

/** The sink that the config names, or the first one that can. */
function carrierOf({ sink }: HeartbeatConfig, { messengers }: Vitals): MessageSink | undefined {
  if (sink !== undefined) return messengers.get(sink);
  for (const messenger of messengers.values()) return messenger;
  return undefined;
}
