/**
 * Central's metrics: a metric is one entry of this list. Read from what is known when the page is asked for; REFERENCE.md
 * is made from the list.
 */
import type { Metrics } from "../shared/telemetry/metrics.ts";
import type { RelayCounts } from "./ingest/relay/relay-counts.ts";
import type { IngestSnapshot } from "./ingest/snapshot.ts";
import type { LakeSnapshot } from "./lake/snapshot.ts";
import type { RuleCounts } from "./rules/counts.ts";
import type { BookPart } from "./status/fleet.ts";
import type { StatusSummary } from "./status/status.ts";

/** What the numbers are read from. The summary is undefined before the store has answered once. */
export interface MetricSources {
  readonly counters: IngestSnapshot["counters"];
  readonly consumer: IngestSnapshot["consumer"];
  readonly behind: IngestSnapshot["behind"];
  readonly senders: IngestSnapshot["senders"];
  readonly rules: IngestSnapshot["rules"];
  readonly heartbeats: IngestSnapshot["heartbeats"];
  readonly replays: IngestSnapshot["replays"];
  readonly summary: StatusSummary | undefined;
  readonly relay: RelayCounts;
  readonly lake: LakeSnapshot;
  /** Undefined: without TLS. */
  readonly certificateExpiresMs?: number | undefined;
  /** How often the HTTP server closed all its connections. */
  readonly connectionsDropped: number;
}

