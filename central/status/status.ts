/** The numbers that people and the live view look at: the store's sums, this instance's view of Kafka, and the speed. */
import type { Clock } from "../../shared/clock/clock.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import type { PartitionBehind } from "../ingest/earlier-store.ts";
import type { RelayCounts } from "../ingest/relay/relay-counts.ts";
import type { IngestSnapshot } from "../ingest/snapshot.ts";
import { partitionName } from "../records/partition.ts";
import type { StoreReader, Totals } from "../store/reader.ts";
import type { BookPart, FleetBooks, FleetService } from "./fleet.ts";
import { isUntold, type Lag, lagOf, untoldMsMax } from "./lag.ts";
import { StillWatch } from "./still-watch.ts";

/** Everything in one line of numbers. */
export interface StatusSummary extends Totals {
  linesPerSecond: number;
  lag: number | null;
  waiting: number | null;
  unreadPartitions: number;
  stalledPartitions: number;
  /** How old the oldest word of a broker is that these stand on; null: nobody was asked. */
  lagUntoldForMs: number | null;
  missingTopics: string[];
  groupRefused: boolean;
  problems: string[];
  kafkaConfigured: boolean;
  kafkaConnected: boolean;
  relayOn: boolean;
  relayed: number;
  relayWaitingBytes: number;
  storeAvailable: boolean;
  signed: number;
  unsigned: number;
  wronglySigned: number;
  /** Of the fleet's books; null: not kept, or not summed up yet. */
  books: Readonly<Record<BookPart, number>> | null;
  sinceMs: number;
}

/** What the numbers are made of. */
export interface StatusOptions {
  readonly reader: StoreReader;
  readonly clock: Clock;
  readonly snapshot: () => IngestSnapshot;
  /** False: there is no Kafka to read from; what comes, comes by relay. */
  readonly kafkaConfigured: boolean;
  /** Undefined: nothing is taken by relay. */
  readonly relay: (() => RelayCounts) | undefined;
}

/** A transaction or a fold holds the writing half for half a second; twenty times that is a disk that does not answer. */
const writerSilentMsMax = 10_000;
const windowMs = 5_000;
/** Sums are read once for all who ask within this time. */
const freshMs = 250;

export class StatusService {
  private readonly sinceMs: number;
  private readonly still = new StillWatch();
  /** Since when Kafka answers, as it was looked at; undefined: it does not. */
  private answersSinceMs: number | undefined;
  private samples: { readonly atMs: number; readonly stored: number }[] = [];
  private cached: { readonly atMs: number; readonly totals: Promise<Totals> } | undefined;

  constructor(private readonly options: StatusOptions) {
    this.sinceMs = options.clock.now();
  }

  async summary(): Promise<StatusSummary> {
    const totals = await this.totals();
    const partitions = await this.lag();
    const { lag, waiting, unread, stalled, untoldForMs, missingTopics, groupRefused } = partitions;
    const { consumer, counters, senders } = this.options.snapshot();
    return {
      ...totals,
      linesPerSecond: this.speed(),
      lag,
      waiting,
      unreadPartitions: unread,
      stalledPartitions: stalled,
      lagUntoldForMs: untoldForMs,
      missingTopics,
      groupRefused,
      problems: this.reasons(partitions),
      kafkaConfigured: this.options.kafkaConfigured,
      kafkaConnected: consumer.connected,
      relayOn: this.options.relay !== undefined,
      relayed: counters.relayed,
      relayWaitingBytes: this.options.relay?.().waitingBytes ?? 0,
      storeAvailable: counters.storeAvailable,
      ...senders,
      books: partsOf(this.fleet?.latestBooks),
      sinceMs: this.sinceMs,
    };
  }

  async lag(): Promise<Lag> {
    const { consumer, counters } = this.options.snapshot();
    const nowMs = this.options.clock.uptimeMs();
    this.answersSinceMs = consumer.connected ? (this.answersSinceMs ?? nowMs) : undefined;
    const lag = lagOf(await this.options.reader.positions(), consumer);
    const { partitions } = lag;
    const still = this.still.look(
      partitions.map((one) => ({ ...one, untoldForMs: one.untoldForMs ?? Number.POSITIVE_INFINITY })),
      !counters.storeAvailable,
      this.options.clock.uptimeMs(),
    );
    for (const one of partitions) one.stalled ||= still.has(partitionName(one));
    return { ...lag, stalled: partitions.filter(({ stalled }) => stalled).length };
  }

