/** The numbers that people and the live view look at: the store's sums, this instance's view of Kafka, and the speed. */
import type { Clock } from "../shared/clock/clock.ts";
import type { IngestSnapshot } from "./ingest/snapshot.ts";
import type { StoreReader, Totals } from "./store/reader.ts";

/** How far one partition is stored. `null`: unknown to this instance. */
export interface PartitionLag {
  topic: string;
  partition: number;
  generation: number;
  next: number;
  highWatermark: number | null;
  lag: number | null;
  stored: number;
  updatedAtMs: number | null;
}

/** All partitions; `lag` is the sum of what is known. */
export interface Lag {
  partitions: PartitionLag[];
  lag: number | null;
  rebalances: number;
}

/** Everything in one line of numbers. */
export interface StatusSummary extends Totals {
  linesPerSecond: number;
  lag: number | null;
  kafkaConnected: boolean;
  storeAvailable: boolean;
  sinceMs: number;
}

/** What the numbers are made of. */
export interface StatusOptions {
  readonly reader: StoreReader;
  readonly clock: Clock;
  readonly snapshot: () => IngestSnapshot;
}

const windowMs = 5_000;
/** Sums are read once for all who ask within this time. */
const freshMs = 250;

export class StatusService {
  private readonly sinceMs: number;
  private samples: { readonly atMs: number; readonly stored: number }[] = [];
  private cached: { readonly atMs: number; readonly totals: Promise<Totals> } | undefined;

  constructor(private readonly options: StatusOptions) {
    this.sinceMs = options.clock.now();
  }

  async summary(): Promise<StatusSummary> {
    const totals = await this.totals();
    const { lag } = await this.lag();
    const { consumer, counters } = this.options.snapshot();
    return {
      ...totals,
      linesPerSecond: this.speed(),
      lag,
      kafkaConnected: consumer.connected,
      storeAvailable: counters.storeAvailable,
      sinceMs: this.sinceMs,
    };
  }

  async lag(): Promise<Lag> {
    const { consumer } = this.options.snapshot();
    const ends = new Map(consumer.partitions.map((one) => [`${one.topic}/${one.partition}`, one.highWatermark]));
    const positions = await this.options.reader.positions();
    const partitions = positions.map(({ topic, partition, generation, next, stored, updatedAtMs }) => {
      const key = `${topic}/${partition}`;
      const end = ends.get(key) ?? -1;
      ends.delete(key);
      const highWatermark = end >= 0 ? end : null;
      const lag = highWatermark === null ? null : Math.max(0, highWatermark - next);
      return { topic, partition, generation, next, highWatermark, lag, stored, updatedAtMs };
    });
    for (const { topic, partition, highWatermark: end } of consumer.partitions) {
      if (!ends.has(`${topic}/${partition}`)) continue;
      const known = end >= 0 ? end : null;
      partitions.push({
        topic,
        partition,
        generation: 0,
        next: 0,
        highWatermark: known,
        lag: known,
        stored: 0,
        updatedAtMs: 0,
      });
    }
    const known = partitions.flatMap(({ lag }) => (lag === null ? [] : [lag]));
    const sum = known.length === 0 ? null : known.reduce((total, one) => total + one, 0);
    return { partitions, lag: sum, rebalances: consumer.rebalances };
  }

  /** To be called once a second. */
  async sample(): Promise<void> {
    const { stored } = await this.totals();
    const atMs = this.options.clock.uptimeMs();
    this.samples = [...this.samples.filter((sample) => atMs - sample.atMs <= windowMs), { atMs, stored }];
  }

  /** The last summary, for metrics. */
  latest: StatusSummary | undefined;

  /** Reads the numbers that the metrics page shows; they stay as they were while the store is away. */
  async refreshMetrics(): Promise<void> {
    this.latest = await this.summary().catch(() => this.latest);
  }

  /** Whether the serving half can serve: the store answers reads. */
  async ready(): Promise<boolean> {
    await this.totals();
    return this.options.snapshot().counters.storeAvailable;
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
