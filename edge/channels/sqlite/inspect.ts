/**
 * Looks into a channel file from outside, for `tailgate channel ls|stat|peek|verify|export`. Read-only, and safe beside a
 * running agent: rows are read one by one, so no long read keeps the agent's log from being copied.
 */
import { type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { fileHint } from "../../../shared/files/refusal.ts";
import type { Lane } from "../../core/lane.ts";
import { buildShedMarker } from "../../core/shed-marker.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { codes } from "./codes.ts";
import { assertOurs, type BatchRow, ReadStatements } from "./connection.ts";
import { fileNames } from "./data-files.ts";
import { type DatabaseConnection, Sqlite, sqliteCode } from "./driver.ts";
import { endOf, isIntact } from "./held-batch.ts";
import { readLanes, type StoredLane } from "./lane-state.ts";
import { heldOf, type Progress } from "./progress.ts";
import { PAGE_BYTES, versionOf } from "./schema.ts";

/** The file as a whole; bytes on the disk. */
export interface FileSummary {
  readonly path: string;
  readonly version: number;
  readonly agent: string;
  readonly epoch: string;
  readonly fileBytes: number;
  /** Of these, pages that hold nothing and are used again. */
  readonly freeBytes: number;
  readonly walBytes: number;
  readonly reserveBytes: number;
}

/** One lane and its books. */
export interface LaneSummary {
  readonly lane: Lane;
  readonly progress: Readonly<Progress>;
  readonly held: number;
}

/** One channel; the config is not needed to look. */
export interface ChannelSummary {
  readonly name: string;
  readonly events: number;
  readonly batches: number;
  readonly bytes: number;
  readonly deadBatches: number;
  readonly lanes: readonly LaneSummary[];
}

/** A batch of the file; `problem` says why its bytes must not be trusted. */
export interface InspectedBatch extends StoredBatch {
  readonly problem: string | undefined;
}

/** A batch that was put aside. `bytes` is empty when nothing could be saved of it. */
export interface DeadBatch extends InspectedBatch {
  readonly reason: string;
}

/** Something that is not as it must be. */
export interface ChannelProblem {
  readonly lane: Lane;
  readonly first: number;
  readonly count: number;
  readonly what: string;
}

/** An open look. */
export interface Inspector {
  file(): FileSummary;
  channels(): readonly ChannelSummary[];
  /** What each stream has counted: `read`, `filtered:…`, `lost_at_source`, `cut`, … */
  streams(): ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Held batches, oldest first, lane by lane, from `fromSeq` of each lane on; markers too. */
  batches(channel: string, fromSeq?: number): Generator<InspectedBatch>;
  /** What was put aside for ever, in the order it was. */
  dead(channel: string): Generator<DeadBatch>;
  /** Reads and checks everything that is held: bodies, and that no number is missing. */
  verify(channel: string): Generator<ChannelProblem>;
  close(): void;
}

/** @throws AppError `EDGE_CHANNEL_MISSING` when there is no file, `EDGE_CHANNEL_IO` when it cannot be read; `EDGE_CHANNEL_VERSION`. */
export function openInspector(dataDir: string): Inspector {
  const path = join(dataDir, fileNames.channel);
  refuseOther(path);
  let db: DatabaseConnection | undefined;
  try {
    db = new Sqlite(path, { readonly: true, timeout: 1_000 });
    assertOurs(db, path);
    return new FileInspector(db, dataDir);
  } catch (error) {
    db?.close();
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    const hint = hintOf(code);
    throw new AppError("EDGE_CHANNEL_IO", `look into ${path}: ${code}`, { cause: error, ...(hint && { hint }) });
  }
}

/** SQLite would wait at a FIFO, and says of all else only that it cannot be opened. */
function refuseOther(path: string): void {
  const doing = `look into ${path}`;
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const hint = fileHint(error);
    throw new AppError(codes.EDGE_CHANNEL_MISSING, `${doing}: ${messageOf(error)}`, {
      cause: error,
      ...(hint && { hint }),
    });
  }
  if (found === undefined) throw new AppError(codes.EDGE_CHANNEL_MISSING, `${doing}: there is no such file`);
  if (!found.isFile()) throw new AppError(codes.EDGE_CHANNEL_MISSING, `${doing}: it is ${kindOf(found)}`);
}

/** The disk's own troubles are the code's hint. */
function hintOf(code: string): string | undefined {
  if (code === "SQLITE_NOTADB") {
    return "What stands there is no database. If it was the channel file, it is damaged: the agent's next start writes it anew from what can be read.";
  }
  if (code.startsWith("SQLITE_BUSY")) return "Another program has it locked, or it is being recovered: try again.";
  if (code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_READONLY")) {
    return "May this user read it, and write to the -wal and -shm beside it? Ask as the user of the service.";
  }
  return undefined;
}

interface DeadRow extends Omit<BatchRow, "reason" | "put_ms" | "carried"> {
  readonly id: number;
  readonly lane: number;
  readonly reason: string;
}

class FileInspector implements Inspector {
  private readonly statements: ReadStatements;

  constructor(
    private readonly db: DatabaseConnection,
    private readonly dataDir: string,
  ) {
    this.statements = new ReadStatements(db);
  }

