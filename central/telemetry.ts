import { defineSignal } from "../shared/telemetry/log.ts";

export const started = defineSignal({ name: "central_started", level: "info", message: "Central is up" });

export const relayOnly = defineSignal({
  name: "relay_only",
  level: "info",
  message: "No Kafka is configured: nothing is consumed, and what edges relay is stored",
});

export const stopping = defineSignal({ name: "central_stopping", level: "info", message: "Stopping" });

export const stopped = defineSignal({ name: "central_stopped", level: "info", message: "Stopped" });

export const stoppedLate = defineSignal({
  name: "central_stopped_late",
  level: "warn",
  message: "Stopped before everything had ended",
});

export const failed = defineSignal({ name: "central_failed", level: "error", message: "Central cannot go on" });

export const storeAway = defineSignal({
  name: "store_away",
  level: "error",
  message: "The store takes no writes; topics and edges keep the records, trying again without end",
  atMostEveryMs: 10_000,
  counts: { book: "storeFailures" },
});

export const storeMade = defineSignal({
  name: "store_made",
  level: "info",
  message: "There was no store there: an empty one was made",
});

export const storeGone = defineSignal({
  name: "store_gone",
  level: "error",
  message:
    "The store was taken away under us. Nothing is made in its place: put it back, and all goes on; or start central anew to begin with an empty one",
});

export const storeReplaced = defineSignal({
  name: "store_replaced",
  level: "warn",
  message: "Another store stands in the place of ours: going on with what that one holds, from its own positions",
});

export const storeBehindGroup = defineSignal({
  name: "store_behind_group",
  level: "error",
  message:
    "The consumer group has stored more than this store holds: it is empty, or an older copy. It is filled from Kafka, and central is not ready until it has got there",
});

export const storeBack = defineSignal({ name: "store_back", level: "info", message: "The store takes writes again" });

export const positionMoved = defineSignal({
  name: "position_moved",
  level: "info",
  message: "Another instance has stored these records; going on from its position",
  atMostEveryMs: 1_000,
  counts: { book: "fenced" },
});

export const alertsUndelivered = defineSignal({
  name: "alerts_undelivered",
  level: "warn",
  message: "Alerts could not be delivered; they wait in the store and are tried again",
  atMostEveryMs: 10_000,
});

export const alertsRefused = defineSignal({
  name: "alert_refused",
  level: "error",
  message: "An alert was refused by its receiver; it is tried again later, the others go on",
  atMostEveryMs: 1_000,
});

export const recordDead = defineSignal({
  name: "record_dead_lettered",
  level: "error",
  message: "Put aside what can never be stored; it is kept under /api/v1/dead-letters",
  atMostEveryMs: 1_000,
  counts: { book: "deadLettered", by: "records" },
});

export const conflictFound = defineSignal({
  name: "identity_conflict",
  level: "error",
  message: "Records came again under the same identity with other bytes; they are kept apart",
  atMostEveryMs: 1_000,
  counts: { book: "conflicts", by: "conflicts" },
});

export const senderChanged = defineSignal({
  name: "sender_changed",
  level: "warn",
  message: "Batches that name this agent are signed, unsigned or wrongly signed from here on",
  atMostEveryMs: 1_000,
});

export const agentTurnedAway = defineSignal({
  name: "agent_turned_away",
  level: "error",
  message: "So many records of this agent were refused that its signed batches are put aside unread for a while",
  atMostEveryMs: 1_000,
});

export const keysRead = defineSignal({
  name: "signature_keys_read",
  level: "info",
  message: "The keys of signatures have changed",
});

export const keysUnreadable = defineSignal({
  name: "signature_keys_unreadable",
  level: "error",
  message: "The keys of signatures cannot be read; those before go on",
});

export const recordsLost = defineSignal({
  name: "records_lost_to_retention",
  level: "error",
  message: "The topic's retention has deleted records before they were stored",
});

export const topicRecreated = defineSignal({
  name: "topic_recreated",
  level: "error",
  message: "The topic is another one of the same name; reading it from its start",
});

export const logCutShort = defineSignal({
  name: "log_cut_short",
  level: "error",
  message: "The topic's log does not hold what was read of it (an unclean leader election?); reading it from its start",
});

export const topicUnproved = defineSignal({
  name: "topic_unproved",
  level: "warn",
  message:
    "The last stored record is gone from the topic, and the brokers tell no id of it: if it was made anew, what lies before the position is not stored",
});

export const sampleFailed = defineSignal({
  name: "status_sample_failed",
  level: "debug",
  message: "Could not read the store's sums",
  atMostEveryMs: 10_000,
});

export const requestFailed = defineSignal({
  name: "request_failed",
  level: "error",
  message: "A request could not be answered",
  atMostEveryMs: 1_000,
});

export const requestAnswered = defineSignal({
  name: "request_answered",
  level: "debug",
  message: "A request was answered",
});

export const exportCut = defineSignal({
  name: "export_cut",
  level: "warn",
  message: "An export was cut off before its end; its client sees a broken connection",
  atMostEveryMs: 1_000,
});

export const subscriberDropped = defineSignal({
  name: "subscriber_dropped",
  level: "info",
  message: "A client of the live feed was too slow and was let go; it may come back to where it was",
  atMostEveryMs: 1_000,
});

export const feedFailed = defineSignal({
  name: "feed_failed",
  level: "error",
  message: "The live feed ended by a mistake of ours; it begins anew with the next client",
});

export const requestRefused = defineSignal({
  name: "request_refused",
  level: "warn",
  message: "A request was refused",
  atMostEveryMs: 1_000,
});

export const operatorActed = defineSignal({
  name: "operator_acted",
  level: "warn",
  message: "Somebody changed what is stored or kept in the books, with a key for it",
});

export const connectionsDropped = defineSignal({
  name: "connections_dropped",
  level: "warn",
  message: "HTTP connections have taken almost all descriptors; all were closed, so that storing goes on",
  atMostEveryMs: 10_000,
});

export const heartbeatRefused = defineSignal({
  name: "heartbeat_refused",
  level: "warn",
  message: "A record of a topic of heartbeats is none, or not its sender's to send; it is counted and left",
  atMostEveryMs: 10_000,
});

export const heartbeatsTooMany = defineSignal({
  name: "heartbeats_too_many_agents",
  level: "error",
  message: "More agents send heartbeats than are kept: those that are new are not; forget those that are gone",
  atMostEveryMs: 60_000,
});

export const heartbeatsNotKept = defineSignal({
  name: "heartbeats_not_kept",
  level: "warn",
  message: "This kind of store keeps no heartbeats: their topic is not read, and the fleet's pages answer 501",
});

export const booksUnbalanced = defineSignal({
  name: "books_do_not_balance",
  level: "error",
  message: "Numbers that agents have given are neither here nor on their way nor said to be lost; see /api/v1/books",
  atMostEveryMs: 300_000,
});
