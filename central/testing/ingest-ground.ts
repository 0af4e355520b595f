/** What tests of ingest stand on: a real store that can be told to fail, and arrivals of one partition by hand. */
import { systemClock, VirtualClock } from "../../shared/clock/clock.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { bookedReport } from "../../shared/telemetry/counting-report.ts";
import { type Signal, silent } from "../../shared/telemetry/log.ts";
import { type TempDir, tempDir } from "../../shared/testing/temp-dir.ts";
import type { Arrival, ArrivalContext, Outcome, Start } from "../consumer/consumer.ts";
import { IngestCounters } from "../ingest/counters.ts";
import { EarlierStore } from "../ingest/earlier-store.ts";
import { FloodWatch } from "../ingest/flood-watch.ts";
import { Ingest } from "../ingest/ingest.ts";
import { SenderWatch } from "../ingest/sender-watch.ts";
import { StoreWatch } from "../ingest/store-watch.ts";
import { blockOf, type PlainRecord } from "../records/record-block.ts";
import { SqliteReader } from "../store/sqlite/reader.ts";
import { SqliteStore } from "../store/sqlite/store.ts";
import { FaultyStore } from "./faulty-store.ts";
import { testRecord } from "./records.ts";

/** The partition of all of them. */
export const at = { topic: "drive", partition: 0 };

/** Records of one agent, from an offset up to another one. */
export const range = (from: number, to: number, agent = "gw1") =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, agent }));

/** An arrival of these records that goes to the log's end, but for what `more` says. */
export function arrivalOf(records: readonly PlainRecord[], more: Partial<Arrival> = {}): Arrival {
  const firstOffset = records[0]?.offset ?? 0;
  const nextOffset = (records.at(-1)?.offset ?? -1) + 1;
  const blocks = [blockOf(records)];
  const ends = { firstOffset, nextOffset, endOffset: nextOffset, logStartOffset: 0 };
  return { ...at, blocks, damaged: [], hidden: [], ...ends, ...more };
}

/** An ingest and its store, made anew before each test of the file. */
export class IngestGround {
  said: string[] = [];
  fatal: unknown[] = [];
  heartbeats = 0;
  /** What the brokers tell. */
  topicId: string | undefined;
  stop = new AbortController();
  /** Ingest's own; waits take real time. */
  readonly clock = new VirtualClock();
  readonly counters = new IngestCounters();
  readonly watch: StoreWatch;
  readonly earlier: EarlierStore;
  readonly ingest: Ingest;

  private constructor(
    private readonly dir: TempDir,
    readonly store: FaultyStore,
    readonly reader: SqliteReader,
  ) {
    this.watch = this.watchOf(1);
    this.earlier = new EarlierStore(this.tools().report);
    this.ingest = this.another(this.watch);
  }

  static open(): IngestGround {
    const dir = tempDir("tailgate-ingest-");
    const path = dir.file("central.db");
    const store = new FaultyStore(new SqliteStore({ path, clock: systemClock, report: silent }));
    return new IngestGround(dir, store, new SqliteReader(path));
  }

  /** Another instance on the same store. */
  another(watch = this.watchOf(2)): Ingest {
    const { store, clock, counters, report, fatal } = this.tools();
    const floods = new FloodWatch(clock, report);
    const senders = new SenderWatch(report);
    const earlier = watch === this.watch ? this.earlier : new EarlierStore(report);
    return new Ingest({ store, watch, counters, senders, floods, earlier, clock, report, fatal });
  }

  /** What all that bring something to the store stand on. */
  tools() {
    const { store, clock, counters } = this;
    const say = (signal: Signal) => void this.said.push(signal.name);
    const report = bookedReport(say, (name, amount) => counters.book(name, amount));
    return { store, clock, counters, report, fatal: (thrown: unknown) => void this.fatal.push(thrown) };
  }

  private watchOf(seed: number): StoreWatch {
    return new StoreWatch({ ...this.tools(), random: seededRandom(seed) });
  }

  context(): ArrivalContext {
    return {
      signal: this.stop.signal,
      heartbeat: async () => {
        this.heartbeats++;
      },
      topicId: async () => this.topicId,
      decodeMs: 0,
    };
  }

  /** `committed`: what the group has committed to Kafka. */
  async assigned(committed?: number): Promise<Start> {
    return await this.ingest.assigned({ ...at, topicId: this.topicId, committed }, this.stop.signal);
  }

  async deliver(records: readonly PlainRecord[], more: Partial<Arrival> = {}): Promise<Outcome> {
    return await this.ingest.deliver(arrivalOf(records, more), this.context());
  }

  async stored(): Promise<number> {
    return (await this.reader.totals()).stored;
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.store.close();
    this.dir[Symbol.dispose]();
  }
}
