import { type logCreator, logLevel } from "kafkajs";
import { defineSignal, type Report } from "../../telemetry/log.ts";

/** kafkajs said something; its retries make one outage a thousand lines, so all are rate-limited. */
export const kafkaClientError = defineSignal({
  name: "kafka_client_error",
  level: "warn",
  message: "The Kafka client reports an error",
  atMostEveryMs: 30_000,
});

export const kafkaClientWarning = defineSignal({
  name: "kafka_client_warning",
  level: "info",
  message: "The Kafka client warns",
  atMostEveryMs: 30_000,
});

export const kafkaClientNote = defineSignal({
  name: "kafka_client_note",
  level: "debug",
  message: "The Kafka client says",
  atMostEveryMs: 1_000,
});

/** A kafkajs log creator that forwards to our own log and nowhere else. */
export function forwardLog(report: Report, component: string): logCreator {
  return () =>
    ({ namespace, level, log }) => {
      const signal =
        level === logLevel.ERROR ? kafkaClientError : level === logLevel.WARN ? kafkaClientWarning : kafkaClientNote;
      const { error, broker, groupId } = log;
      report(signal, {
        component,
        part: namespace,
        said: log.message,
        error: text(error),
        broker: text(broker),
        groupId: text(groupId),
      });
    };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
