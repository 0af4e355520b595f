import { parseAddress } from "../../../shared/config/address.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { BrokerConnection, type ConnectionOptions } from "../../../shared/kafka/connection/broker-connection.ts";
import type { KafkaConnection } from "../../../shared/kafka/connection/client.ts";
import { topicIdsMessage } from "../../../shared/kafka/messages/topic-ids.ts";
import { createBriefKafka } from "./brief-client.ts";

/** Kafka's ids of topics, by name. */
export type TopicIds = ReadonlyMap<string, string>;

/** Reading waits for the answer, and a member that waits sends no heartbeats: well below a session. */
const answerWithinMs = 3_000;
const brokerWithinMsMin = 400;

/**
 * The ids of topics, from the first broker that answers; none when it is older than Kafka 2.8. On a connection of its
 * own: kafkajs speaks no version of Metadata that has them.
 *
 * @throws AppError `KAFKA_UNREACHABLE` or `KAFKA_AUTHENTICATION`.
 */
export async function askTopicIds(connection: KafkaConnection, topics: readonly string[]): Promise<TopicIds> {
  const logger = createBriefKafka(connection).logger();
  const withinMs = Math.max(brokerWithinMsMin, Math.round(answerWithinMs / connection.brokers.length));
  const options = { ...connection, connectTimeoutMs: withinMs, requestTimeoutMs: withinMs, logger };
  let last: unknown;
  for (const broker of connection.brokers) {
    try {
      return await askBroker(broker, topics, options);
    } catch (thrown) {
      last = thrown;
    }
  }
  throw last;
}

async function askBroker(broker: string, topics: readonly string[], options: ConnectionOptions): Promise<TopicIds> {
  const message = topicIdsMessage(topics);
  const connection = await BrokerConnection.open(parseAddress(broker), options);
  try {
    return connection.supports(message) ? await connection.send(message) : new Map();
  } finally {
    connection.destroy(new AppError("KAFKA_UNREACHABLE", "ask for the ids of topics: it was answered"));
  }
}

/** A topic has an id that it did not have. What a broker does not tell proves nothing. */
export function hasOtherTopic(before: TopicIds, now: TopicIds): boolean {
  return [...now].some(([topic, id]) => before.get(topic) !== id);
}
