import { aborted } from "../../../shared/async/aborted.ts";
import { parseAddress } from "../../../shared/config/address.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { explainConnect } from "../../../shared/kafka/connection/connect-error.ts";
import { createKafkajsLink, type LinkOptions } from "../../../shared/kafka/connection/kafkajs-link.ts";
import type { KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { readSigningKey, type SigningKey } from "../../../shared/signature/keys.ts";
import { countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { SinkContext } from "../../core/context.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Finding, LaneDelivery, SingleMessage, Sink } from "../../core/sink.ts";
import { Comeback } from "../../records/comeback.ts";
import type { Config } from "./config.ts";
import { KafkaLane } from "./lane.ts";
import { BrokerClock, type LaneTools, SteplessClusters } from "./lane-tools.ts";
import { Messenger } from "./messenger.ts";
import { probeCluster } from "./probe.ts";
import { Sender } from "./sender.ts";
import { SinkMetrics, signals } from "./telemetry.ts";
import { ClockCorrection } from "./timestamps.ts";
import { TokenBucket } from "./token-bucket.ts";
import { Topics } from "./topics.ts";

/** The way to a cluster that a config describes. */
export function linkOf(config: Config, context: SinkContext): KafkaLink {
  return createKafkajsLink(linkOptions(config, context));
}

function linkOptions(config: Config, context: SinkContext): LinkOptions {
  return {
    brokers: config.brokers,
    clientId: config.clientId ?? `tailgate-${context.agent}`,
    tls: config.tls,
    sasl: config.sasl,
    connectTimeoutMs: config.connectTimeout,
    requestTimeoutMs: config.requestTimeout,
    report: context.report,
    component: context.name,
    random: context.random,
  };
}

/** Sends batches to Kafka as they stand. Connects when the first batch comes; a vehicle starts offline. */
export class KafkaSink implements Sink {
  private readonly tools: LaneTools;
  private readonly comeback: Comeback;
  private readonly messenger: Messenger;

  constructor(
    private readonly config: Config,
    context: SinkContext,
    private readonly link: KafkaLink = linkOf(config, context),
  ) {
    const { clock, metrics } = context;
    const named: Report = (signal, fields) => context.report(signal, { component: context.name, ...fields });
    const report = countingReport(signals, { report: named, metrics, labels: { sink: context.name } });
    const telemetry = { report, metrics: new SinkMetrics(metrics, context.name) };
    const { bytesPerSecondMax, createTopic } = config;
    const limit = bytesPerSecondMax === undefined ? undefined : new TokenBucket(bytesPerSecondMax, clock.uptimeMs());
    this.tools = {
      context,
      link,
      telemetry,
      sender: new Sender({ link, clock, telemetry, limit }),
      topics: new Topics({
        link,
        clock,
        telemetry,
        create: createTopic && {
          partitions: createTopic.partitions,
          replicationFactor: createTopic.replication ?? -1,
          retentionMs: createTopic.retention,
          settings: createTopic.settings,
          perMinute: createTopic.perMinute,
        },
        partitionsKnown: (topic, partitions) => context.partsKnown(topic, partitions),
      }),
      clockCorrection: new ClockCorrection(),
      brokerClock: new BrokerClock(),
      stepless: new SteplessClusters(),
      producerIdExpirationMs: config.producerIdExpiration,
      signingKey: signingKeyOf(config),
    };
    this.messenger = new Messenger({
      link,
      telemetry,
      create: createTopic && { replicationFactor: createTopic.replication ?? -1 },
      signingKey: this.tools.signingKey,
      spend: (bytes) => {
        telemetry.metrics.bytes.add(bytes);
        limit?.spend(bytes, clock.uptimeMs());
      },
    });
    this.comeback = new Comeback({
      servers: config.brokers.map(parseAddress),
      // Any topic will do: that there is none of this name is an answer.
      ask: () => link.topic(config.topicDefault ?? config.topic),
      random: context.random,
    });
    const connected = () => (link.connected ? 1 : 0);
    const labels = { sink: context.name };
    metrics.observe("tailgate_kafka_connected", "1 while a connection to a broker stands.", labels, connected);
    const connections = () => link.connections;
    const help = "Connections opened; each after the first of a broker means that one was lost.";
    metrics.observe("tailgate_kafka_connections_total", help, labels, connections, "counter");
  }

  async start(): Promise<void> {}

  lane(notes: LaneNotes): LaneDelivery {
    const lane = new KafkaLane(notes, this.tools);
    return {
      deliver: (batch, signal) => lane.deliver(batch, signal).catch((thrown) => this.explain(thrown)),
      back: (signal) => this.back(lane, signal),
      mayHave: (batch) => lane.mayHave(batch),
      resumed: (from) => lane.resumed(from),
      status: () => lane.status(),
    };
  }

  tell(message: SingleMessage, signal: AbortSignal): Promise<void> {
    return this.messenger.tell(message, signal).catch((thrown) => this.explain(thrown));
  }

  probe(signal: AbortSignal): Promise<readonly Finding[]> {
    return probeCluster(this.config, linkOptions(this.config, this.tools.context), signal);
  }

  async stop(): Promise<void> {
    this.comeback.stop();
    this.link.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return {
      connected: this.link.connected,
      clusterId: this.tools.topics.clusterId,
      askedBroker: this.link.asked,
      signedBy: this.tools.signingKey?.publicText,
    };
  }

  /** Only what could not be reached is waited for: who was refused tries again no sooner because a broker listens. */
  private back(lane: KafkaLane, signal: AbortSignal): Promise<void> {
    return lane.unreachable ? this.comeback.wait(signal) : aborted(signal);
  }

  /** Whoever reads the log is told what to mend: a certificate is not a broker that is away. */
  private explain(thrown: unknown): never {
    throw thrown instanceof AppError ? explainConnect(thrown, this.config) : thrown;
  }
}

function signingKeyOf({ signingKey }: Config): SigningKey | undefined {
  if (signingKey === undefined) return undefined;
  const read = readSigningKey(signingKey);
  invariant(read.ok, "the config's check has read the key");
  return read.value;
}
