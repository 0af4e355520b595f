import { defineSignal } from "../../../shared/telemetry/log.ts";

export const groupJoined = defineSignal({
  name: "group_joined",
  level: "info",
  message: "Joined the consumer group",
});

export const consumerRestarted = defineSignal({
  name: "consumer_restarted",
  level: "warn",
  message: "The Kafka client stopped; a new one takes its place",
  atMostEveryMs: 10_000,
});

export const brokersAway = defineSignal({
  name: "brokers_away",
  level: "warn",
  message: "No broker answers; trying again without end",
  atMostEveryMs: 30_000,
});

export const brokersRefuse = defineSignal({
  name: "brokers_refuse",
  level: "error",
  message: "The brokers do not let us in, or are not who they should be; trying again without end",
  atMostEveryMs: 30_000,
});

export const topicsMissing = defineSignal({
  name: "topics_missing",
  level: "warn",
  message: "Topics of the config do not exist yet",
  atMostEveryMs: 60_000,
});

export const topicsFound = defineSignal({
  name: "topics_found",
  level: "info",
  message: "Consuming topics",
});

export const commitFailed = defineSignal({
  name: "offset_commit_failed",
  level: "info",
  message: "Kafka did not take the offsets (the store's own are the truth; only lag tools see older ones)",
  atMostEveryMs: 30_000,
});

export const leaveSlow = defineSignal({
  name: "group_leave_slow",
  level: "warn",
  message: "The brokers did not answer in time while leaving the group; its session will run out instead",
});

export const groupRefused = defineSignal({
  name: "group_refused",
  level: "error",
  message: "The consumer group does not let us in: its members write to another store, or are another program",
  atMostEveryMs: 60_000,
});

export const partitionsUnread = defineSignal({
  name: "partitions_unread",
  level: "error",
  message: "Partitions of the topics are read by nobody who writes to this store",
  atMostEveryMs: 60_000,
});

export const partitionStalled = defineSignal({
  name: "partition_stalled",
  level: "error",
  message: "A partition has records to read, and none come",
  atMostEveryMs: 60_000,
});

export const clusterUnseen = defineSignal({
  name: "cluster_view_failed",
  level: "info",
  message: "Could not look at who reads the topics' partitions; trying again",
  atMostEveryMs: 60_000,
});

export const topicIdsUnknown = defineSignal({
  name: "topic_ids_unknown",
  level: "info",
  message: "No broker has said the ids of the topics; until one does, a topic made anew is only known by its records",
  atMostEveryMs: 60_000,
});
