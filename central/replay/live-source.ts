/** Kafka for replays to whoever asks, in the serving half: one connection for all of them, opened when the first one comes. */
import { Backoff } from "../../shared/async/backoff.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, hasCode } from "../../shared/errors/app-error.ts";
import type { KafkaConnection } from "../../shared/kafka/connection/client.ts";
import { type AskingLink, createKafkajsLink } from "../../shared/kafka/connection/kafkajs-link.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import { ArrivalBuilder } from "../consumer/kafka/arrival.ts";
import type { ReplayDefinition } from "../store/replay-port.ts";
import { codes } from "./codes.ts";
import { Feed } from "./feed.ts";
import { RecordFilter } from "./filter.ts";
import { Cluster } from "./kafka/cluster.ts";
import { type LivePart, liveReplay } from "./live-replay.ts";
import { type ResolvedRange, resolveRange } from "./resolve.ts";

/** What is asked for. */
export type LiveDefinition = Pick<ReplayDefinition, "from" | "to" | "vehicle" | "stream"> & {
  readonly topics: readonly string[];
  /** As fast as it is taken when not given. */
  readonly speed: number | undefined;
};

/** A replay that waits to be taken. */
export interface LiveReplay {
  readonly range: ResolvedRange;
  readonly parts: AsyncGenerator<LivePart>;
}

/** Where such a replay comes from. */
export interface LiveReplays {
  /** @throws AppError `CENTRAL_REPLAY_KAFKA` when Kafka does not answer, `CENTRAL_REPLAY_WIDE` when it is too much for one. */
  open(definition: LiveDefinition, signal: AbortSignal): Promise<LiveReplay>;
}

/** What it stands on. */
export interface LiveSourceOptions {
  readonly connection: KafkaConnection;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
}

/** Each costs an answer of the broker in memory. */
const partitionsMax = 256;
/**
 * Compressed bytes of one answer, or one batch: what is unpacked at once keeps all others from being answered for so long, and
 * each partition keeps it until it is taken.
 */
const answerBytes = 32 * 1024;

export class LiveSource implements LiveReplays {
  private readonly link: AskingLink;

  constructor(private readonly options: LiveSourceOptions) {
    const { connection, report, random } = options;
    const times = { connectTimeoutMs: 5_000, requestTimeoutMs: 10_000 };
    this.link = createKafkajsLink({ ...connection, ...times, report, random, component: "live replay" });
  }

  async open(definition: LiveDefinition, signal: AbortSignal): Promise<LiveReplay> {
    const range = await this.resolve(definition);
    const count = range.partitions.length;
    if (count > partitionsMax) {
      throw new AppError(
        codes.CENTRAL_REPLAY_WIDE,
        `replay ${count} partitions at once: ${partitionsMax} are the most`,
      );
    }
    const cluster = new Cluster(this.link, codes.CENTRAL_REPLAY_KAFKA, answerBytes);
    const filter = new RecordFilter(definition);
    const { clock, random } = this.options;
    const backoff = new Backoff({ initialMs: 200, maxMs: 4_000 }, random);
    const feed = () => new Feed(cluster, new ArrivalBuilder(undefined), filter);
    return { range, parts: liveReplay(range.partitions, definition.speed, { clock, backoff, feed, signal }) };
  }

  close(): void {
    this.link.close();
  }

  private async resolve(definition: LiveDefinition): Promise<ResolvedRange> {
    try {
      const wanted = { ...definition, recordsPerSecondMax: 1, into: { kind: "store" } as const };
      return await resolveRange(wanted, new Cluster(this.link), { topics: [], storedUpTo: undefined });
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.severity !== "transient") throw thrown;
      if (hasCode(thrown, codes.CENTRAL_REPLAY_KAFKA)) throw thrown;
      throw new AppError(codes.CENTRAL_REPLAY_KAFKA, "begin a replay", { cause: thrown });
    }
  }
}
