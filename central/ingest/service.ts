/** The writing half of central: store, consumer, ingest. Runs in a worker of its own, or in a test. */
import { systemClock } from "../../shared/clock/clock.ts";
import { systemRandom } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import { KafkaConsumer } from "../consumer/kafka/consumer.ts";
import { protocolOf } from "../consumer/kafka/store-protocol.ts";
import { storeKindOf } from "../store/kinds.ts";
import type { Store, StoreOperations } from "../store/store.ts";
import { BelievedKeys } from "./believed-keys.ts";
import { Ingest } from "./ingest.ts";
import type { IngestSnapshot } from "./snapshot.ts";

/** The writing half, running. */
export interface IngestService {
  snapshot(): IngestSnapshot;
  /** Between two transactions of the consumer. */
  readonly operations: StoreOperations;
  /** Ends the arrival in hand, leaves the group, closes the store. */
  stop(): Promise<void>;
}

/** An idle store is asked as often whether it takes writes. */
const probeEveryMs = 1_000;

/**
 * Opens the store first, then joins the group: a member that cannot store yet would only hold partitions. Waits for a
 * store that is away until the signal aborts.
 */
export async function startIngest(
  config: CentralConfig,
  report: Report,
  fatal: (thrown: unknown) => void,
  signal: AbortSignal,
): Promise<IngestService> {
  const rules = {
    topics: config.topicAgents,
    vehicles: config.agentVehicles,
    signatures: config.signatures?.mode ?? "off",
  } as const;
  const believed = config.signatures && new BelievedKeys(config.signatures.keys, report);
  const store = storeKindOf(config.store).writer(config.store, { clock: systemClock, report, rules });
  const ingest = new Ingest({ store, clock: systemClock, random: systemRandom, report, fatal });
  await ingest.untilStoreOpens(signal);
  const { kafka } = config;
  const consumer = new KafkaConsumer({
    connection: { brokers: kafka.brokers, clientId: kafka.clientId, tls: kafka.tls, sasl: kafka.sasl },
    topics: { names: config.topics, pattern: config.topicPattern, text: topicsText(config) },
    groupId: config.group,
    protocol: protocolOfStore(store),
    sessionTimeoutMs: config.sessionTimeout,
    heartbeatMs: Math.max(200, Math.floor(config.sessionTimeout / 6)),
    fetchBytesPerPartition: config.fetchBytes,
    keys: believed && (() => believed.keys),
    report,
    clock: systemClock,
    random: systemRandom,
  });
  consumer.start(ingest);
  const watching = setInterval(() => void ingest.probeWhenIdle(), probeEveryMs);
  return {
    snapshot: () => ({
      consumer: consumer.state(),
      counters: { ...ingest.counters },
      senders: ingest.senders.counts(),
      silentMs: 0,
    }),
    operations: store,
    stop: async () => {
      clearInterval(watching);
      believed?.stop();
      await consumer.stop();
      await store.close();
    },
  };
}

/** While the store is away the members go on under its last name. */
function protocolOfStore(store: Store): () => string {
  let last = "none";
  return () => {
    last = store.id ?? last;
    return protocolOf(last);
  };
}

function topicsText({ topics, topicPattern }: CentralConfig): string {
  return [...topics, ...(topicPattern === undefined ? [] : [String(topicPattern)])].join(", ");
}
