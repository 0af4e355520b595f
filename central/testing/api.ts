/** The API on a real store, without a port. */

import { createHash } from "node:crypto";
import { systemClock, VirtualClock } from "../../shared/clock/clock.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { type Fields, type Report, silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import type { RelayDesk } from "../api/relay/desk.ts";
import { createApi } from "../app.ts";
import type { ApiKey, Scope } from "../config/api-key.ts";
import { noRelay } from "../ingest/relay/relay-counts.ts";
import { type IngestSnapshot, noSnapshot } from "../ingest/snapshot.ts";
import type { Lake } from "../lake/lake.ts";
import { noLake } from "../lake/snapshot.ts";
import { declareMetrics } from "../metrics.ts";
import type { PlainRecord } from "../records/record-block.ts";
import { lastMark } from "../records/record-slices.ts";
import type { LiveReplays } from "../replay/live-source.ts";
import { RedriveService } from "../replay/redrive-service.ts";
import { ReplayService } from "../replay/service.ts";
import { FleetService } from "../status/fleet.ts";
import { StatusService } from "../status/status.ts";
import type { RulesTools } from "../store/rules-port.ts";
import { SqliteFeed } from "../store/sqlite/feed/feed.ts";
import { SqliteReader } from "../store/sqlite/reader.ts";
import { SqliteStore } from "../store/sqlite/store.ts";
import type { Append, Position } from "../store/store.ts";
import { noonMs, slicesOf } from "./records.ts";

/** What differs from an API that asks nobody for a key. */
export interface TestApiOptions {
  readonly keys?: readonly ApiKey[];
  readonly path?: string;
  readonly relay?: RelayDesk;
  readonly lake?: Lake;
  readonly report?: Report;
  readonly refusalDelayMs?: number;
  readonly requestsPerSecond?: number;
  readonly relayNeedsCertificate?: boolean;
  readonly eventRules?: RulesTools;
  readonly liveReplays?: LiveReplays;
  /** As with a kind of store that has none. */
  readonly withoutReplays?: boolean;
  readonly isOurHost?: (host: string | undefined) => boolean;
  /** In place of SQLite's own. */
  readonly reader?: (path: string) => SqliteReader;
}

/** What the log says of operators, and nothing else of it. */
export function operatorLines(take: (fields: Fields) => void): Report {
  return ({ name }, fields = {}) => {
    if (name === "operator_acted") take(fields);
  };
}

/** A key as the config makes it. */
export function testKey(key: string, scopes: readonly Scope[] = ["read", "metrics"], name = "test"): ApiKey {
  return { name, scopes, sha256: createHash("sha256").update(key).digest("hex") };
}

/** What a test may set; answers are parsed JSON. */
export class TestApi implements AsyncDisposable {
  readonly clock = new VirtualClock(noonMs);
  snapshot: IngestSnapshot = { ...noSnapshot, counters: { ...noSnapshot.counters, storeAvailable: true } };
  readonly status: StatusService;
  readonly fleet: FleetService | undefined;
  readonly store: SqliteStore;
  private readonly dir = tempDir("tailgate-api-");
  private readonly reader: SqliteReader;
  private readonly feed: SqliteFeed;
  readonly api;
  /** Runs no jobs: it was not started. */
  readonly replays: ReplayService;
  /** It runs its jobs once it was started. */
  readonly redrives: RedriveService;
  private position: Position | undefined;

  constructor(options: TestApiOptions = {}) {
    const path = options.path ?? this.dir.file("central.db");
    const { eventRules } = options;
    this.store = new SqliteStore({ path, clock: systemClock, report: silent, eventRules });
    this.reader = options.reader?.(path) ?? new SqliteReader(path);
    this.feed = new SqliteFeed(path);
    const { reader, clock } = this;
    this.status = new StatusService({
      reader,
      clock,
      snapshot: () => this.snapshot,
      kafkaConfigured: true,
      relay: undefined,
    });
    this.fleet =
      reader.fleet &&
      new FleetService({
        reader: reader.fleet,
        clock,
        report: options.report ?? silent,
        lag: () => this.status.lag(),
        connected: () => this.snapshot.consumer.connected,
        heartbeats: "beats",
        reads: () => true,
        patienceMs: 300_000,
      });
    this.status.fleet = this.fleet;
    this.replays = new ReplayService({
      store: this.store,
      replays: this.store.replays,
      connection: { brokers: ["127.0.0.1:1"], clientId: "test" },
      keys: undefined,
      own: { names: ["drive"], pattern: undefined },
      clock: systemClock,
      random: seededRandom(1),
      report: silent,
      fatal: (thrown) => {
        throw thrown;
      },
    });
    this.redrives = new RedriveService({
      redrives: this.store.redrives,
      clock: systemClock,
      report: silent,
      fatal: (thrown) => {
        throw thrown;
      },
    });
    const metrics = new Metrics();
    declareMetrics(metrics, () => ({
      ...this.snapshot,
      summary: this.status.latest,
      relay: noRelay,
      lake: noLake,
      connectionsDropped: 0,
    }));
    const { keys = [], report = silent, isOurHost = () => true, requestsPerSecond = 10_000 } = options;
    const dependencies = {
      reader,
      feed: this.feed,
      rules: { set: eventRules?.step.set, snapshot: () => this.snapshot.rules },
      operations: this.store,
      relay: options.relay,
      lake: options.lake,
      replays: options.withoutReplays === true ? undefined : this.replays,
      redrives: options.withoutReplays === true ? undefined : this.redrives,
      liveReplays: options.liveReplays,
      status: this.status,
      fleet: this.fleet,
      clock,
      metrics,
      report,
      keys,
      requestsPerSecond,
      relayNeedsCertificate: options.relayNeedsCertificate,
      isOurHost,
    };
    this.api = createApi(dependencies, { refusalDelayMs: options.refusalDelayMs ?? 1 });
  }

  /** Stores records of topic `drive`, partition 0. */
  async put(records: readonly PlainRecord[], more: Partial<Append> = {}): Promise<void> {
    const slices = slicesOf(records);
    const before = lastMark(slices);
    const next = (before?.offset ?? -1) + 1;
    const rest = { dead: [], damaged: [], gap: undefined, ...more };
    const append = { topic: "drive", partition: 0, seen: this.position, next, before, records: slices, ...rest };
    this.position = (await this.store.append(append)).position;
  }

  async request(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Response> {
    return await this.api.request(path, { method, headers: { ...headers } });
  }

  /** POST of a body. */
  async post(path: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<Response> {
    const all = { ...headers, "Content-Type": "application/json" };
    return await this.api.request(path, { method: "POST", headers: all, body: JSON.stringify(body) });
  }

  /** The body, whatever the status. */
  async get(path: string): Promise<Record<string, unknown>> {
    const body: unknown = await (await this.request(path)).json();
    return typeof body === "object" && body !== null ? Object.fromEntries(Object.entries(body)) : {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.feed.rest();
    await this.replays.stop();
    await this.redrives.stop();
    await this.reader.close();
    await this.store.close();
    this.dir[Symbol.dispose]();
  }
}
