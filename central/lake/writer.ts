/**
 * The loop that fills the lake. One life goes from opening the table to the first failure; the next one opens it again and goes on
 * from what it finds there, the batch in hand thrown away and read again. A start after kill -9 is the same path.
 *
 *     wait for the lock ─▶ open, sweep ─▶ erase ─▶ read ─▶ commit when due ─▶ merge, drop days, sweep ─┐
 *                                           └───────────────────────────────────────────────────────────┘
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Backoff } from "../../shared/async/backoff.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { freeBytes } from "../../shared/files/free-bytes.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { LakeConfig } from "../config/lake.ts";
import { Batch } from "./batch.ts";
import { codes } from "./codes.ts";
import { LakeLock } from "./files/lock.ts";
import { totalOf } from "./iceberg/metadata.ts";
import { sweep } from "./iceberg/sweep.ts";
import { Table } from "./iceberg/table.ts";
import { LakePlace } from "./place.ts";
import { readInto } from "./read-into.ts";
import { type LakeSnapshot, noLake } from "./snapshot.ts";
import type { LakeReading } from "./source.ts";
import { tableName } from "./table-name.ts";
import {
  lakeCommitted,
  lakeDaysDropped,
  lakeErased,
  lakeOpened,
  lakeStandsBy,
  lakeSwept,
  lakeWaits,
} from "./telemetry.ts";
import { compact } from "./upkeep/compaction.ts";
import { type ErasedVehicle, erase, pendingOf } from "./upkeep/erasure.ts";
import { retain } from "./upkeep/retention.ts";

/** What it stands on. */
export interface LakeWriterOptions {
  readonly config: LakeConfig;
  readonly source: LakeReading;
  /** Where it is noted which table was in the folder; undefined: the store is no file on this machine. */
  readonly notePath?: string | undefined;
  /** The store's list of erased vehicles; undefined: this kind of store has none. @throws AppError while it is away. */
  readonly erased: (() => Promise<readonly ErasedVehicle[]>) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
}

/** How often the topics are looked at while nothing comes. */
const lookEveryMs = 1_000;
const erasedEveryMs = 2_000;
const standbyMs = 2_000;
const tidyEveryMs = 600_000;
const passingMs = 3_000;
/** Merges after one commit: reading goes on in between. */
const mergesAtOnce = 4;

export class LakeWriter {
  private said: LakeSnapshot = noLake;
  private list: readonly ErasedVehicle[] | undefined;
  private listedMs = Number.NEGATIVE_INFINITY;
  private tidiedMs = Number.NEGATIVE_INFINITY;
  private waitsSinceMs: number | undefined;
  private placeNow: LakePlace | undefined;

  constructor(private readonly options: LakeWriterOptions) {}

  get snapshot(): LakeSnapshot {
    return this.said;
  }

  /** Until the signal aborts. Nothing that happens to the lake ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ initialMs: 500, maxMs: 10_000 }, this.options.random);
    while (!signal.aborted) {
      try {
        await this.whileLocked(signal, () => backoff.reset());
      } catch (thrown) {
        // What is in the way of a stop, as a connection that it closed, is none.
        if (signal.aborted) return;
        this.say({ failures: this.said.failures + 1, lag: undefined, bufferedRows: 0 });
        this.waits(thrown);
        await sleep(backoff.nextMs(), signal);
      }
    }
  }

  private async whileLocked(signal: AbortSignal, works: () => void): Promise<void> {
    this.place.check();
    mkdirSync(this.options.config.directory, { recursive: true });
    using lock = LakeLock.take(this.options.config.directory);
    if (lock !== undefined) return await this.live(signal, works);
    if (this.said.state !== "standby") this.options.report(lakeStandsBy, { directory: this.options.config.directory });
    this.say({ state: "standby", trouble: undefined, code: undefined, hint: undefined, lag: undefined });
    await sleep(standbyMs, signal);
  }

  /** Read when the loop runs: what the system says of the note is a failure like others. */
  private get place(): LakePlace {
    const { config, notePath } = this.options;
    this.placeNow ??= new LakePlace(config.directory, notePath);
    return this.placeNow;
  }

  private async live(signal: AbortSignal, works: () => void): Promise<void> {
    const { config, clock, random, report } = this.options;
    this.checkSpace();
    this.place.check();
    const tools = { clock, random, keepSnapshotsMs: config.keepSnapshots };
    const table = Table.open(join(config.directory, tableName), config.buckets, tools);
    this.place.remember(table.metadata["table-uuid"]);
    this.sweep(table);
    report(lakeOpened, { table: table.metadata.location, rows: totalOf(table.metadata, "records") });
    let batch = new Batch(table.positions(), table.buckets);
    let begunMs = clock.uptimeMs();
    while (!signal.aborted) {
      this.measure(table, batch);
      await this.erase(table);
      const isBehind = await this.read(batch, signal);
      if (batch.isEmpty) begunMs = clock.uptimeMs();
      if (batch.isFull || (!batch.isEmpty && clock.uptimeMs() - begunMs >= config.commitEvery)) {
        this.commit(table, batch);
        works();
        batch = new Batch(table.positions(), table.buckets);
        await this.tidy(table);
      } else if (!isBehind) {
        await sleep(Math.min(lookEveryMs, config.commitEvery), signal);
      }
    }
  }

