import type { AppError } from "../../../shared/errors/app-error.ts";
import type { Code } from "../../../shared/errors/codes.ts";

/** What to do about Kafka's errors here: the codes' own hints speak of a sink that writes. */
const hints = new Map<string, string>(
  Object.entries({
    KAFKA_UNREACHABLE:
      "Check that the brokers are up and reachable from here. The topics keep the records meanwhile; central tries again without end.",
    KAFKA_AUTHENTICATION:
      "Check kafka.sasl (user, password, mechanism) and the TLS certificates. Central tries again without end.",
    KAFKA_TLS:
      "Check kafka.tls, the certificates of both sides and this machine's clock. Central tries again without end.",
    KAFKA_UNAUTHORIZED:
      "Grant READ on the topics and on the group to this user (kafka-acls --consumer). Central tries again without end.",
    KAFKA_TOPIC_MISSING: "Create the topic, or correct `topics`. Central looks for it every 10 s.",
  } satisfies Partial<Record<Code, string>>),
);

/** The hint that fits a reader; what was found out about the very cause is better still. */
export function consumerHint({ code, hint, declared }: AppError): string {
  return hint === declared.hint ? (hints.get(code) ?? hint) : hint;
}
