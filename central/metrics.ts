import type { Metrics } from "../shared/telemetry/metrics.ts";
import type { IngestSnapshot } from "./ingest/snapshot.ts";
import type { StatusSummary } from "./status.ts";

/** Declares central's metrics: read from what is known when the page is asked for. */
export function declareMetrics(
  metrics: Metrics,
  snapshot: () => IngestSnapshot,
  summary: () => StatusSummary | undefined,
): void {
  const ingest = (name: string, help: string, read: (counters: IngestSnapshot["counters"]) => number) =>
    metrics.observe(`tailgate_central_${name}`, help, {}, () => read(snapshot().counters), "counter");
  ingest("stored_total", "Events stored by this process.", ({ stored }) => stored);
  ingest("repeated_total", "Records that came again with the same bytes.", ({ repeated }) => repeated);
  ingest("conflicts_total", "Records that came again with other bytes.", ({ conflicts }) => conflicts);
  ingest("shed_total", "Records that markers say were shed at the edge.", ({ shed }) => shed);
  ingest("dead_lettered_total", "Records put aside.", ({ deadLettered }) => deadLettered);
  ingest("transactions_total", "Store transactions.", ({ transactions }) => transactions);
  ingest("fenced_total", "Transactions refused because the position had moved.", ({ fenced }) => fenced);
  ingest("store_failures_total", "Transactions that the store could not take.", ({ storeFailures }) => storeFailures);

  const gauge = (name: string, help: string, read: () => number) =>
    metrics.observe(`tailgate_central_${name}`, help, {}, read);
  gauge("store_available", "1 when the store takes writes.", () => Number(snapshot().counters.storeAvailable));
  gauge("kafka_connected", "1 when a broker answered within 5 s.", () => Number(snapshot().consumer.connected));
  gauge("partitions", "Partitions assigned to this process.", () => snapshot().consumer.partitions.length);
  gauge("events", "Events in the store.", () => summary()?.stored ?? 0);
  gauge("missing", "Records that the ledger misses.", () => summary()?.missing ?? 0);
  gauge("gaps", "Gap alerts.", () => summary()?.gaps ?? 0);
  gauge("vehicles", "Vehicles in the store.", () => summary()?.vehicles ?? 0);
  gauge("lag", "Offsets that can be read and are not stored; -1 unknown.", () => summary()?.lag ?? -1);
  gauge("waiting", "Offsets that an open transaction holds back; -1 unknown.", () => summary()?.waiting ?? -1);
  gauge(
    "unread_partitions",
    "Partitions of the topics that nobody reads into this store: alarm above 0.",
    () => summary()?.unreadPartitions ?? 0,
  );
  gauge(
    "stalled_partitions",
    "Partitions that have records to read, and none come: alarm above 0.",
    () => summary()?.stalledPartitions ?? 0,
  );
  gauge(
    "missing_topics",
    "Topics of the config that the cluster does not have.",
    () => summary()?.missingTopics.length ?? 0,
  );
  gauge("group_refused", "1 while the group does not let us in.", () => Number(summary()?.groupRefused ?? false));
  metrics.observe(
    "tailgate_central_rebalances_total",
    "Times the group was joined.",
    {},
    () => snapshot().consumer.rebalances,
    "counter",
  );
}
