import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the relay source can say. */
export const signals = {
  shed: defineSignal({
    name: "relay_source_shed",
    level: "warn",
    message: "A sender says that records of its lane will not come: they were shed or are dead letters there",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_relay_source_shed_total",
      help: "Records that their senders say will not come: shed by policy, or dead letters there.",
      book: "shed_at_origin",
      by: "records",
    },
  }),
  refused: defineSignal({
    name: "relay_source_refused",
    level: "warn",
    message: "A body is refused: it cannot be taken, however often it comes",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_relay_source_refused_total",
      help: "Bodies that were refused: no record batches of one lane, too large, or of an agent that its sender may not speak for.",
    },
  }),
  notDurable: defineSignal({
    name: "relay_source_not_durable",
    level: "warn",
    message:
      "What is answered lies in memory alone: a crash loses it, and its senders have let go of it. Give the source a channel on disk",
  }),
} as const;
