/**
 * What a broker's answer to a Produce request means. The question that matters is whether the batch can be in the log:
 * an error before the append says no; one after it, or a leader that changed while it waited for its replicas, leaves it
 * open. (`NOT_LEADER_OR_FOLLOWER` and `UNKNOWN_TOPIC_OR_PARTITION` are also what a delayed produce answers when the
 * leadership moves away behind its append: kafka.server.DelayedProduce.)
 */
import type { Code } from "../../../shared/errors/codes.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";

export type Verdict =
  /** In the log, now or from an earlier send, and committed: a recognised repeat waits for the high watermark too. */
  | { readonly kind: "appended" }
  /**
   * 46: the leader has it from an earlier send. Kafka before 1.1 says so without waiting for its replicas, later ones
   * answer a repeat as a success, and brokers that are not Apache's do as they like: no proof.
   */
  | { readonly kind: "duplicate" }
  /** 45: this send was not appended; the log's last sequence is not the one before. */
  | { readonly kind: "out_of_order" }
  /** 47, 90: a newer epoch of our producer id has written. */
  | { readonly kind: "fenced" }
  /** 59: the broker knows nothing of the producer and wants it to begin at 0, or one of its own. This send was not appended. */
  | { readonly kind: "forgotten"; readonly reason: string }
  /** 10, 18: not appended, and never will be as it is. */
  | { readonly kind: "too_large" }
  /** 32: not appended: the time stamps lie outside of what the topic takes. */
  | { readonly kind: "timestamp" }
  /** Not appended, and never will be. `corrupt` may have happened on the way: worth a few more tries. */
  | { readonly kind: "refused"; readonly reason: string; readonly corrupt: boolean }
  /** This send was not appended; a later one may be. */
  | { readonly kind: "later"; readonly code: Code; readonly reason: string }
  /** It may be in the log: the same bytes again. The leader may be another one now. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Reads an error code of a Produce response. */
export function verdictOf(errorCode: number): Verdict {
  const reason = `the broker answered ${errorName(errorCode)}`;
  switch (errorCode) {
    case errors.NONE:
      return { kind: "appended" };
    case errors.DUPLICATE_SEQUENCE_NUMBER:
      return { kind: "duplicate" };
    case errors.OUT_OF_ORDER_SEQUENCE_NUMBER:
      return { kind: "out_of_order" };
    case errors.INVALID_PRODUCER_EPOCH:
    case errors.PRODUCER_FENCED:
      return { kind: "fenced" };
    case errors.UNKNOWN_PRODUCER_ID:
      return { kind: "forgotten", reason };
    case errors.MESSAGE_TOO_LARGE:
    case errors.RECORD_LIST_TOO_LARGE:
      return { kind: "too_large" };
    case errors.INVALID_TIMESTAMP:
      return { kind: "timestamp" };
    case errors.CORRUPT_MESSAGE:
      return { kind: "refused", reason, corrupt: true };
    case errors.INVALID_RECORD:
    case errors.UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case errors.UNSUPPORTED_COMPRESSION_TYPE:
    case errors.POLICY_VIOLATION:
      return { kind: "refused", reason, corrupt: false };
    case errors.TOPIC_AUTHORIZATION_FAILED:
    case errors.CLUSTER_AUTHORIZATION_FAILED:
      return { kind: "later", code: "KAFKA_UNAUTHORIZED", reason };
    case errors.NOT_ENOUGH_REPLICAS:
      return { kind: "later", code: "KAFKA_NOT_ENOUGH_REPLICAS", reason };
    default:
      return { kind: "unknown", reason };
  }
}
