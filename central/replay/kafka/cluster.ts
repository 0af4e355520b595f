/**
 * The cluster as a replay, or the lake, sees it: partitions read by offset, in no group. Whoever is in the group of the live consumption never
 * hears of it. Leaders are remembered until one of them answers that it is none.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import type { ErrorCode } from "../../../shared/errors/error-code.ts";
import type { AskingLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import type { BrokerNode, TopicMetadata } from "../../../shared/kafka/connection/link.ts";
import type { FetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import type { Message } from "../../../shared/kafka/message.ts";
import { fetchCommittedMessage } from "../../../shared/kafka/messages/fetch.ts";
import { committedOffsetMessage, type OffsetQuestion } from "../../../shared/kafka/messages/list-offsets.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import type { TopicPartition } from "../../records/partition.ts";
import { codes } from "../codes.ts";

/** Compressed bytes of one answer: what one partition costs in memory, before it is decompressed batch by batch. */
const fetchBytesStandard = 1024 * 1024;

export class Cluster {
  private readonly topics = new Map<string, TopicMetadata>();

  /**
   * @param refusedAs what is thrown where Kafka refuses.
   * @param fetchBytes of one answer, compressed; a batch that is larger comes whole.
   */
  constructor(
    readonly link: AskingLink,
    private readonly refusedAs: ErrorCode = codes.CENTRAL_REPLAY_KAFKA,
    private readonly fetchBytes = fetchBytesStandard,
  ) {}

  /** How many partitions it has; undefined: there is no such topic. */
  async partitions(topic: string): Promise<number | undefined> {
    this.topics.delete(topic);
    return (await this.topic(topic))?.leaders.length;
  }

  /** The offset; undefined when there is no record of that time or later. */
  async offset({ topic, partition }: TopicPartition, question: OffsetQuestion): Promise<number | undefined> {
    const message = committedOffsetMessage(topic, partition, question);
    const { errorCode, offset } = await this.ask({ topic, partition }, message);
    if (errorCode !== errors.NONE) throw this.refused(`ask for offsets of ${topic}-${partition}`, topic, errorCode);
    return offset < 0 ? undefined : offset;
  }

  /** Committed records from an offset on; `undefined`: the log begins after it, or ends before it. */
  async fetch({ topic, partition }: TopicPartition, offset: number): Promise<FetchedPartition | undefined> {
    const message = fetchCommittedMessage(topic, partition, offset, this.fetchBytes);
    const { errorCode, answer } = await this.ask({ topic, partition }, message);
    const code = errorCode === errors.NONE ? (answer?.errorCode ?? errors.UNKNOWN_TOPIC_OR_PARTITION) : errorCode;
    if (code === errors.OFFSET_OUT_OF_RANGE) return undefined;
    if (code !== errors.NONE || answer === undefined) throw this.refused(`read ${topic}-${partition}`, topic, code);
    const { lastStableOffset, highWatermark, logStartOffset, aborted, records } = answer;
    return {
      topic,
      partition,
      errorCode: 0,
      highWatermark: lastStableOffset >= 0 ? Math.min(lastStableOffset, highWatermark) : highWatermark,
      endOffset: highWatermark,
      logStartOffset: logStartOffset >= 0 ? logStartOffset : undefined,
      aborted,
      frames: splitBatches(records),
    };
  }

  /** Of the partition. @throws AppError `KAFKA_UNREACHABLE` or `CENTRAL_REPLAY_KAFKA`. */
  async leader({ topic, partition }: TopicPartition): Promise<BrokerNode> {
    const leader = (await this.topic(topic))?.leaders[partition];
    if (leader !== undefined) return leader;
    throw this.refused(`look for the leader of ${topic}-${partition}`, topic, errors.LEADER_NOT_AVAILABLE);
  }

  /** What a code other than none means; the next question goes by fresh metadata. */
  refused(doing: string, topic: string, errorCode: number): AppError {
    this.topics.delete(topic);
    return new AppError(this.refusedAs, `${doing}: Kafka answers ${errorName(errorCode)}`);
  }

  private async ask<Answer>(at: TopicPartition, message: Message<Answer>): Promise<Answer> {
    try {
      return await this.link.ask(await this.leader(at), message);
    } catch (thrown) {
      this.topics.delete(at.topic);
      throw thrown;
    }
  }

  private async topic(name: string): Promise<TopicMetadata | undefined> {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const found = await this.link.topic(name);
    if (found.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) return undefined;
    if (found.errorCode !== errors.NONE && found.errorCode !== errors.LEADER_NOT_AVAILABLE) {
      throw this.refused(`ask for topic ${name}`, name, found.errorCode);
    }
    this.topics.set(name, found);
    return found;
  }
}