  file(): FileSummary {
    const path = join(this.dataDir, fileNames.channel);
    const size = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
    return {
      path,
      version: versionOf(this.db),
      agent: this.fact("agent"),
      epoch: this.fact("epoch"),
      fileBytes: size(path),
      freeBytes: Number(this.db.pragma("freelist_count", { simple: true })) * PAGE_BYTES,
      walBytes: size(`${path}-wal`),
      reserveBytes: size(join(this.dataDir, fileNames.reserve)),
    };
  }

  channels(): readonly ChannelSummary[] {
    const lanes = readLanes(this.db);
    const dead = this.db
      .prepare<[string], number>("SELECT count(*) FROM dead JOIN lane ON lane.id = dead.lane WHERE channel = ?")
      .pluck();
    return [...new Set(lanes.map(({ lane }) => lane.channel))].map((name) => {
      const own = lanes.filter(({ lane }) => lane.channel === name);
      const sum = (of: (progress: Progress) => number) => own.reduce((total, { progress }) => total + of(progress), 0);
      return {
        name,
        events: sum(heldOf),
        batches: sum(({ batches }) => batches),
        bytes: sum(({ bytes }) => bytes),
        deadBatches: dead.get(name) ?? 0,
        lanes: own.map(({ lane, progress }) => ({ lane, progress, held: heldOf(progress) })),
      };
    });
  }

  streams(): ReadonlyMap<string, Readonly<Record<string, number>>> {
    const rows = this.db
      .prepare<[], { stream: string; name: string; value: number }>(
        "SELECT stream, name, value FROM state WHERE what = 'counter' AND value <> 0 ORDER BY stream, name",
      )
      .all();
    const byStream = Map.groupBy(rows, ({ stream }) => stream);
    return new Map(
      [...byStream].map(([stream, own]) => [stream, Object.fromEntries(own.map(({ name, value }) => [name, value]))]),
    );
  }

  *batches(channel: string, fromSeq = 0): Generator<InspectedBatch> {
    for (const { lane, progress } of this.lanesOf(channel)) {
      yield* this.batchesOf(lane, Math.max(fromSeq, progress.acked));
    }
  }

  *dead(channel: string): Generator<DeadBatch> {
    const lanes = new Map(this.lanesOf(channel).map(({ lane }) => [lane.id, lane]));
    const next = this.db.prepare<[number], DeadRow>("SELECT * FROM dead WHERE id > ? ORDER BY id LIMIT 1");
    for (let row = next.get(0); row !== undefined; row = next.get(row.id)) {
      const lane = lanes.get(row.lane);
      if (lane === undefined) continue;
      yield { ...this.inspect(lane, { ...row, reason: null, put_ms: 0, carried: null }), reason: row.reason };
    }
  }

  *verify(channel: string): Generator<ChannelProblem> {
    for (const { lane, progress } of this.lanesOf(channel)) {
      let expected = progress.acked;
      for (const batch of this.batchesOf(lane, progress.acked)) {
        const { first, count, problem } = batch;
        if (first !== expected) yield { lane, first: expected, count: first - expected, what: "numbers are missing" };
        if (problem !== undefined) yield { lane, first, count, what: problem };
        expected = endOf(batch);
      }
      // A running agent may have put more since the progress was read.
      if (expected < progress.next) {
        yield { lane, first: expected, count: progress.next - expected, what: "numbers are missing" };
      }
    }
  }

  close(): void {
    this.db.close();
  }

  private lanesOf(channel: string): readonly StoredLane[] {
    return readLanes(this.db).filter(({ lane }) => lane.channel === channel);
  }

  private *batchesOf(lane: Lane, from: number): Generator<InspectedBatch> {
    let row = this.statements.rowFrom.get(lane.id, from);
    while (row !== undefined) {
      yield this.inspect(lane, row);
      row = this.statements.rowFrom.get(lane.id, endOf(row));
    }
  }

  private inspect(lane: Lane, row: BatchRow): InspectedBatch {
    const { first, count, reason, crc, body } = row;
    const common = { id: first, lane, first, count, timeMsMin: row.time_ms_min, timeMsMax: row.time_ms_max };
    if (reason !== null) {
      const { bytes, recordsCrc } = buildShedMarker(this.fact("agent"), lane, {
        first,
        count,
        reason,
        timeMs: row.time_ms_max,
        carried: row.carried ?? undefined,
      });
      return { ...common, kind: "shed", recordsCrc, bytes, problem: undefined };
    }
    const bytes = body === null ? undefined : this.readBody(body);
    const problem =
      bytes === undefined
        ? "the body cannot be read"
        : isIntact(bytes, crc)
          ? undefined
          : "the stored bytes are not what was put";
    return { ...common, kind: "records", recordsCrc: crc, bytes: bytes ?? Buffer.alloc(0), problem };
  }

  private readBody(body: number): Buffer | undefined {
    try {
      return this.statements.body.get(body)?.bytes;
    } catch (error) {
      if (sqliteCode(error) === undefined) throw error;
      return undefined;
    }
  }

  private fact(name: string): string {
    return String(this.db.prepare<[string]>("SELECT value FROM file WHERE name = ?").pluck().get(name) ?? "");
  }
}
