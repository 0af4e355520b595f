/** What keeps the topic from being the channel, in words: for the way in, and for whoever tries it. */
import { AppError } from "../../../shared/errors/app-error.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import { codes } from "./codes.ts";

export function topicRefusal(topic: string, errorCode: number): AppError {
  if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) {
    const hint =
      "Create it: a channel makes no topic, because its partitions and its retention decide what it can promise.";
    return new AppError("KAFKA_TOPIC_MISSING", `ask for topic ${topic}: there is none`, { hint });
  }
  const message = `ask for topic ${topic}: ${errorName(errorCode)}`;
  if (errorCode === errors.TOPIC_AUTHORIZATION_FAILED) return new AppError("KAFKA_UNAUTHORIZED", message);
  return new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, message);
}
