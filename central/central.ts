/** The whole service: the writing half in its worker, the serving half here. Started from what it leans on upwards. */

import { withDeadline } from "../shared/async/deadline.ts";
import { systemClock } from "../shared/clock/clock.ts";
import { AppError, messageOf } from "../shared/errors/app-error.ts";
import { systemRandom } from "../shared/random/random.ts";
import type { Report } from "../shared/telemetry/log.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { RelayDesk } from "./api/relay/desk.ts";
import { createApi } from "./app.ts";
import type { Asked } from "./asked.ts";
import { codes } from "./codes.ts";
import { apiKeys, isOurHost } from "./config/access.ts";
import { type Certificate, readCertificate } from "./config/certificate.ts";
import { relaySettings } from "./config/relay.ts";
import type { CentralConfig } from "./config/schema.ts";
import { shownAddress, storeAddress } from "./config/store-address.ts";
import { ownDescriptors } from "./descriptors.ts";
import { checkRulesStore, loadEventRules } from "./ingest/event-rules.ts";
import { noRelay } from "./ingest/relay/relay-counts.ts";
import { type IngestSnapshot, noSnapshot } from "./ingest/snapshot.ts";
import { IngestThread } from "./ingest/thread.ts";
import { noLake } from "./lake/snapshot.ts";
import { declareMetrics } from "./metrics.ts";
import { operationsBy } from "./replay/calls.ts";
import { LiveSource } from "./replay/live-source.ts";
import { serve } from "./server.ts";
import { ServiceManager } from "./service-manager.ts";
import { FleetService } from "./status/fleet.ts";
import { StatusService } from "./status/status.ts";
import { storeKindOf } from "./store/kinds.ts";
import { relayOnly, sampleFailed, started, stopped, stopping } from "./telemetry.ts";
import { Renewal } from "./tls/renewal.ts";

/** The fetched records in hand, leaving the group, closing the store. */
const stopDeadlineMs = 9_000;
/** The writing half speaks twice a second. */
const saidJustNowMs = 3_000;

