import type { ConnectionOptions } from "node:tls";
import { Kafka, logLevel, type RetryOptions, type SASLOptions } from "kafkajs";
import type { Report } from "../../telemetry/log.ts";
import { forwardLog } from "./client-log.ts";
import { installPatches } from "./patches.ts";
import { type FetchListener, type FetchWait, factoryWithListener } from "./raw-fetch.ts";

/** How to reach a Kafka cluster; the same words in every config that names one. */
export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Shown in the broker's logs and quotas. */
  readonly clientId: string;
  /** PEM texts and checks; undefined: no TLS. */
  readonly tls?: KafkaTls | undefined;
  readonly sasl?: KafkaSasl | undefined;
  /** Until a connection stands; 5 s when not given. */
  readonly connectTimeoutMs?: number | undefined;
  /** Until a request is answered; 30 s when not given. */
  readonly requestTimeoutMs?: number | undefined;
}

/** PEM texts, not paths. */
export interface KafkaTls {
  /** Who signed the brokers' certificates; the system's list when not given. */
  readonly ca?: string | undefined;
  /** Our own certificate and key, for mutual TLS. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  /** The name the brokers' certificates carry, when it is not the host's. */
  readonly serverName?: string | undefined;
  /** Off only for tests: anybody can then play the broker. */
  readonly verify?: boolean | undefined;
}

/** User and password, and how they are shown to the broker: PLAIN (RFC 4616) only over TLS, SCRAM (RFC 5802) anywhere. */
export interface KafkaSasl {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

/** A cluster, and where the client's log goes. */
export interface KafkaOptions extends KafkaConnection {
  readonly report: Report;
  /** Who uses the client, for the log. */
  readonly component: string;
  /** Has its consumers hand out record batches as bytes (`fetchedPartition`), and is told of every answer. */
  readonly fetched?: FetchListener;
  /** Asked before each fetch of such a consumer. */
  readonly fetchWaitMs?: FetchWait;
  /** What kafkajs may say at all; errors and warnings when not given. */
  readonly level?: logLevel;
}

/**
 * Retries that do not give up and are quick: kafkajs's own (5 tries, up to 30 s apart) end a consumer during an outage
 * and make it 10 to 25 s late after one. Pass it to `consumer({ retry })` and `admin({ retry })` too.
 */
export const endlessRetry: RetryOptions = {
  retries: 1e9,
  initialRetryTime: 100,
  multiplier: 1.5,
  maxRetryTime: 1_000,
};

/**
 * A kafkajs client that is fit for a daemon: quiet when idle, not fooled by a broker that is silent, all codecs read, endless quick retries, and its
 * log in ours. Connects to nothing yet.
 */
export function createKafka(options: KafkaOptions): Kafka {
  installPatches();
  return new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: options.connectTimeoutMs ?? 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    enforceRequestTimeout: true,
    retry: endlessRetry,
    logLevel: options.level ?? logLevel.WARN,
    logCreator: forwardLog(options.report, options.component),
    ...(options.fetched === undefined
      ? {}
      : { socketFactory: factoryWithListener(options.fetched, options.fetchWaitMs) }),
    ...(options.tls === undefined ? {} : { ssl: tlsOptions(options.tls) }),
    ...(options.sasl === undefined ? {} : { sasl: saslOptions(options.sasl) }),
  });
}

/** As node's `tls.connect` wants it. */
export function tlsOptions(tls: KafkaTls): ConnectionOptions {
  return {
    rejectUnauthorized: tls.verify ?? true,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}

/** As kafkajs wants it. */
export function saslOptions({ mechanism, username, password }: KafkaSasl): SASLOptions {
  return { mechanism, username, password };
}
