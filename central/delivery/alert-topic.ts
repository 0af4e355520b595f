/**
 * Alerts to a topic: key is the vehicle, so that what is said of one stands in order; the header `alert` is the key of the
 * change, by which a consumer knows a repeat. The producer is idempotent: its own retries repeat nothing. A crash between
 * the brokers' answer and the store's mark does, once; a transaction would not help, because the mark is not in Kafka.
 */
import type { Producer } from "kafkajs";
import { withDeadline } from "../../shared/async/deadline.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { createKafka, endlessRetry, type KafkaConnection } from "../../shared/kafka/connection/client.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { AlertDelivery } from "../store/rules-port.ts";
import type { AlertSink, SendResult } from "./sink.ts";

/** Which cluster and topic. */
export interface AlertTopicOptions {
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly report: Report;
}

/** Connecting, and every retry of a send. After it the producer is made anew: it may hang on a dead connection. */
const sendDeadlineMs = 30_000;

export class AlertTopic implements AlertSink {
  readonly target = "topic";
  private producer: Producer | undefined;

  constructor(private readonly options: AlertTopicOptions) {}

  async send(deliveries: readonly AlertDelivery[], signal: AbortSignal): Promise<SendResult> {
    const { topic } = this.options;
    const messages = deliveries.map(({ key, vehicle, body }) => ({
      key: vehicle,
      value: body,
      headers: { alert: key },
    }));
    try {
      signal.throwIfAborted();
      const late = () => new AppError("KAFKA_UNREACHABLE", `write alerts to ${topic}: no answer in time`);
      await withDeadline(this.write(topic, messages), sendDeadlineMs, late);
      return { delivered: deliveries.map(({ id }) => id), refused: [], error: undefined };
    } catch (thrown) {
      await this.stop();
      return { delivered: [], refused: [], error: messageOf(thrown) };
    }
  }

  async stop(): Promise<void> {
    const { producer } = this;
    this.producer = undefined;
    // Whatever it says: nobody uses it any more.
    await producer?.disconnect().catch(() => {});
  }

  private async write(topic: string, messages: Parameters<Producer["send"]>[0]["messages"]): Promise<void> {
    if (this.producer === undefined) {
      const { connection, report } = this.options;
      const producer = createKafka({ ...connection, report, component: "alerts" }).producer({
        idempotent: true,
        maxInFlightRequests: 1,
        // A topic that somebody deleted stays deleted.
        allowAutoTopicCreation: false,
        retry: { ...endlessRetry, retries: 20 },
      });
      this.producer = producer;
      await producer.connect();
    }
    await this.producer.send({ topic, acks: -1, messages });
  }
}
