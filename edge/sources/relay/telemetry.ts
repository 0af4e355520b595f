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
  cameAgain: defineSignal({
    name: "relay_source_numbers_again",
    level: "warn",
    message:
      "Numbers of a lane came before, in another batch: all of it goes on. The centre tells which records are repeats, and which are others under the same number: then an older data folder of that agent was put back",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_relay_source_numbers_again_total",
      help: "Records whose numbers came before in another batch. They went on: the centre tells repeats from others.",
      book: "numbers_again",
      by: "records",
    },
  }),
  ring: defineSignal({
    name: "relay_source_ring",
    level: "warn",
    message: "A batch that went on from here comes back: it is not taken, and whoever sent it keeps it",
    atMostEveryMs: 60_000,
    counts: {
      metric: "tailgate_relay_source_ring_total",
      help: "Bodies that were not taken because they had come by this aggregator before.",
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
