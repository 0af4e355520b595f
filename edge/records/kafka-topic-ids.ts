import { AppError } from "../../shared/errors/app-error.ts";
import type { AskingLink } from "../../shared/kafka/connection/kafkajs-link.ts";
import { topicIdsMessage } from "../../shared/kafka/messages/topic-ids.ts";

/** Kafka's ids of topics, by name: a topic that is deleted and made again has another one. */
export type TopicIds = ReadonlyMap<string, string>;

/** The ids of topics; none from a broker that is older than Kafka 2.8. */
export async function askTopicIds(link: AskingLink, topics: readonly string[]): Promise<TopicIds> {
  if (topics.length === 0) return new Map();
  try {
    return await link.askAnyone(topicIdsMessage(topics));
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "KAFKA_VERSION") return new Map();
    throw thrown;
  }
}

/** Whether one of these is another topic now. What is not told proves nothing. */
export function isAnotherTopic(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

const aboutPrefix = "topic-id ";

/** For the group, beside an offset: which topic it is about. Other consumers leave such a text alone. */
export function aboutTopic(id: string | undefined): string | undefined {
  return id === undefined ? undefined : aboutPrefix + id;
}

/** Which topic an offset of the group is about; undefined: whoever told it did not say. */
export function topicIdOf(metadata: string | null | undefined): string | undefined {
  return metadata?.startsWith(aboutPrefix) === true ? metadata.slice(aboutPrefix.length) : undefined;
}