  /** False: for now there is nothing more. While Kafka is away, what was read is committed all the same. */
  private async read(batch: Batch, signal: AbortSignal): Promise<boolean> {
    const { source, report } = this.options;
    try {
      const { lag, gone, damaged } = await readInto(batch, source, report);
      const counts = { gone: this.said.gone + gone, damaged: this.said.damaged + damaged };
      this.say({ ...counts, lag, state: "writing", trouble: undefined, code: undefined, hint: undefined });
      this.waitsSinceMs = undefined;
      return lag > 0;
    } catch (thrown) {
      if (signal.aborted) return false;
      if (!(thrown instanceof AppError) || thrown.severity !== "transient") throw thrown;
      this.waits(thrown);
      return false;
    }
  }

  private commit(table: Table, batch: Batch): void {
    const { clock, report } = this.options;
    this.checkSpace();
    const began = clock.uptimeMs();
    const add = batch.byCell(new Set(this.list?.map(({ vehicle }) => vehicle)));
    const rows = add.reduce((sum, cell) => sum + cell.rows.length, 0);
    table.commit({ operation: "append", add, positions: batch.positions });
    this.say({
      commits: this.said.commits + 1,
      committedRows: this.said.committedRows + rows,
      withheld: this.said.withheld + batch.rows - rows,
      lastCommitMs: clock.now(),
    });
    report(lakeCommitted, { rows, files: add.length, ms: Math.round(clock.uptimeMs() - began) });
  }

  /** Before anything is written the list is known once; later the last one does while the store is away: see `erase`. */
  private async erase(table: Table): Promise<void> {
    const { erased, clock, report } = this.options;
    if (erased === undefined || clock.uptimeMs() - this.listedMs < erasedEveryMs) return;
    try {
      this.list = await erased();
      this.listedMs = clock.uptimeMs();
    } catch (thrown) {
      if (this.list === undefined || !(thrown instanceof AppError)) throw thrown;
      return;
    }
    const pending = pendingOf(table, this.list);
    this.say({ erasuresPending: pending });
    if (!(await erase(table, this.list)) || pending === 0) return;
    this.sweep(table);
    this.say({ erasuresPending: 0 });
    report(lakeErased, { vehicles: pending });
  }

  private async tidy(table: Table): Promise<void> {
    const { clock, config, report } = this.options;
    for (let merges = 0; merges < mergesAtOnce && (await compact(table)); merges++) this.checkSpace();
    if (clock.uptimeMs() - this.tidiedMs < tidyEveryMs) return;
    this.tidiedMs = clock.uptimeMs();
    const rows = config.retention === undefined ? 0 : retain(table, clock.now() - config.retention);
    if (rows > 0) report(lakeDaysDropped, { rows });
    this.sweep(table);
  }

  private sweep(table: Table): void {
    const files = sweep(table.files, table.metadata);
    if (files > 0) this.options.report(lakeSwept, { files });
  }

  /** @throws AppError `CENTRAL_LAKE_DISK`. */
  private checkSpace(): void {
    const { directory, keepFree } = this.options.config;
    const free = freeBytes(directory);
    if (free >= keepFree) return;
    const message = `write the lake in ${directory}: ${free} bytes of its disk are free, and ${keepFree} are to stay so`;
    throw new AppError(codes.CENTRAL_LAKE_DISK, message);
  }

  private measure({ metadata }: Table, batch: Batch): void {
    this.say({
      bufferedRows: batch.rows,
      rows: totalOf(metadata, "records"),
      files: totalOf(metadata, "data-files"),
      bytes: totalOf(metadata, "files-size"),
      snapshots: metadata.snapshots.length,
    });
  }

  private waits(thrown: unknown): void {
    const error =
      thrown instanceof AppError ? thrown : new AppError(codeOf(thrown), "write the lake", { cause: thrown });
    const { code, hint } = error;
    const trouble = messageOf(error);
    this.say({ state: "waiting", trouble, code, hint });
    const nowMs = this.options.clock.uptimeMs();
    this.waitsSinceMs ??= nowMs;
    // Shown at once; said when it lasts: at the first start of all the store is not made yet.
    if (nowMs - this.waitsSinceMs >= passingMs) this.options.report(lakeWaits, { code, error: trouble, hint });
  }

  private say(news: Partial<LakeSnapshot>): void {
    this.said = { ...this.said, ...news };
  }
}

/** What the system says of a file, or something of ours. */
function codeOf(thrown: unknown) {
  const isSystems = thrown instanceof Error && "syscall" in thrown;
  return isSystems ? codes.CENTRAL_LAKE_DISK : codes.CENTRAL_LAKE_BROKEN;
}
