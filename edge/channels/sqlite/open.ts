/**
 * Opens the channel file: lock, damage, version, channels that the config no longer names, copies, boots. Nothing is
 * written before everything that may refuse the start has been looked at.
 */

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { systemCode } from "../../../shared/files/refusal.ts";
import type { ChannelStoreOptions } from "../../core/channel-store.ts";
import { limits } from "../../core/limits.ts";
import { ChannelFile, damageNote, isDamage } from "./channel-file.ts";
import { codes } from "./codes.ts";
import { type BatchRow, openForWriting } from "./connection.ts";
import { fileNames, folderError, refusedFolder } from "./data-files.ts";
import { type DatabaseConnection, meansDiskFull, sqliteCode } from "./driver.ts";
import { LaneState, readLanes, type StoredLane } from "./lane-state.ts";
import { isLocked, type Lock, takeLock } from "./lock.ts";
import { formatProgress } from "./progress.ts";
import { foundElsewhere, inodeOf, newEpoch, readMachineId } from "./provenance.ts";
import { rebuild } from "./recover.ts";
import { migrate, SLOTS, versionOf } from "./schema.ts";
import { Space } from "./space.ts";
import { lockError, refuseUnnamed } from "./start-refusals.ts";
import { SqliteStore } from "./store.ts";
import { signals } from "./telemetry.ts";

/**
 * How long a start waits for others that have the file locked: a reader that is beside it while the log of a killed agent
 * is recovered, a tool that writes.
 */
const busyMsAtStart = 5_000;

/** For tests. */
export interface OpenOptions extends ChannelStoreOptions {
  /** Machine-id(5) when not given. */
  readonly machineId?: string;
  readonly reserveBytes?: number;
}

/** See `OpenChannelStore`. */
export function openChannelStore(options: OpenOptions): SqliteStore {
  const lock = openFolder(options.dataDir);
  try {
    tightenModes(options.dataDir, options.report);
    return openLocked(options, lock);
  } catch (error) {
    lock.release();
    throw ioError(options.dataDir, join(options.dataDir, fileNames.channel), error);
  }
}

/** Whether another agent has this folder; touches nothing. */
export function isInUse(dataDir: string): boolean {
  return isLocked(join(dataDir, fileNames.lock));
}

/** @throws AppError `EDGE_DATA_DIR` for a folder that cannot be had, `EDGE_CHANNEL_LOCKED` for one that another agent has. */
function openFolder(dataDir: string): Lock {
  const path = join(dataDir, fileNames.lock);
  try {
    const refused = refusedFolder(dataDir);
    if (refused !== undefined) throw refused;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return takeLock(path);
  } catch (error) {
    const code = sqliteCode(error);
    if (!isDamage(code)) throw ioError(dataDir, path, error);
    throw lockError(path, error);
  }
}

/**
 * What is held are lines of logs: nobody else's to read, however the folder was made. The folder itself is changed only
 * when nothing but ours lies in it.
 */
function tightenModes(dataDir: string, report: ChannelStoreOptions["report"]): void {
  const names = readdirSync(dataDir);
  const ours = names.filter((name) => name.startsWith("channel."));
  const paths = ours.map((name) => [join(dataDir, name), 0o600] as const);
  const all = ours.length === names.length ? [[dataDir, 0o700] as const, ...paths] : paths;
  for (const [path, mode] of all) {
    const open = statSync(path).mode & 0o077;
    if (open === 0) continue;
    try {
      chmodSync(path, mode);
      report(signals.tightened, { path, mode: mode.toString(8) });
    } catch (error) {
      report(signals.notTightened, { path, error: messageOf(error) });
    }
  }
}

