/**
 * A central with a fleet in its store, served on a port, for looking at its page: vehicles that drive and are silent, a
 * trip of some hours, and what goes wrong in a night. What a vehicle sends is made up, and the same each time.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { formatIdentity } from "../../shared/identity/identity.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { createApi } from "../app.ts";
import type { ApiKey } from "../config/api-key.ts";
import { ownDescriptors } from "../descriptors.ts";
import { noSnapshot } from "../ingest/snapshot.ts";
import type { PlainRecord } from "../records/record-block.ts";
import { lastMark } from "../records/record-slices.ts";
import { type RunningServer, serve } from "../server.ts";
import { FleetService } from "../status/fleet.ts";
import { StatusService } from "../status/status.ts";
import { SqliteFeed } from "../store/sqlite/feed/feed.ts";
import { SqliteReader } from "../store/sqlite/reader.ts";
import { SqliteStore } from "../store/sqlite/store.ts";
import type { Position } from "../store/store.ts";
import { ownPartition } from "./partitions.ts";
import { slicesOf } from "./records.ts";

const stream = "drive";

/** A vehicle's number, in the form of a name. */
export function vehicleName(number: number): string {
  return `car-${String(number).padStart(5, "0")}`;
}

/** What differs from an open central. */
export interface PageGroundOptions {
  readonly port: number;
  readonly keys?: readonly ApiKey[];
}

export class PageGround implements AsyncDisposable {
  private readonly dir = tempDir("tailgate-page-");
  private readonly path = this.dir.file("central.db");
  private readonly store = new SqliteStore({ path: this.path, clock: systemClock, report: silent });
  private readonly reader = new SqliteReader(this.path);
  private readonly feed = new SqliteFeed(this.path);
  private readonly status: StatusService;
  private readonly server: RunningServer;
  private readonly seqs = new Map<string, number>();
  private position: Position | undefined;
  private offset = 0;
  private driving: ReturnType<typeof setInterval> | undefined;
  private sampling: ReturnType<typeof setInterval> | undefined;

  constructor({ port, keys = [] }: PageGroundOptions) {
    const snapshot = () => ({
      ...noSnapshot,
      counters: { ...noSnapshot.counters, storeAvailable: true },
      consumer: {
        ...noSnapshot.consumer,
        connected: true,
        rebalances: 1,
        partitions: [ownPartition(0, { highWatermark: this.offset, endOffset: this.offset })],
      },
    });
    const { reader, feed } = this;
    const clock = systemClock;
    this.status = new StatusService({ reader, clock, snapshot, kafkaConfigured: true, relay: undefined });
    const { fleet: ofFleet } = reader;
    const fleet =
      ofFleet &&
      new FleetService({
        reader: ofFleet,
        clock,
        report: silent,
        lag: () => this.status.lag(),
        connected: () => true,
        heartbeats: undefined,
        reads: () => true,
        patienceMs: 300_000,
      });
    const api = createApi({
      reader,
      feed,
      fleet,
      relay: undefined,
      lake: undefined,
      rules: { set: undefined, snapshot: () => snapshot().rules },
      replays: undefined,
      redrives: undefined,
      liveReplays: undefined,
      operations: this.store,
      status: this.status,
      clock,
      metrics: new Metrics(),
      report: silent,
      keys,
      requestsPerSecond: 1_000,
      isOurHost: () => true,
    });
    this.server = serve(api, `127.0.0.1:${port}`, {
      report: silent,
      descriptors: ownDescriptors,
      bodyBytesMax: 0,
    });
    this.sampling = setInterval(() => this.status.sample().catch(() => undefined), 1_000);
  }

  get url(): string {
    return this.server.url;
  }

  /** One event each of so many vehicles, so long ago. */
  async fleet(vehicles: number, agoMs: (number: number) => number): Promise<void> {
    const nowMs = systemClock.now();
    const records: PlainRecord[] = [];
    for (let number = 1; number <= vehicles; number++) {
      const timeMs = nowMs - agoMs(number);
      records.push(this.record(vehicleName(number), timeMs, drivingValue(number, timeMs)));
    }
    for (let from = 0; from < records.length; from += 2_000) await this.put(records.slice(from, from + 2_000));
  }

