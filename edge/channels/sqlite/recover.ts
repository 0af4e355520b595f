/**
 * A file beyond repair: it is renamed aside, a new one is made, and everything that can be read and proves itself by its
 * checksum is copied over. What cannot be read becomes a `damaged` marker, so that no lane has a hole and the books
 * balance. The new file begins a new epoch: nobody knows which numbers at the end of the old lanes were given out.
 *
 * Reading around damage: rows are asked for one after the other by key. When SQLite cannot follow the tree to a key, it is
 * asked for keys further and further away until it can; then the gap is halved until its edge is found.
 */
import { renameSync, rmSync } from "node:fs";
import { basename } from "node:path";
import type { Clock } from "../../../shared/clock/clock.ts";
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { HEADER_BYTES, readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { carriedBy } from "../../core/split-batch.ts";
import {
  type BatchRow,
  type LaneRow,
  openForWriting,
  ReadStatements,
  Statements,
  type StateRow,
} from "./connection.ts";
import { openDamaged, setAside } from "./damaged-file.ts";
import { type DatabaseConnection, tolerant } from "./driver.ts";
import { endOf, footprint, isIntact } from "./held-batch.ts";
import { addCounter, formatProgress, newProgress, type Progress, parseProgress } from "./progress.ts";
import { salvageBodies } from "./salvage.ts";
import { migrate } from "./schema.ts";

/** What came of it. */
export interface Rebuilt {
  /** What the old file is called now. */
  readonly name: string;
  readonly batches: number;
  /** Records that could not be read. Undefined: nobody can say, what the file said of its lanes is gone too. */
  readonly lost: number | undefined;
}

/** How much is copied in one transaction. */
const transactionBytes = 16 * 1024 * 1024;
/** No key is further away than this from one that can be read. */
const keyMax = Number.MAX_SAFE_INTEGER;

/**
 * Renames the file at `path` aside and makes a new one of what can be read, under another name until it is whole: a start
 * that is ended in the middle of this leaves the note and no file, and the next one goes on with the one that lies aside.
 * The note is removed by who has said what came of it (`channel-file.ts`).
 */
export function rebuild(path: string, clock: Clock): Rebuilt {
  const name = setAside(path);
  const unfinished = `${path}.rebuilding`;
  for (const ending of ["", "-wal", "-shm"]) rmSync(unfinished + ending, { force: true });
  const target = openForWriting(unfinished);
  let copied: Omit<Rebuilt, "name">;
  try {
    migrate(target);
    target.pragma("wal_checkpoint(TRUNCATE)");
    const source = openDamaged(name, unfinished);
    try {
      copied = new Copy(source, target, clock).run();
    } finally {
      source.close();
    }
    target.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    target.close();
  }
  renameSync(unfinished, path);
  return { name: basename(name), ...copied };
}

interface DeadRow extends Omit<BatchRow, "reason" | "put_ms" | "carried"> {
  readonly id: number;
  readonly lane: number;
  readonly reason: string;
}

class Copy {
  private readonly statements: Statements;
  private readonly lanes = new Map<number, Progress>();
  /** Those of which it could be read how far they had come. */
  private readonly counted = new Set<number>();
  private readonly carrying = new Set<number>();
  private batches = 0;
  private lost = 0;
  private pendingBytes = 0;
  private livedMs = 0;

  constructor(
    private readonly source: DatabaseConnection,
    private readonly target: DatabaseConnection,
    private readonly clock: Clock,
  ) {
    this.statements = new Statements(target);
  }

  run() {
    this.target.exec("BEGIN IMMEDIATE");
    this.copyFacts();
    this.copyLanes();
    this.copyState();
    for (const [lane, progress] of this.lanes) this.copyRows(lane, progress);
    if ([...this.lanes.keys()].some((lane) => this.hasHoles(lane))) this.copyOrphans();
    this.copyDead();
    for (const [lane, progress] of this.lanes) this.closeLane(lane, progress);
    this.target.exec("COMMIT");
    const isKnown = this.lanes.size > 0 && [...this.lanes.keys()].every((lane) => this.counted.has(lane));
    return { batches: this.batches, lost: isKnown ? this.lost : undefined };
  }

  private copyFacts(): void {
    for (const name of ["epoch", "agent", "machine", "inode", "starts", "boot", "lived_before_boot_ms"]) {
      const value = tolerant(() =>
        this.source.prepare<[string], string | number>("SELECT value FROM file WHERE name = ?").pluck().get(name),
      );
      if (value !== undefined) this.statements.setFile.run(name, value);
    }
    const sessions = tolerant(() =>
      this.source.prepare<[], [number, string, string]>("SELECT lane, destination, value FROM session").raw().all(),
    );
    for (const session of sessions ?? []) this.statements.saveSession.run(...session);
  }

  /** Lanes stand in two places; whichever can be read. */
  private copyLanes(): void {
    const found = new Map<number, LaneRow>();
    const facts = tolerant(() =>
      this.source.prepare<[], string>("SELECT value FROM file WHERE name LIKE 'lane %'").pluck().all(),
    );
    for (const text of facts ?? []) {
      const row: LaneRow = JSON.parse(text);
      found.set(row.id, row);
    }
    const rows = this.rowsOf<LaneRow>("SELECT * FROM lane WHERE id >= ? ORDER BY id LIMIT 1");
    for (const row of rows) found.set(row.id, row);
    for (const row of found.values()) {
      const { id, channel, stream, epoch, number, topic, partition, partitions, generation, carries } = row;
      const { insertLane: insert } = this.statements;
      insert.run(id, channel, stream, epoch, number, topic, partition, partitions, generation, carries ?? 0);
      if (carries === 1) this.carrying.add(id);
      this.statements.setFile.run(`lane ${id}`, JSON.stringify(row));
      this.lanes.set(id, newProgress());
    }
    this.statements.setFile.run("lanes_made", Math.max(0, ...found.keys()));
  }

  private copyState(): void {
    const rows = this.rowsOf<StateRow>("SELECT * FROM state WHERE id >= ? ORDER BY id LIMIT 1");
    for (const { what, stream, name, value } of rows) {
      if (what === "lane") {
        this.lanes.set(Number(name), { ...parseProgress(String(value)), batches: 0, bytes: 0 });
        this.counted.add(Number(name));
      } else if (name !== "dead_bytes") this.statements.insertState.run(what, stream, name, value);
      if (what === "file" && name === "lived_ms") this.livedMs = Number(value);
    }
  }

  /** What the batch rows say is held. */
  private copyRows(lane: number, progress: Progress): void {
    const at = tolerant(() => new ReadStatements(this.source));
    if (at === undefined) return;
    for (const row of readable(
      (first) => at.rowFrom.get(lane, first),
      ({ first }) => first,
      progress.acked,
    )) {
      if (row.reason !== null) this.insert(lane, progress, row, undefined);
      else {
        const body = row.body;
        const bytes = body === null ? undefined : tolerant(() => at.body.get(body))?.bytes;
        if (bytes !== undefined && isIntact(bytes, row.crc)) this.insert(lane, progress, row, bytes);
      }
    }
  }

  /** Bodies that no batch row leads to: they say themselves which records they are. */
  private copyOrphans(): void {
    for (const { lane, first, bytes } of salvageBodies(this.source.name)) {
      const progress = this.lanes.get(lane);
      if (progress === undefined || first < progress.acked) continue;
      const { recordCount, baseTimestampMs, maxTimestampMs } = readBatchHeader(bytes);
      // Copied already; or a former batch on a page that is free now: its numbers are taken.
      if (this.overlaps(lane, first, recordCount)) continue;
      const row = {
        first,
        count: recordCount,
        reason: null,
        time_ms_min: baseTimestampMs,
        time_ms_max: maxTimestampMs,
        crc: crc32c(bytes, HEADER_BYTES),
        bytes: bytes.length,
        body: null,
        put_ms: this.livedMs, // unknown: young, not old
        carried: this.carrying.has(lane) ? carriedBy([...decodeRecords(bytes)]) : null,
      };
      this.insert(lane, progress, row, bytes);
    }
  }

  private copyDead(): void {
    const bodyOf = tolerant(() => this.source.prepare<[number], Buffer>("SELECT bytes FROM body WHERE id = ?").pluck());
    let total = 0;
    for (const row of this.rowsOf<DeadRow>("SELECT * FROM dead WHERE id >= ? ORDER BY id LIMIT 1")) {
      const { lane, first, count, reason, time_ms_min, time_ms_max, crc, bytes, body } = row;
      const found = body === null ? undefined : tolerant(() => bodyOf?.get(body));
      const copied = found && Number(this.statements.insertBody.run(lane, first, found).lastInsertRowid);
      this.statements.insertDead.run(lane, first, count, reason, time_ms_min, time_ms_max, crc, bytes, copied ?? null);
      total += bytes;
    }
    this.statements.insertState.run("file", "", "dead_bytes", total);
  }

  /** The rows of a table that has numbers as keys, as far as they can be read; `sql` answers the first row at or behind one. */
  private *rowsOf<Row extends { readonly id: number }>(sql: string): Generator<Row> {
    const at = tolerant(() => this.source.prepare<[number], Row>(sql));
    if (at === undefined) return;
    yield* readable(
      (id) => at.get(id),
      ({ id }) => id,
    );
  }

  private hasHoles(lane: number): boolean {
    const progress = this.lanes.get(lane);
    const covered = this.target.prepare<[number], number>("SELECT total(count) FROM batch WHERE lane = ?").pluck();
    return progress === undefined || progress.next === 0 || covered.get(lane) !== progress.next - progress.acked;
  }

  private overlaps(lane: number, first: number, count: number): boolean {
    const before = this.statements.rowBefore.get(lane, first + count - 1);
    return before !== undefined && endOf(before) > first;
  }

  private insert(lane: number, progress: Progress, row: BatchRow, bytes: Buffer | undefined): void {
    const { first, count, reason, time_ms_min, time_ms_max, crc, put_ms, carried } = row;
    const size = bytes?.length ?? 0;
    const body =
      bytes === undefined ? null : Number(this.statements.insertBody.run(lane, first, bytes).lastInsertRowid);
    const { insertBatch } = this.statements;
    insertBatch.run(lane, first, count, reason, time_ms_min, time_ms_max, crc, size, body, put_ms, carried);
    progress.batches++;
    progress.bytes += footprint(size, body);
    this.batches++;
    this.pendingBytes += size;
    if (this.pendingBytes > transactionBytes) {
      this.target.exec("COMMIT; BEGIN IMMEDIATE");
      this.pendingBytes = 0;
    }
  }

  /** Markers where records are missing; then the lane's progress, as it now is. */
  private closeLane(lane: number, progress: Progress): void {
    const rows = this.target.prepare<[number], BatchRow>("SELECT * FROM batch WHERE lane = ? ORDER BY first").all(lane);
    if (progress.next === 0 && rows[0] !== undefined) {
      // The lane's own row was lost: what is there is all we know.
      progress.acked = rows[0].first;
      progress.sent = rows[0].first;
    }
    let expected = progress.acked;
    for (const row of rows) {
      if (row.first > expected) this.markLost(lane, progress, expected, row.first);
      expected = Math.max(expected, endOf(row));
    }
    if (progress.next > expected) this.markLost(lane, progress, expected, progress.next);
    progress.next = Math.max(progress.next, expected);
    progress.kept = progress.acked;
    this.statements.insertState.run("lane", this.streamOf(lane), String(lane), formatProgress(progress));
  }

  private markLost(lane: number, progress: Progress, first: number, end: number): void {
    const nowMs = this.clock.now();
    this.statements.insertBatch.run(lane, first, end - first, "damaged", nowMs, nowMs, 0, 0, null, 0, null);
    progress.batches++;
    progress.shed += end - first;
    addCounter(progress, "shed_damaged", end - first);
    this.lost += end - first;
  }

  private streamOf(lane: number): string {
    return String(this.target.prepare("SELECT stream FROM lane WHERE id = ?").pluck().get(lane) ?? "");
  }
}

/** All rows that can be read, in the order of their keys, from `start` on. `at` answers the first row at or behind a key. */
function* readable<Row>(at: (key: number) => Row | undefined, keyOf: (row: Row) => number, start = 0): Generator<Row> {
  let key = start;
  for (;;) {
    const row = attempt(() => at(key)) ?? behindDamage(at, key);
    if (row === undefined || row === "none") return;
    yield row;
    key = keyOf(row) + 1;
  }
}

/** The first row behind a stretch that cannot be read. */
function behindDamage<Row>(at: (key: number) => Row | undefined, key: number): Row | "none" | undefined {
  let bad = key;
  let step = 1;
  let found: Row | "none" | undefined;
  while (found === undefined) {
    if (bad + step > keyMax) return undefined;
    found = attempt(() => at(key + step));
    if (found === undefined) bad = key + step;
    step *= 2;
  }
  let good = key + step / 2;
  while (good - bad > 1) {
    const middle = Math.floor((good + bad) / 2);
    const row = attempt(() => at(middle));
    if (row === undefined) bad = middle;
    else {
      good = middle;
      found = row;
    }
  }
  return found;
}

/** A row, `none` when there is none, undefined when SQLite cannot read there. */
function attempt<Row>(read: () => Row | undefined): Row | "none" | undefined {
  return tolerant(() => read() ?? "none");
}