/** Runs until it is asked to stop, or until something cannot go on. */
export async function runCentral(config: CentralConfig, report: Report, asked: Asked): Promise<void> {
  const kind = storeKindOf(config.store);
  const address = storeAddress(config);
  checkRulesStore(config, kind);
  await kind.check(address);
  const clock = systemClock;
  const reader = kind.reader(address);
  const feed = kind.feed?.(address);
  const metrics = new Metrics();
  let thread: IngestThread | undefined;
  const snapshot = () => thread?.snapshot ?? noSnapshot;
  const running = (): IngestThread => {
    if (thread === undefined) throw new AppError("CENTRAL_STORE_UNAVAILABLE", "change the store: it is not open yet");
    return thread;
  };
  const settings = relaySettings(config);
  const store = async (key: string, bytes: ArrayBuffer) => await running().relay(key, bytes);
  const relay = settings && new RelayDesk({ settings, clock, store });
  const kafkaConfigured = config.kafka !== undefined;
  const status = new StatusService({ reader, clock, snapshot, kafkaConfigured, relay: relay && (() => relay.counts) });
  const fleet =
    reader.fleet &&
    new FleetService({
      reader: reader.fleet,
      clock,
      report,
      lag: () => status.lag(),
      connected: () => isConnected(snapshot()),
      heartbeats: config.heartbeats?.topic,
      reads: (topic) => readsTopic(config, topic),
      patienceMs: config.booksPatience,
    });
  status.fleet = fleet;
  const lake = await lakeOf(config, report);
  declareMetrics(metrics, () => ({
    ...snapshot(),
    summary: status.latest,
    relay: relay?.counts ?? noRelay,
    lake: lake?.snapshot() ?? noLake,
    certificateExpiresMs: renewal?.certificateExpiresMs,
    connectionsDropped: server.dropped,
  }));
  const live = liveReplaysOf(config, report);
  const asking = operationsBy(async (call) => await running().replay(call));
  const api = createApi({
    reader,
    feed,
    rules: { set: (await loadEventRules(config))?.step.set, snapshot: () => snapshot().rules },
    operations: {
      quarantine: async (agent, on) => await running().quarantine(agent, on),
      forget: async (lanes) => await running().forget(lanes),
    },
    relay,
    lake,
    replays: asking,
    redrives: asking,
    liveReplays: live,
    status,
    fleet,
    clock,
    metrics,
    report,
    keys: apiKeys(config),
    relayNeedsCertificate: config.tls?.clients === "relay",
    requestsPerSecond: config.requestsPerSecond,
    isOurHost: isOurHost(config),
  });
  const certificate = certificateOf(config.tls);
  const serving = { report, descriptors: ownDescriptors, bodyBytesMax: settings?.bodyBytesMax ?? 0, certificate };
  const server = serve(api, config.listen, serving);
  const take = (renewed: Certificate) => server.renew(renewed);
  const renewal = config.tls && certificate && new Renewal({ files: config.tls, clock, report, take }, certificate);
  asked.onHangup(() => renewal?.look());
  thread = new IngestThread(config);
  const { failed } = thread;
  const sampling = setInterval(() => {
    status.sample().catch((thrown: unknown) => report(sampleFailed, { error: messageOf(thrown) }));
  }, 1_000);
  report(started, {
    url: server.url,
    store: shownAddress(address),
    ...(kafkaConfigured ? { group: config.group } : {}),
  });
  if (!kafkaConfigured) report(relayOnly);
  const manager = new ServiceManager(process.env, () => snapshot().silentMs, report);
  try {
    await Promise.race([failed, whenAborted(asked.stop)]);
    report(stopping);
    manager.stopping();
    await endInTime(Promise.all([thread.stop(), lake?.stop()]), stopDeadlineMs);
  } finally {
    clearInterval(sampling);
    manager.stop();
    renewal?.stop();
    await server.stop();
    live?.close();
    feed?.rest();
    await reader.close();
  }
  report(stopped);
}

/** Undefined: there is no Kafka to read again. */
function liveReplaysOf({ kafka }: CentralConfig, report: Report): LiveSource | undefined {
  if (kafka === undefined) return undefined;
  const { brokers, clientId, tls, sasl } = kafka;
  return new LiveSource({
    connection: { brokers, clientId, tls, sasl },
    clock: systemClock,
    random: systemRandom,
    report,
  });
}

/** By what the writing half said last; what it said before it (or all of us) stood still counts no more. */
function isConnected({ consumer, silentMs }: IngestSnapshot): boolean {
  return consumer.connected && silentMs < saidJustNowMs;
}

/** @throws AppError `CONFIG_INVALID` when its files have changed since the config was read, and cannot be used now. */
function certificateOf(tls: CentralConfig["tls"]): Certificate | undefined {
  const read = tls && readCertificate(tls);
  if (read?.ok === false) throw new AppError("CONFIG_INVALID", `read the certificate: ${read.message}`);
  return read?.certificate;
}

function readsTopic({ topics, topicPattern }: CentralConfig, topic: string): boolean {
  return topics.includes(topic) || topicPattern?.test(topic) === true;
}

/**
 * Waits for the writing half to end.
 *
 * @throws AppError `CENTRAL_STOP_SLOW` when it takes longer. What is stored is stored; the rest is read again.
 */
export async function endInTime(ending: Promise<unknown>, deadlineMs: number): Promise<void> {
  const late = () =>
    new AppError(
      codes.CENTRAL_STOP_SLOW,
      `stop: the fetched records in hand were not stored within ${deadlineMs / 1_000} s`,
    );
  await withDeadline(ending, deadlineMs, late);
}

/** Of the lake nothing is loaded where there is none. */
async function lakeOf({ lake, ...config }: CentralConfig, report: Report) {
  return lake && (await import("./lake/lake.ts")).openLake({ ...config, lake }, report);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
