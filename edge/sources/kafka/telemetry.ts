import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the kafka source says. */
export const signals = {
  joined: defineSignal({ name: "kafka_source_joined", level: "info", message: "Joined the consumer group" }),
  ended: defineSignal({
    name: "kafka_source_ended",
    level: "warn",
    message: "Reading from Kafka ended; it begins anew at the stored positions",
    atMostEveryMs: 10_000,
  }),
  notTold: defineSignal({
    name: "kafka_source_group_not_told",
    level: "warn",
    message: "The group cannot be told how far we are; nothing is lost by that, its lag looks larger",
    atMostEveryMs: 60_000,
  }),
  notFlume: defineSignal({
    name: "kafka_source_not_flume_event",
    level: "warn",
    message: "A record's value is no Flume event; it is taken as it stands, with the header not_flume_event",
    atMostEveryMs: 60_000,
    counts: { book: "not_flume_events" },
  }),
  noValue: defineSignal({
    name: "kafka_source_header_without_value",
    level: "warn",
    message: "A header of a record has no value; an event's has one, which is empty",
    atMostEveryMs: 3_600_000,
    counts: { book: "headers_without_value", by: "count" },
  }),
  keyCut: defineSignal({
    name: "kafka_source_key_cut",
    level: "error",
    message: "A record's key is longer than an event's key may be, and is cut: other keys may begin like it",
    atMostEveryMs: 60_000,
    counts: { book: "keys_cut" },
  }),
  anew: defineSignal({
    name: "kafka_source_topic_anew",
    level: "warn",
    message: "What was read is no longer there: the partition is read from its beginning; `was` says what it is now",
    counts: {
      metric: "tailgate_kafka_source_anew_total",
      help: "Partitions that were read from their beginning: the topic was made again under its name, or its log was cut back.",
    },
  }),
  outrun: defineSignal({
    name: "kafka_source_outrun",
    level: "error",
    message: "The topic has deleted records before they were read (its retention): these offsets are lost",
    counts: {
      metric: "tailgate_kafka_source_outrun_total",
      help: "Offsets that the topic deleted before they were read.",
      by: "count",
    },
  }),
  stalled: defineSignal({
    name: "kafka_source_stalled",
    level: "error",
    message: "A partition has records to read, and none come; it is tried again without end",
    counts: {
      metric: "tailgate_kafka_source_stalls_total",
      help: "How often a partition began to stand still although it has records to read.",
    },
  }),
} as const;
