/**
 * What an error code in a broker's answer means for whoever reads it. A broker that answers can be reached: its error says what to
 * mend, and that is hardly ever the network.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import { codes } from "./codes.ts";

/** The error for an answer to `doing`. */
export function refusal(doing: string, errorCode: number): AppError {
  const message = `${doing}: ${errorName(errorCode)}`;
  switch (errorCode) {
    case errors.TOPIC_AUTHORIZATION_FAILED:
      return new AppError("KAFKA_UNAUTHORIZED", message);
    case errors.CLUSTER_AUTHORIZATION_FAILED:
      return new AppError("KAFKA_UNAUTHORIZED", message, {
        hint: "Grant IDEMPOTENT_WRITE on the cluster to this user (brokers before 2.8 ask for it), or WRITE on a topic. Tailgate tries again on its own.",
      });
    case errors.UNSUPPORTED_VERSION:
      return new AppError("KAFKA_VERSION", message);
    case errors.COORDINATOR_LOAD_IN_PROGRESS:
    case errors.COORDINATOR_NOT_AVAILABLE:
      return new AppError(codes.KAFKA_NOT_READY, message, {
        hint: "The broker has just started and still loads what it knows of producers. Tailgate tries again on its own; it takes seconds.",
      });
    case errors.KAFKA_STORAGE_ERROR:
      return new AppError(codes.KAFKA_NOT_READY, message, {
        hint: "The broker cannot use its disk: look at its log. Tailgate tries again on its own.",
      });
    case errors.INVALID_TOPIC:
      return new AppError("KAFKA_TOPIC_MISSING", message, {
        hint: "The brokers take no topic of this name: letters, digits, dots, underscores and hyphens, 249 at most.",
      });
    default:
      return new AppError(codes.KAFKA_NOT_READY, message);
  }
}
