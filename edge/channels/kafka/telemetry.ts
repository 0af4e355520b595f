import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What a Kafka channel can say. */
export const signals = {
  away: defineSignal({
    name: "kafka_channel_away",
    level: "warn",
    message: "The topic takes nothing now; events wait in memory, and sources wait when `capacity` is full",
    atMostEveryMs: 30_000,
  }),
  back: defineSignal({ name: "kafka_channel_back", level: "info", message: "The topic takes events again" }),
  joined: defineSignal({ name: "kafka_channel_joined", level: "info", message: "Joined the consumer group" }),
  ended: defineSignal({
    name: "kafka_channel_reading_ended",
    level: "warn",
    message: "Reading the topic ended; it begins anew where the sinks are",
    atMostEveryMs: 10_000,
  }),
  notTold: defineSignal({
    name: "kafka_channel_group_not_told",
    level: "warn",
    message: "The group cannot be told how far the sinks are; another member would repeat what they have",
    atMostEveryMs: 60_000,
  }),
  notStored: defineSignal({
    name: "kafka_channel_progress_not_stored",
    level: "error",
    message: "How far the sinks are cannot be stored now; it is tried again, and a kill meanwhile would repeat events",
    atMostEveryMs: 10_000,
  }),
  maybeRepeated: defineSignal({
    name: "kafka_channel_maybe_repeated",
    level: "warn",
    message: "Events were sent again, and nobody could tell whether the topic had them",
    counts: {
      metric: "tailgate_kafka_channel_maybe_repeated_total",
      help: "Events that may be in the topic twice: sent again under another producer id.",
      by: "count",
    },
  }),
  refused: defineSignal({
    name: "kafka_channel_event_refused",
    level: "error",
    message: "The topic refuses this event for ever; it is left out, and counted as dead",
    counts: {
      metric: "tailgate_kafka_channel_refused_total",
      help: "Events that the topic refused for ever.",
      by: "count",
    },
  }),
  buried: defineSignal({
    name: "kafka_channel_event_buried",
    level: "error",
    message: "A sink's destination refuses these events for ever; they stay in the topic at these offsets",
  }),
  unreadable: defineSignal({
    name: "kafka_channel_record_unreadable",
    level: "error",
    message: "A record of the topic is no Flume event, and is passed over; it stays in the topic at this offset",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_kafka_channel_unreadable_total",
      help: "Records that are no Flume events while `parseAsFlumeEvent` holds.",
    },
  }),
  wrongPartition: defineSignal({
    name: "kafka_channel_partition_unknown",
    level: "warn",
    message: "An event names a partition that the topic has not; it goes where its key or the agent's name says",
    atMostEveryMs: 60_000,
    counts: {
      metric: "tailgate_kafka_channel_partition_unknown_total",
      help: "Events whose `partitionIdHeader`, or the `defaultPartitionId`, names no partition of the topic.",
    },
  }),
  outrun: defineSignal({
    name: "kafka_channel_outrun",
    level: "error",
    message: "The topic has deleted records before the sinks took them (its retention): these offsets are lost",
    counts: {
      metric: "tailgate_kafka_channel_outrun_total",
      help: "Offsets that the topic deleted before the sinks took them.",
      by: "count",
    },
  }),
  anotherTopic: defineSignal({
    name: "kafka_channel_topic_anew",
    level: "warn",
    message: "The topic is another one of the same name, or was cut back: it is read from its beginning",
  }),
  defaulted: defineSignal({
    name: "kafka_channel_defaulted",
    level: "warn",
    message: "Events name a place that is not allowed, or one more than there may be: they go to the sink's default",
    atMostEveryMs: 60_000,
    counts: {
      metric: "tailgate_kafka_channel_defaulted_total",
      help: "Events from the topic that went to the sink's default group.",
    },
  }),
} as const;
