/** The writing half of central: store, consumer, ingest. Runs in a worker of its own, or in a test. */
import { systemClock } from "../../shared/clock/clock.ts";
import { systemRandom } from "../../shared/random/random.ts";
import type { KeyList } from "../../shared/signature/key-list.ts";
import { bookedReport } from "../../shared/telemetry/counting-report.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import { relaySettings } from "../config/relay.ts";
import type { CentralConfig } from "../config/schema.ts";
import { storeAddress } from "../config/store-address.ts";
import { KafkaConsumer } from "../consumer/kafka/consumer.ts";
import { protocolOf } from "../consumer/kafka/store-protocol.ts";
import type { TopicSelection } from "../consumer/kafka/topics.ts";
import type { AdmissionRules } from "../ledger/admission.ts";
import type { RedriveOperations, ReplayOperations } from "../replay/calls.ts";
import { RedriveService } from "../replay/redrive-service.ts";
import { ReplayService } from "../replay/service.ts";
import { storeKindOf } from "../store/kinds.ts";
import type { ReplayStore } from "../store/replay-port.ts";
import type { Store, StoreOperations } from "../store/store.ts";
import { heartbeatsNotKept } from "../telemetry.ts";
import { BelievedKeys } from "./believed-keys.ts";
import { IngestCounters } from "./counters.ts";
import { EarlierStore } from "./earlier-store.ts";
import { loadEventRules } from "./event-rules.ts";
import { FloodWatch } from "./flood-watch.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Ingest } from "./ingest.ts";
import { RelayIntake } from "./relay/relay-intake.ts";
import { RulesService } from "./rules-service.ts";
import { SenderWatch } from "./sender-watch.ts";
import { type IngestSnapshot, noHeartbeats, noReplays, noSnapshot } from "./snapshot.ts";
import { StoreWatch } from "./store-watch.ts";

/** The writing half, running. */
export interface IngestService {
  snapshot(): IngestSnapshot;
  /** Between two transactions of the consumer. */
  readonly operations: StoreOperations;
  /** Undefined: this central takes nothing by relay. */
  readonly relay: Pick<RelayIntake, "take"> | undefined;
  /** Undefined: the store has no replay. */
  readonly replays: ReplayOperations | undefined;
  /** Undefined: the store tries no dead letters again. */
  readonly redrives: RedriveOperations | undefined;
  /** Ends the arrival in hand, leaves the group, closes the store. */
  stop(): Promise<void>;
}

/** An idle store is asked as often whether it takes writes. */
const probeEveryMs = 1_000;