  /** To be called once a second. */
  async sample(): Promise<void> {
    const { stored } = await this.totals();
    await this.lag(); // looks whether a partition stands still
    await this.fleet?.sample();
    const atMs = this.options.clock.uptimeMs();
    this.samples = [...this.samples.filter((sample) => atMs - sample.atMs <= windowMs), { atMs, stored }];
  }

  /** Whose sums it takes over. */
  fleet: FleetService | undefined;

  /** The last summary, for metrics. */
  latest: StatusSummary | undefined;

  /** Reads the numbers that the metrics page shows; they stay as they were while the store is away. */
  async refreshMetrics(): Promise<void> {
    this.latest = await this.summary().catch(() => this.latest);
  }

  /**
   * Why central is not ready; empty: it is. Ready means that what comes is stored: the store answers reads and takes
   * writes, and each partition of the topics that the cluster has is read into it, where there is a cluster. Kafka being away is no reason: nothing
   * is lost by waiting, and no other instance would do better.
   */
  async unreadiness(): Promise<readonly string[]> {
    try {
      return this.reasons(await this.lag());
    } catch (thrown) {
      return [...this.reasons(undefined), messageOf(thrown)];
    }
  }

  /** Undefined: the store does not answer. */
  private reasons(lag: Lag | undefined): string[] {
    const reasons: string[] = [];
    const { counters, silentMs, behind } = this.options.snapshot();
    const { storeAvailable, storeAwayBecause: because } = counters;
    if (!storeAvailable) reasons.push(`the store does not take writes${because === "" ? "" : `: ${because}`}`);
    if (silentMs > writerSilentMsMax) {
      reasons.push(`nothing is stored: the writing half has been silent for ${Math.round(silentMs / 1_000)} s`);
    }
    if (behind.length > 0) reasons.push(behindWords(behind));
    if (lag === undefined) return reasons;
    const { groupRefused, unread, stalled, untold, partitions } = lag;
    if (groupRefused) reasons.push("the consumer group does not let this central in: its members have another store");
    const named = (mine: (one: Lag["partitions"][number]) => boolean) =>
      partitions
        .filter(mine)
        .slice(0, 5)
        .map(({ topic, partition }) => `${topic}/${partition}`)
        .join(", ");
    if (unread > 0) reasons.push(`nobody reads ${unread} partitions into this store: ${named((one) => one.unread)}`);
    // A broker that is just back is asked within seconds: only one that has answered for long owes this answer.
    const answersForMs = this.options.clock.uptimeMs() - (this.answersSinceMs ?? Number.POSITIVE_INFINITY);
    if (untold > 0 && answersForMs >= untoldMsMax) {
      reasons.push(`Kafka answers, but not how far ${untold} partitions go: ${named(isUntold)}`);
    }
    if (stalled > 0) reasons.push(`${stalled} partitions stand still: ${named((one) => one.stalled)}`);
    return reasons;
  }

  private speed(): number {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return Math.round(((last.stored - first.stored) * 10_000) / (last.atMs - first.atMs)) / 10;
  }

  private totals(): Promise<Totals> {
    const nowMs = this.options.clock.uptimeMs();
    if (this.cached === undefined || nowMs - this.cached.atMs > freshMs) {
      this.cached = { atMs: nowMs, totals: this.options.reader.totals() };
    }
    return this.cached.totals;
  }
}

function behindWords(behind: readonly PartitionBehind[]): string {
  const named = behind.slice(0, 5).map(({ topic, partition, next, committed }) => {
    return `${topic}/${partition} (${next} of ${committed})`;
  });
  const what = `of ${behind.length} partitions the group has stored more than this store holds: ${named.join(", ")}`;
  return `${what}. Is its disk mounted?`;
}

function partsOf(books: FleetBooks | undefined): Readonly<Record<BookPart, number>> | null {
  if (books === undefined) return null;
  const { assigned, beforeFirst, stored, inVehicle, onTheWay, shed, dead, missing, difference } = books;
  return { assigned, beforeFirst, stored, inVehicle, onTheWay, shed, dead, missing, difference };
}
