import { defineSignal } from "../../shared/telemetry/log.ts";

export const lakeOpened = defineSignal({ name: "lake_opened", level: "info", message: "The lake's table is open" });

export const lakeWaits = defineSignal({
  name: "lake_waits",
  level: "warn",
  message: "The lake waits, and goes on by itself; the store is not touched by it",
  atMostEveryMs: 10_000,
});

export const lakeStandsBy = defineSignal({
  name: "lake_stands_by",
  level: "info",
  message: "Another central writes this lake; this one takes over when that one ends",
});

export const lakeCommitted = defineSignal({
  name: "lake_committed",
  level: "debug",
  message: "A snapshot is in the lake",
});

export const lakeSwept = defineSignal({
  name: "lake_swept",
  level: "info",
  message: "Files that no snapshot of the lake names are removed",
});

export const lakeRecordsGone = defineSignal({
  name: "lake_records_gone",
  level: "warn",
  message: "Kafka holds no longer what the lake would read next: it is not in the lake",
});

export const lakeRecordsDamaged = defineSignal({
  name: "lake_records_damaged",
  level: "warn",
  message: "A batch that cannot be read is not in the lake",
});

export const lakeTopicAnew = defineSignal({
  name: "lake_topic_anew",
  level: "warn",
  message: "A topic was made anew, or its log was cut: the lake goes on with what it holds now",
});

export const lakeErased = defineSignal({
  name: "lake_vehicles_erased",
  level: "warn",
  message: "Erased vehicles are out of the lake, and so are the snapshots that had them",
});

export const lakeDaysDropped = defineSignal({
  name: "lake_days_dropped",
  level: "info",
  message: "Days beyond the lake's retention are dropped",
});

export const lakeEnded = defineSignal({
  name: "lake_ended",
  level: "error",
  message: "The lake's writer has ended; the store goes on without it until central is started again",
});