/**
 * Opens the store first, then joins the group, where Kafka is configured: a member that cannot store yet would only hold
 * partitions. Waits for a store that is away until the signal aborts.
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
  const eventRules = await loadEventRules(config);
  const store = storeKindOf(config.store).writer(storeAddress(config), {
    clock: systemClock,
    report,
    rules,
    eventRules,
    lateAfterMs: config.lateAfter,
    alertRetentionMs: config.alerts.retention,
  });
  const counters = new IngestCounters();
  const senders = new SenderWatch(report);
  const floods = new FloodWatch(systemClock, report);
  const earlier = new EarlierStore(report);
  const booked = bookedReport(report, (name, amount) => counters.book(name, amount));
  const tools = { store, clock: systemClock, report: booked, counters, fatal };
  const watch = new StoreWatch({ ...tools, random: systemRandom });
  await watch.untilOpen(signal);
  const keys = believed && (() => believed.keys);
  const relaying = relaySettings(config);
  const relay = relaying && new RelayIntake({ ...tools, watch, senders, keys, agents: relaying.agents });
  const heartbeats = heartbeatsOf(config, { store, rules, report });
  const topics = topicsOf(config, heartbeats !== undefined);
  const consumer = config.kafka && consumerOf(config, config.kafka, { store, report, keys, floods, topics });
  const ingest = new Ingest({ ...tools, watch, senders, floods, earlier, heartbeats });
  consumer?.start(ingest);
  const consumerState = () => consumer?.state() ?? noSnapshot.consumer;
  const running = new RulesService(config, {
    ...{ tools: eventRules, store, report, fatal, consumer: consumerState },
    stored: (partition) => ingest.storedUpTo(partition),
  });
  const replays = store.replays && replaysOf(config, store.replays, { store, report, keys, fatal });
  replays?.start();
  const redrives =
    store.redrives && new RedriveService({ redrives: store.redrives, clock: systemClock, report, fatal });
  redrives?.start();
  const watching = setInterval(() => void watch.probeWhenIdle(), probeEveryMs);
  return {
    snapshot: () => ({
      consumer: consumerState(),
      behind: earlier.behind(consumerState().partitions),
      counters: { ...counters },
      senders: senders.counts(),
      heartbeats: heartbeats?.desk.counts() ?? noHeartbeats,
      replays: replays?.counters ?? noReplays,
      silentMs: 0,
      rules: running.snapshot(),
    }),
    operations: {
      forget: (lanes) => store.forget(lanes),
      quarantine: async (agent, on) => {
        await store.quarantine(agent, on);
        if (!on) floods.letIn(agent);
      },
    },
    relay,
    replays,
    redrives,
    stop: async () => {
      clearInterval(watching);
      await Promise.all([replays?.stop(), redrives?.stop()]);
      believed?.stop();
      await Promise.all([relay?.stop(), consumer?.stop(), running.stop()]);
      await store.close();
    },
  };
}

interface ConsumerTools {
  readonly store: Store;
  readonly report: Report;
  readonly keys: (() => KeyList) | undefined;
  readonly floods: FloodWatch;
  readonly topics: TopicSelection;
}

function replaysOf(
  { kafka, topics, topicPattern }: CentralConfig,
  replays: ReplayStore,
  tools: Omit<ConsumerTools, "topics" | "floods"> & { readonly fatal: (thrown: unknown) => void },
): ReplayService {
  const connection = kafka && connectionOf(kafka);
  const own = { names: topics, pattern: topicPattern };
  return new ReplayService({ ...tools, replays, connection, own, clock: systemClock, random: systemRandom });
}

type KafkaSettings = NonNullable<CentralConfig["kafka"]>;

function connectionOf({ brokers, clientId, tls, sasl }: KafkaSettings) {
  return { brokers, clientId, tls, sasl };
}

function consumerOf(
  config: CentralConfig,
  kafka: KafkaSettings,
  { store, report, keys, floods, topics }: ConsumerTools,
): KafkaConsumer {
  return new KafkaConsumer({
    connection: connectionOf(kafka),
    topics,
    groupId: config.group,
    protocol: protocolOfStore(store),
    sessionTimeoutMs: config.sessionTimeout,
    heartbeatMs: Math.max(200, Math.floor(config.sessionTimeout / 6)),
    fetchBytesPerPartition: config.fetchBytes,
    keys,
    turnedAway: () => floods.turnedAway(),
    report,
    clock: systemClock,
    random: systemRandom,
  });
}

/** While the store is away the members go on under its last name. */
function protocolOfStore(store: Store): () => string {
  let last = "none";
  return () => {
    last = store.id ?? last;
    return protocolOf(last);
  };
}

function topicsOf({ topics, topicPattern: pattern, heartbeats }: CentralConfig, kept: boolean): TopicSelection {
  const names = heartbeats !== undefined && kept ? [...topics, heartbeats.topic] : topics;
  const text = [...names, ...(pattern === undefined ? [] : [String(pattern)])].join(", ");
  return { names, pattern, text };
}

interface HeartbeatTools {
  readonly store: Store;
  readonly rules: AdmissionRules;
  readonly report: Report;
}

/** Undefined: none are read. */
function heartbeatsOf({ heartbeats, kafka }: CentralConfig, { store, rules, report }: HeartbeatTools) {
  if (heartbeats === undefined || kafka === undefined) return undefined;
  if (store.fleet === undefined) {
    report(heartbeatsNotKept, { topic: heartbeats.topic });
    return undefined;
  }
  const desk = new Heartbeats({ store: store.fleet, rules, clock: systemClock, report });
  return { of: (topic: string) => (topic === heartbeats.topic ? desk : undefined), desk };
}