/** A number, what it means, and where it comes from. */
export interface CentralMetric {
  /** Behind `tailgate_central_`; a counter ends in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly read: (sources: MetricSources) => number;
}

const bookWords: readonly (readonly [part: BookPart, name: string, help: string])[] = [
  ["assigned", "books_assigned", "Numbers that agents have given: the sum of the other metrics books_…."],
  ["beforeFirst", "books_before_first", "Numbers before the first that came of each lane."],
  ["stored", "books_stored", "Numbers whose events are stored."],
  ["inVehicle", "books_in_vehicle", "Numbers in flight: in the vehicles, as of their last heartbeats."],
  ["onTheWay", "books_on_the_way", "Numbers in flight: acknowledged by Kafka, not stored yet."],
  ["shed", "books_shed", "Numbers that policy has shed."],
  ["dead", "books_dead", "Numbers that no destination takes, or that cannot be read any more."],
  ["missing", "books_missing", "Numbers that did not come, although later ones did."],
  [
    "difference",
    "books_difference",
    "Numbers that nothing explains: alarm when it stays other than 0 (central/fleet/DESIGN.md).",
  ],
];
const bookMetrics: readonly CentralMetric[] = bookWords.map(([part, name, help]) => ({
  name,
  help,
  read: ({ summary }) => summary?.books?.[part] ?? 0,
}));

const lakeMetrics: readonly CentralMetric[] = [
  { name: "lake_rows", help: "Rows in the lake's current snapshot.", read: ({ lake }) => lake.rows },
  { name: "lake_files", help: "Parquet files in the lake's current snapshot.", read: ({ lake }) => lake.files },
  {
    name: "lake_bytes",
    help: "Bytes of the Parquet files in the lake's current snapshot.",
    read: ({ lake }) => lake.bytes,
  },
  { name: "lake_snapshots", help: "Snapshots that can be read.", read: ({ lake }) => lake.snapshots },
  {
    name: "lake_waiting",
    help: "1 while the lake waits for its disk, Kafka or the store: alarm when it stays.",
    read: ({ lake }) => Number(lake.state === "waiting"),
  },
  {
    name: "lake_lag",
    help: "Records that Kafka holds and the lake has not read; -1 unknown.",
    read: ({ lake }) => lake.lag ?? -1,
  },
  {
    name: "lake_buffered_rows",
    help: "Rows that are read and in no snapshot yet.",
    read: ({ lake }) => lake.bufferedRows,
  },
  {
    name: "lake_commits_total",
    help: "Snapshots with rows of the topics that this process has committed.",
    read: ({ lake }) => lake.commits,
  },
  {
    name: "lake_committed_rows_total",
    help: "Rows of the topics that this process has committed.",
    read: ({ lake }) => lake.committedRows,
  },
  {
    name: "lake_failures_total",
    help: "Times the lake began anew from its last snapshot.",
    read: ({ lake }) => lake.failures,
  },
  {
    name: "lake_last_commit_seconds",
    help: "When this process committed last, seconds since 1970; 0: not yet.",
    read: ({ lake }) => (lake.lastCommitMs ?? 0) / 1_000,
  },
  {
    name: "lake_gone_total",
    help: "Offsets that Kafka no longer had when the lake came to read them: alarm on any.",
    read: ({ lake }) => lake.gone,
  },
  { name: "lake_damaged_total", help: "Offsets of batches that cannot be read.", read: ({ lake }) => lake.damaged },
  {
    name: "lake_withheld_total",
    help: "Rows of erased vehicles that were left out.",
    read: ({ lake }) => lake.withheld,
  },
  {
    name: "lake_erasures_pending",
    help: "Erased vehicles whose rows are still in the lake.",
    read: ({ lake }) => lake.erasuresPending,
  },
];

/** All of them. */
export const centralMetrics: readonly CentralMetric[] = [
  { name: "stored_total", help: "Events stored by this process.", read: ({ counters }) => counters.stored },
  {
    name: "repeated_total",
    help: "Records that came again with the same bytes.",
    read: ({ counters }) => counters.repeated,
  },
  {
    name: "conflicts_total",
    help: "Records that came again with other bytes: alarm on any.",
    read: ({ counters }) => counters.conflicts,
  },
  {
    name: "shed_total",
    help: "Records that markers say were shed at the edge.",
    read: ({ counters }) => counters.shed,
  },
  {
    name: "dead_lettered_total",
    help: "Records put aside as dead letters.",
    read: ({ counters }) => counters.deadLettered,
  },
  {
    name: "signed_total",
    help: "Records in batches that the agent they name has signed.",
    read: ({ senders }) => senders.signed,
  },
  {
    name: "unsigned_total",
    help: "Records in batches without a signature, while signatures are looked at.",
    read: ({ senders }) => senders.unsigned,
  },
  {
    name: "wrongly_signed_total",
    help: "Records in batches whose signature is not of the agent that they name: alarm on any.",
    read: ({ senders }) => senders.wronglySigned,
  },
  { name: "replays_running", help: "Replays that run now.", read: ({ replays }) => replays.running },
  {
    name: "replay_records_read_total",
    help: "Records that replays of this process have read.",
    read: ({ replays }) => replays.read,
  },
  { name: "transactions_total", help: "Store transactions.", read: ({ counters }) => counters.transactions },
  {
    name: "fenced_total",
    help: "Store transactions refused because another central had moved the position.",
    read: ({ counters }) => counters.fenced,
  },
  {
    name: "store_failures_total",
    help: "Transactions that the store could not take.",
    read: ({ counters }) => counters.storeFailures,
  },
  {
    name: "rebalances_total",
    help: "Times this central has joined the consumer group.",
    read: ({ consumer }) => consumer.rebalances,
  },
  {
    name: "store_available",
    help: "1 when the store takes writes: alarm on 0.",
    read: ({ counters }) => Number(counters.storeAvailable),
  },
  {
    name: "kafka_connected",
    help: "1 when a broker answered something within 5 s: alarm on 0; -1 where no Kafka is configured.",
    read: ({ consumer, summary }) => (summary?.kafkaConfigured === false ? -1 : Number(consumer.connected)),
  },
  {
    name: "relay_on",
    help: "1 where edges may bring records by relay.",
    read: ({ summary }) => Number(summary?.relayOn === true),
  },
  {
    name: "relayed_total",
    help: "Records that came by relay, repeated ones among them.",
    read: ({ counters }) => counters.relayed,
  },
  { name: "relay_taken_total", help: "Relay requests whose records are stored.", read: ({ relay }) => relay.taken },
  {
    name: "relay_put_off_total",
    help: "Relay requests that were told to come again: too many at once, too slow, or the store was away.",
    read: ({ relay }) => relay.putOff,
  },
  {
    name: "relay_refused_total",
    help: "Relay requests refused for good (wrong keys are not counted here): alarm when it grows.",
    read: ({ relay }) => relay.refused,
  },
  {
    name: "relay_bytes_total",
    help: "Bytes of the relay requests whose records are stored.",
    read: ({ relay }) => relay.bytes,
  },
  { name: "relay_requests", help: "Relay requests under way.", read: ({ relay }) => relay.requests },
  {
    name: "relay_waiting_bytes",
    help: "Bytes that came by relay and are not stored yet.",
    read: ({ relay }) => relay.waitingBytes,
  },
  {
    name: "partitions",
    help: "Partitions assigned to this process.",
    read: ({ consumer }) => consumer.partitions.length,
  },
  {
    name: "unread_partitions",
    help: "Partitions of the topics that nobody reads into this store: alarm above 0.",
    read: ({ summary }) => summary?.unreadPartitions ?? 0,
  },
  {
    name: "partitions_behind_group",
    help: "Partitions of which the consumer group has committed more than the store holds: alarm above 0.",
    read: ({ behind }) => behind.length,
  },
  {
    name: "stalled_partitions",
    help: "Partitions that have records to read, and none come for 30 s: alarm above 0.",
    read: ({ summary }) => summary?.stalledPartitions ?? 0,
  },
  {
    name: "missing_topics",
    help: "Topics of the config that the cluster does not have.",
    read: ({ consumer }) => consumer.missingTopics.length,
  },
  {
    name: "group_refused",
    help: "1 while the consumer group refuses this central, because its members have another store: alarm on 1.",
    read: ({ consumer }) => Number(consumer.groupRefused),
  },
  { name: "ready", help: "1 when /readyz answers 200.", read: ({ summary }) => Number(summary?.problems.length === 0) },
  { name: "events", help: "Events in the store.", read: ({ summary }) => summary?.stored ?? 0 },
  {
    name: "before_first",
    help: "Numbers before the first that came of each lane: perhaps never sent here.",
    read: ({ summary }) => summary?.beforeFirst ?? 0,
  },
  {
    name: "missing",
    help: "Numbers that did not come, although later ones of their lane did: alarm when it stays above 0.",
    read: ({ summary }) => summary?.missing ?? 0,
  },
  {
    name: "gaps",
    help: "Gaps: ranges of offsets that Kafka lost before central read them.",
    read: ({ summary }) => summary?.gaps ?? 0,
  },
  { name: "vehicles", help: "Vehicles in the store.", read: ({ summary }) => summary?.vehicles ?? 0 },
  {
    name: "lag",
    help: "Offsets that can be read and are not stored; -1: unknown.",
    read: ({ summary }) => summary?.lag ?? -1,
  },
  {
    name: "lag_age_seconds",
    help: "How long ago a broker last said how far a partition goes, for the partition where that is longest; -1: never.",
    read: ({ summary }) => secondsOf(summary?.lagUntoldForMs ?? null),
  },
  {
    name: "waiting",
    help: "Offsets that an open transaction holds back; -1: unknown.",
    read: ({ summary }) => summary?.waiting ?? -1,
  },
  {
    name: "rules_evaluated_total",
    help: "Events that rules looked at, added up over all rules.",
    read: ({ rules }) => sumOf(rules, ({ evaluated }) => evaluated),
  },
  {
    name: "rules_late_total",
    help: "Events that came later than a rule's lateness allows: not looked at.",
    read: ({ rules }) => sumOf(rules, ({ late }) => late),
  },
  {
    name: "rules_clock_ahead_total",
    help: "Events dated far in the future: not looked at by rules.",
    read: ({ rules }) => sumOf(rules, ({ clockAhead }) => clockAhead),
  },
  {
    name: "rules_not_applied_total",
    help: "Payloads that are no JSON, or beyond 16 KiB: rules do not apply.",
    read: ({ rules }) => sumOf(rules, ({ notJson, tooLarge }) => notJson + tooLarge),
  },
  {
    name: "rules_errors_total",
    help: "Evaluations of rules that failed: alarm when it grows.",
    read: ({ rules }) => sumOf(rules, ({ errors }) => errors),
  },
  {
    name: "rules_suppressed_total",
    help: "Alerts that minInterval held back.",
    read: ({ rules }) => sumOf(rules, ({ suppressed }) => suppressed),
  },
  {
    name: "rules_early_total",
    help: "Events that rules looked at before their lateness was over.",
    read: ({ rules }) => sumOf(rules, ({ early }) => early),
  },
  {
    name: "rules_vehicles_dropped_total",
    help: "Vehicles whose rules' state was forgotten because there were too many.",
    read: ({ rules }) => rules.vehiclesDropped,
  },
  {
    name: "alerts_delivered_total",
    help: "Changes of alerts that the webhook or the topic has taken.",
    read: ({ rules }) => rules.delivered,
  },
  {
    name: "alert_delivery_failures_total",
    help: "Tries to deliver an alert that failed.",
    read: ({ rules }) => rules.deliveryFailures,
  },
  {
    name: "alert_deliveries_dropped_total",
    help: "Changes of alerts that were given up because too many waited: alarm on any.",
    read: ({ rules }) => rules.deliveriesDropped,
  },
  {
    name: "heartbeats_total",
    help: "Heartbeats of agents that were kept.",
    read: ({ heartbeats }) => heartbeats.kept,
  },
  {
    name: "heartbeats_refused_total",
    help: "Records of the topic of heartbeats that are no heartbeats, or that their sender may not send.",
    read: ({ heartbeats }) => heartbeats.refused,
  },
  {
    name: "certificate_expires_seconds",
    help: "When central's certificate expires, seconds since 1970: alarm two weeks before; 0 without TLS.",
    read: ({ certificateExpiresMs = 0 }) => certificateExpiresMs / 1_000,
  },
  {
    name: "connections_dropped_total",
    help: "How often all HTTP connections were closed, because they had taken almost all descriptors.",
    read: ({ connectionsDropped }) => connectionsDropped,
  },
  ...bookMetrics,
  ...lakeMetrics,
];

/** What is written on the page. */
export const metricPrefix = "tailgate_central_";

/** Puts all of them on the page. */
export function declareMetrics(metrics: Metrics, sources: () => MetricSources): void {
  for (const { name, help, read } of centralMetrics) {
    const type = name.endsWith("_total") ? "counter" : "gauge";
    metrics.observe(`${metricPrefix}${name}`, help, {}, () => read(sources()), type);
  }
}

function sumOf({ counts }: IngestSnapshot["rules"], of: (counts: Readonly<RuleCounts>) => number): number {
  return Object.values(counts).reduce((sum, each) => sum + of(each), 0);
}

function secondsOf(ms: number | null): number {
  return ms === null ? -1 : Math.round(ms / 1_000);
}