function openLocked(options: OpenOptions, lock: Lock): SqliteStore {
  const path = join(options.dataDir, fileNames.channel);
  let damage: string | undefined = existsSync(damageNote(path)) ? "it was found damaged while it ran" : undefined;
  if (damage === undefined) {
    try {
      return openWithRoom(options, lock, path);
    } catch (error) {
      const code = sqliteCode(error);
      if (!isDamage(code)) throw ioError(options.dataDir, path, error);
      damage = String(code);
    }
  }
  const { name, batches, lost = "unknown" } = rebuild(path, options.clock);
  options.report(signals.rebuilt, { damage, renamedTo: name, batches, lost });
  rmSync(damageNote(path), { force: true });
  return openSound(options, lock, path, "the file was damaged and written anew");
}

/** A start writes (its number, the boot); on a disk that is full to the last byte the reserve is for that, too. */
function openWithRoom(options: OpenOptions, lock: Lock, path: string): SqliteStore {
  try {
    return openSound(options, lock, path, undefined);
  } catch (error) {
    const reserve = join(options.dataDir, fileNames.reserve);
    if (!meansDiskFull(sqliteCode(error)) || !existsSync(reserve)) throw error;
    options.report(signals.diskFull, { folder: options.dataDir });
    rmSync(reserve);
    return openSound(options, lock, path, undefined);
  }
}

