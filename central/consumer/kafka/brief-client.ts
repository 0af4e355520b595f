import { Kafka, logLevel } from "kafkajs";
import {
  endlessRetry,
  type KafkaConnection,
  saslOptions,
  tlsOptions,
} from "../../../shared/kafka/connection/client.ts";

/**
 * A client for one question. It gives up when every broker was tried, and says why: `createKafka`'s own goes on without
 * end, so that a wrong certificate would only be seen as silence. Stands on the patches that `createKafka` makes.
 */
export function createBriefKafka({ brokers, clientId, tls, sasl }: KafkaConnection): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: 10_000,
    enforceRequestTimeout: true,
    retry: { ...endlessRetry, retries: brokers.length - 1 },
    // What it has to say comes as the error.
    logLevel: logLevel.NOTHING,
    ...(tls === undefined ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  });
}
