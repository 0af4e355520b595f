import { defineSignal, type Report } from "../../../shared/telemetry/log.ts";
import type { Counter, Metrics } from "../../../shared/telemetry/metrics.ts";
import type { Lane } from "../../core/lane.ts";

/** What the Kafka sink can say. A line a change of state; what may come often is rate-limited. */
export const signals = {
  connected: defineSignal({ name: "kafka_connected", level: "info", message: "Kafka answers" }),
  unreachable: defineSignal({
    name: "kafka_unreachable",
    level: "warn",
    message: "Kafka does not answer; the channel holds the events",
    atMostEveryMs: 60_000,
  }),
  clusterChanged: defineSignal({
    name: "kafka_cluster_changed",
    level: "warn",
    message: "The address answers for another Kafka cluster than before; lanes go on there in new sessions",
  }),
  topicCreated: defineSignal({ name: "kafka_topic_created", level: "info", message: "Created the topic" }),
  topicSettings: defineSignal({
    name: "kafka_topic_settings",
    level: "warn",
    message: "A setting of the topic may cost events",
  }),
  sessionOpened: defineSignal({
    name: "kafka_session_opened",
    level: "debug",
    message: "Opened a producer session",
    counts: { metric: "tailgate_kafka_sessions_opened_total", help: "Producer sessions opened." },
  }),
  lookedUp: defineSignal({
    name: "kafka_looked_up",
    level: "info",
    message: "Asked the broker which batches it has",
    atMostEveryMs: 1_000,
  }),
  provedByLater: defineSignal({
    name: "kafka_batch_proved",
    level: "info",
    message: "A later batch was taken, so the log has the ones before it",
    atMostEveryMs: 1_000,
  }),
  maybeRepeated: defineSignal({
    name: "kafka_maybe_repeated",
    level: "warn",
    message: "Sent again what may be in the log already: nobody could tell whether it is",
    atMostEveryMs: 1_000,
    counts: { book: "maybe_repeated", by: "count" },
  }),
  resentLost: defineSignal({
    name: "kafka_resent_lost",
    level: "warn",
    message: "The broker lost batches that it had acknowledged; they were sent again",
  }),
  lostByBroker: defineSignal({
    name: "kafka_lost_by_broker",
    level: "error",
    message: "The broker lost records that it had acknowledged, and they are no longer kept here",
    counts: { book: "lost_by_broker", by: "records" },
  }),
  unexplained: defineSignal({
    name: "kafka_sequence_unexplained",
    level: "error",
    message:
      "The broker refuses the sequence and we may not ask why (READ on the topic is missing); a new session goes on",
  }),
  fenced: defineSignal({
    name: "kafka_session_fenced",
    level: "error",
    message:
      "The log has what was not sent from here: another process sends with this agent's identity, or an older data directory was put back. The lane stops, and new events get a new epoch",
  }),
  epochRefused: defineSignal({
    name: "kafka_epoch_refused",
    level: "warn",
    message: "The broker refuses the next epoch of our own producer; sessions there begin under new producer ids",
  }),
  split: defineSignal({
    name: "kafka_batch_split",
    level: "info",
    message: "The batch is too large for the topic and was cut in two",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_kafka_batches_split_total",
      help: "Batches that were too large for their topic and were cut in two.",
    },
  }),
  clockUnset: defineSignal({
    name: "kafka_clock_unset",
    level: "warn",
    message: "The topic keeps the producer's time and this machine's clock is not set: set LogAppendTime on the topic",
    atMostEveryMs: 3_600_000,
  }),
  clockAhead: defineSignal({
    name: "kafka_clock_ahead",
    level: "warn",
    message:
      "The topic refused our time stamps, and took them moved back: this machine's clock is ahead of the broker's",
    atMostEveryMs: 60_000,
  }),
} as const;

const retriesHelp = "Deliveries that ended without the batch known to be in the log, by reason.";

/** The sink's own counters. */
export class SinkMetrics {
  readonly batches: Counter;
  readonly bytes: Counter;
  readonly requests: Counter;
  readonly repeats: Counter;
  readonly lookUps: Counter;
  readonly throttledMs: Counter;

  constructor(
    private readonly metrics: Metrics,
    private readonly sink: string,
  ) {
    const counter = (name: string, help: string) => metrics.counter(`tailgate_kafka_${name}`, help, { sink });
    this.batches = counter("batches_sent_total", "Record batches that the brokers have, sent by this sink.");
    this.bytes = counter("bytes_sent_total", "Bytes of record batches written to connections, repeats included.");
    this.requests = counter("requests_total", "Produce requests.");
    this.repeats = counter("repeats_recognised_total", "Batches that were sent again and that the broker had already.");
    this.lookUps = counter("look_ups_total", "Times the sink asked which batches the log has.");
    this.throttledMs = counter(
      "throttled_milliseconds_total",
      "Time for which brokers asked this sink to send nothing.",
    );
    metrics.declare("tailgate_kafka_retries_total", retriesHelp, "counter");
  }

  /** A batch that has to be delivered again. */
  retry(reason: string): void {
    this.metrics.counter("tailgate_kafka_retries_total", retriesHelp, { sink: this.sink, reason }).add(1);
  }
}

/** What every part of the sink says things with. */
export interface Telemetry {
  readonly report: Report;
  readonly metrics: SinkMetrics;
}

/** Says, and counts in the lane's books, that these records went out again and may be in the log twice. */
export function reportRepeat(report: Report, { stream, number }: Lane, first: number, count: number): void {
  if (count > 0) report(signals.maybeRepeated, { stream, lane: number, first, count });
}
