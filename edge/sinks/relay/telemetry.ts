import { defineSignal } from "../../../shared/telemetry/log.ts";
import type { Counter, Metrics } from "../../../shared/telemetry/metrics.ts";

/** What the relay sink can say. */
export const signals = {
  split: defineSignal({
    name: "relay_batch_split",
    level: "info",
    message: "The batch is larger than central takes and was cut in two",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_relay_batches_split_total",
      help: "Batches that were larger than central takes and were cut in two.",
    },
  }),
  damaged: defineSignal({
    name: "relay_batch_damaged",
    level: "warn",
    message: "Central cannot read the batch; it may have been damaged on the way and is sent again",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_relay_batches_damaged_total",
      help: "Times that central could not read a batch: damaged on the way, or refused for good later.",
    },
  }),
} as const;

/** The sink's own counters. */
export class RelayMetrics {
  readonly batches: Counter;
  readonly bytes: Counter;
  readonly requests: Counter;
  readonly putOff: Counter;

  constructor(metrics: Metrics, sink: string) {
    const counter = (name: string, help: string) => metrics.counter(`tailgate_relay_${name}`, help, { sink });
    this.batches = counter("batches_sent_total", "Record batches that central's store has, sent by this sink.");
    this.bytes = counter("bytes_sent_total", "Bytes of record batches posted, repeats included.");
    this.requests = counter("requests_total", "Requests with a batch.");
    this.putOff = counter(
      "put_off_total",
      "Requests after which the same batch is sent again, because there was no answer, or it said to come again later.",
    );
  }
}