function openSound(options: OpenOptions, lock: Lock, path: string, renewed: string | undefined): SqliteStore {
  const { clock, report, dataDir } = options;
  const db = openForWriting(path, busyMsAtStart);
  try {
    const made = versionOf(db) === 0;
    if (!made) refuseUnnamed(db, path, options.channels);
    migrate(db);
    forgetUnnamed(db, options);
    const file = new ChannelFile(path, db, { clock, report, onDamage: options.onDamage });
    const facts = startFacts({ db, options, lock, file, path, renewed });
    const freeBytesMin = Math.max(0, ...[...options.channels.values()].map((choice) => choice.freeBytesMin));
    const reserveBytes = options.reserveBytes ?? limits.reserveBytes;
    const reservePath = join(dataDir, fileNames.reserve);
    const space = new Space(file, { dataDir, reservePath, reserveBytes, freeBytesMin, clock, report });
    const store = new SqliteStore(options, { file, lock, space, ...facts });
    adoptLanes(store, file, readLanes(db), facts.clean);
    if (made && lock.starts > 0) report(signals.gone, { path, epoch: store.epoch, starts: lock.starts });
    else if (made) report(signals.created, { path, epoch: store.epoch });
    db.pragma("busy_timeout = 0");
    return store;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What a start begins with. */
interface Start {
  readonly db: DatabaseConnection;
  readonly options: OpenOptions;
  readonly lock: Lock;
  readonly file: ChannelFile;
  readonly path: string;
  /** Why the epoch must be another one. Undefined: it need not, as far as is known. */
  readonly renewed: string | undefined;
}

/** What changes once a start: which epoch, how long the file has lived, how often it was started. */
function startFacts({ db, options, lock, file, path, renewed }: Start) {
  const { agent, clock, random, report, machineId = readMachineId() } = options;
  const rows = db.prepare<[], { name: string; value: string | number }>("SELECT name, value FROM file").all();
  const facts = new Map(rows.map(({ name, value }) => [name, value]));
  const text = (name: string) => String(facts.get(name) ?? "");
  const number = (name: string) => Number(facts.get(name) ?? 0);

  const now = { agent, machine: machineId, inode: inodeOf(path), starts: lock.starts };
  const recorded = { agent: text("agent"), machine: text("machine"), inode: text("inode"), starts: number("starts") };
  const reason = renewed ?? (facts.has("epoch") ? foundElsewhere(recorded, now) : undefined);
  const epoch = facts.has("epoch") && reason === undefined ? text("epoch") : newEpoch(random);
  const lived = Number(file.state.get("file", "", "lived_ms") ?? 0);
  const sameBoot = text("boot") === clock.bootId();
  const livedBeforeBootMs = sameBoot ? number("lived_before_boot_ms") : facts.has("boot") ? lived : -clock.uptimeMs();
  const starts = Math.max(recorded.starts, lock.starts) + 1;

  const set = file.statements.setFile;
  db.transaction(() => {
    const written = { epoch, agent, machine: machineId, inode: now.inode, starts };
    for (const [name, value] of Object.entries(written)) set.run(name, value);
    set.run("clean", 0);
    set.run("boot", clock.bootId());
    set.run("lived_before_boot_ms", livedBeforeBootMs);
  }).immediate();
  lock.started(starts);
  if (reason !== undefined) report(signals.epochRenewed, { epoch, reason });
  return { epoch, livedBeforeBootMs, lanesMade: number("lanes_made"), clean: number("clean") === 1 };
}

function adoptLanes(store: SqliteStore, file: ChannelFile, lanes: readonly StoredLane[], clean: boolean): void {
  const kept: { readonly state: LaneState; readonly row: BatchRow; readonly order: number }[] = [];
  for (const { lane, progress } of lanes) {
    const state = new LaneState(lane, progress, true, store.budget);
    if (clean) state.sentBefore = progress.taken; // closed in order: nothing was handed out that the file does not know of
    state.garbage = Number.POSITIVE_INFINITY; // rows below `kept` may have been left: the first commit sweeps
    store.adopt(state);
    const rows = file.statements.rowsBetween.all(lane.id, progress.kept, progress.acked);
    // Across lanes by age; within a lane never against its order, whatever the clock did.
    let order = 0;
    for (const row of rows) {
      order = Math.max(order, row.put_ms);
      kept.push({ state, row, order });
    }
  }
  kept.sort((a, b) => a.order - b.order);
  for (const { state, row } of kept) store.keep(state, row);
}

/** Rows of channels that the config no longer names and that hold no events: kept batches and undelivered markers. */
function forgetUnnamed(db: DatabaseConnection, options: OpenOptions): void {
  const left = db.prepare("SELECT 1 FROM batch WHERE lane = ? LIMIT 1");
  const unnamed = readLanes(db).filter(({ lane }) => !options.channels.has(lane.channel) && left.get(lane.id));
  if (unnamed.length === 0) return;
  db.transaction(() => {
    for (const { lane, progress } of unnamed) {
      const { next } = progress;
      const done = { ...progress, acked: next, kept: next, batches: 0, bytes: 0 };
      db.prepare(`DELETE FROM body WHERE id IN (SELECT body FROM batch WHERE lane = ?) AND id > ${SLOTS}`).run(lane.id);
      db.prepare("DELETE FROM batch WHERE lane = ?").run(lane.id);
      db.prepare("UPDATE state SET value = ? WHERE what = 'lane' AND name = ?").run(
        formatProgress(done),
        String(lane.id),
      );
    }
  }).immediate();
}

function ioError(dataDir: string, path: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  const code = sqliteCode(error) ?? systemCode(error);
  if (code === undefined) return error;
  const cause = { cause: error };
  if (code.startsWith("SQLITE_BUSY")) {
    const hint = `Another program has the channel file locked (a sqlite3 shell, a backup that is no \`tailgate\`). The start has waited ${busyMsAtStart / 1_000} s for it and given up: end it and start again, as a service manager does by itself.`;
    return new AppError(codes.EDGE_CHANNEL_BUSY, `open channel file ${path}: ${code}`, { ...cause, hint });
  }
  if (meansDiskFull(code) || code === "ENOSPC" || code === "EDQUOT") {
    return new AppError("EDGE_CHANNEL_FULL", `open channel file ${path}: disk full`, cause);
  }
  const isFolders = !/^(?:SQLITE|EIO|EMFILE|ENFILE|ENOMEM)/.test(code) || /^SQLITE_(?:READONLY|CANTOPEN)/.test(code);
  if (isFolders) return folderError(dataDir, messageOf(error), error);
  return new AppError("EDGE_CHANNEL_IO", `open channel file ${path}: ${code}`, cause);
}
