/**
 * The topics as the lake reads them: by offset, in no group, from where its table is. What the table says is the only position
 * there is; nobody else has a word in it.
 */
import { withDeadline } from "../../shared/async/deadline.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { KafkaConnection } from "../../shared/kafka/connection/client.ts";
import type { AskingLink } from "../../shared/kafka/connection/kafkajs-link.ts";
import { ArrivalBuilder } from "../consumer/kafka/arrival.ts";
import { createBriefKafka } from "../consumer/kafka/brief-client.ts";
import { askTopicIds } from "../consumer/kafka/topic-ids.ts";
import { selectTopics, type TopicSelection } from "../consumer/kafka/topics.ts";
import { partitionName, type TopicPartition } from "../records/partition.ts";
import { Feed, type FeedPart } from "../replay/feed.ts";
import { RecordFilter } from "../replay/filter.ts";
import { Cluster } from "../replay/kafka/cluster.ts";
import { codes } from "./codes.ts";
import type { Positions } from "./positions.ts";

/** What it stands on. */
export interface SourceOptions {
  readonly link: AskingLink;
  readonly connection: KafkaConnection;
  readonly topics: TopicSelection;
  readonly clock: Clock;
}

/** What is asked of it for a lake. */
export type LakeReading = Pick<LakeSource, "look" | "range" | "isCut" | "read">;

/** Topics, partitions and ids are asked for again after this time. */
const topicsFreshMs = 10_000;
const listWithinMs = 15_000;
/** A new leader may not know for a moment how far its log is committed. What lasts longer is a log that was cut. */
const cutAfterMs = 30_000;

const everything = new RecordFilter({ from: undefined, to: undefined, vehicle: undefined, stream: undefined });

export class LakeSource {
  private readonly cluster: Cluster;
  private readonly feeds = new Map<string, Feed>();
  private readonly beyond = new Map<string, number>();
  private partitions: readonly TopicPartition[] = [];
  private ids: ReadonlyMap<string, string> = new Map();
  private askedMs = Number.NEGATIVE_INFINITY;
  private turn = 0;

  constructor(private readonly options: SourceOptions) {
    this.cluster = new Cluster(options.link, codes.CENTRAL_LAKE_KAFKA);
  }

  /** All partitions of the topics, each time another one first, and the topics' ids. @throws AppError when Kafka does not answer. */
  async look(): Promise<{ readonly partitions: readonly TopicPartition[]; readonly ids: ReadonlyMap<string, string> }> {
    const nowMs = this.options.clock.uptimeMs();
    if (nowMs - this.askedMs > topicsFreshMs) {
      const partitions: TopicPartition[] = [];
      const topics = await this.topics();
      for (const topic of topics) {
        const count = (await this.cluster.partitions(topic)) ?? 0;
        for (let partition = 0; partition < count; partition++) partitions.push({ topic, partition });
      }
      this.ids = await askTopicIds(this.options.connection, topics);
      this.partitions = partitions;
      this.askedMs = nowMs;
    }
    this.turn++;
    const first = this.partitions.length === 0 ? 0 : this.turn % this.partitions.length;
    return { partitions: [...this.partitions.slice(first), ...this.partitions.slice(0, first)], ids: this.ids };
  }

  /** What can be read of a partition: from the log's start where nothing was read yet, to the last committed record. */
  async range(at: TopicPartition, positions: Positions): Promise<{ readonly next: number; readonly end: number }> {
    const end = (await this.cluster.offset(at, "end")) ?? 0;
    const next = positions.at(at) ?? (await this.cluster.offset(at, "start")) ?? 0;
    return { next, end };
  }

  /** True: for a while now the log has ended before our position. */
  isCut(at: TopicPartition, { next, end }: { readonly next: number; readonly end: number }): boolean {
    const key = partitionName(at);
    if (next <= end) {
      this.beyond.delete(key);
      return false;
    }
    const nowMs = this.options.clock.uptimeMs();
    const sinceMs = this.beyond.get(key) ?? nowMs;
    this.beyond.set(key, sinceMs);
    return nowMs - sinceMs >= cutAfterMs;
  }

  /** One answer of the broker; undefined: nothing came. @throws AppError when Kafka does not answer. */
  async read(
    at: TopicPartition,
    { next, end }: { readonly next: number; readonly end: number },
  ): Promise<FeedPart | undefined> {
    const key = partitionName(at);
    const feed = this.feeds.get(key) ?? new Feed(this.cluster, new ArrivalBuilder(), everything);
    this.feeds.set(key, feed);
    return await feed.read({ ...at, next, until: end });
  }

  private async topics(): Promise<readonly string[]> {
    const { topics, connection } = this.options;
    if (topics.pattern === undefined) return topics.names;
    const admin = createBriefKafka(connection).admin();
    const slow = () => new AppError("KAFKA_UNREACHABLE", "list topics: no answer in time");
    try {
      return selectTopics(
        topics,
        await withDeadline(
          admin.connect().then(() => admin.listTopics()),
          listWithinMs,
          slow,
        ),
      );
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      throw new AppError(codes.CENTRAL_LAKE_KAFKA, "list topics", { cause: thrown });
    } finally {
      await admin.disconnect().catch(() => undefined); // It is asked for one answer, which it gave or not.
    }
  }
}