  /** A vehicle that has driven for so long until now, an event a second. */
  async trip(number: number, hours: number): Promise<void> {
    const nowMs = systemClock.now();
    const records: PlainRecord[] = [];
    for (let agoMs = hours * 3_600_000; agoMs > 0; agoMs -= 1_000) {
      const timeMs = nowMs - agoMs;
      // Twenty minutes in a garage: nobody hears it.
      if (agoMs > 2_400_000 && agoMs < 3_300_000) continue;
      records.push(this.record(vehicleName(number), timeMs, drivingValue(number, timeMs)));
    }
    for (let from = 0; from < records.length; from += 5_000) await this.put(records.slice(from, from + 5_000));
  }

  /** From now on these vehicles drive: an event a second each. */
  drive(numbers: readonly number[]): void {
    this.driving = setInterval(() => {
      const nowMs = systemClock.now();
      this.put(numbers.map((number) => this.record(vehicleName(number), nowMs, drivingValue(number, nowMs)))).catch(
        () => undefined,
      );
    }, 1_000);
  }

  /** One event of a vehicle, now. */
  async say(vehicle: string, value: string): Promise<void> {
    await this.put([this.record(vehicle, systemClock.now(), value)]);
  }

  /** Something that can never be an event. */
  async putAside(reason: string, bytes: Buffer): Promise<void> {
    const record = { ...this.record("car-00001", systemClock.now(), ""), value: bytes, identity: undefined };
    this.seqs.set("car-00001", (this.seqs.get("car-00001") ?? 1) - 1);
    const [slice] = slicesOf([record]);
    if (slice !== undefined) await this.put([], [{ ...slice, reason }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.driving);
    clearInterval(this.sampling);
    await this.server.stop();
    this.feed.rest();
    await this.reader.close();
    await this.store.close();
    this.dir[Symbol.dispose]();
  }

  private record(vehicle: string, timeMs: number, value: string): PlainRecord {
    const seq = this.seqs.get(vehicle) ?? 0;
    this.seqs.set(vehicle, seq + 1);
    const lane = { agent: `gw-${vehicle.slice(-2)}`, epoch: "e1", stream, lane: Number(vehicle.slice(-5)) || 0 };
    const identity = formatIdentity({
      ...lane,
      kind: "record",
      first: seq,
      last: seq,
      reason: undefined,
      eventTimeMs: timeMs,
    });
    return { offset: this.offset++, timeMs, key: Buffer.from(vehicle), value: Buffer.from(value), identity };
  }

  private async put(
    records: readonly PlainRecord[],
    dead: Parameters<SqliteStore["append"]>[0]["dead"] = [],
  ): Promise<void> {
    const slices = slicesOf(records);
    const append = {
      topic: stream,
      partition: 0,
      seen: this.position,
      next: this.offset,
      before: lastMark(slices),
      records: slices,
      dead,
      damaged: [],
      gap: undefined,
    };
    this.position = (await this.store.append(append)).position;
  }
}

/** What a vehicle says at a moment: it is the same whenever it is asked. */
function drivingValue(number: number, timeMs: number): string {
  const t = timeMs / 1_000 + number * 977;
  const wave = (period: number, shift = 0) => Math.sin(((t + shift) / period) * 2 * Math.PI);
  const speed = Math.max(0, 62 + 34 * wave(1_900) + 18 * wave(310) + 6 * wave(41) - 22 * Math.max(0, wave(760, 90)));
  const round = (value: number, digits: number) => Number(value.toFixed(digits));
  return JSON.stringify({
    Speed: round(speed, 1),
    "Powertrain.TractionBattery.StateOfCharge": round(71 + 18 * wave(14_000) - 2 * wave(900), 1),
    "Chassis.SteeringWheel.Angle": Math.round(60 * wave(97) * (1 - speed / 160)),
    "CurrentLocation.Latitude": round(48.137 + 0.031 * wave(5_200) + 0.011 * wave(1_310) + 0.003 * wave(240), 6),
    "CurrentLocation.Longitude": round(
      11.575 + 0.052 * wave(6_900, 1_800) + 0.014 * wave(1_510) + 0.004 * wave(270),
      6,
    ),
    "Cabin.Door.Open": false,
  });
}
