/**
 * The tables of the channel file, and how an older file becomes a newer one. DESIGN.md beside this file says why they
 * look like this; `sqlite3 channel.db .schema` shows them, and the views put names to what the hot rows hold.
 */
import type { DatabaseConnection } from "./driver.ts";

/** `PRAGMA user_version` of what this program writes. */
export const SCHEMA_VERSION = 2;
/** `PRAGMA application_id`: "TGch", so that `file` and we know what it is. */
export const APPLICATION_ID = 0x54476368;
/** Small commits are many: the smallest page that a file system writes whole (DESIGN.md, "Pages"). */
export const PAGE_BYTES = 4096;
/** Rows of `body` made at birth, one a page, overwritten in place by small batches. */
export const SLOTS = 512;
/** Larger bodies do not fit on a slot's page. */
export const SLOT_BYTES_MAX = 4_000;
/** Two rows of this size do not fit on one page: each slot gets a page of its own. */
export const SLOT_BYTES_EMPTY = 2_100;

const version1 = `
-- Facts about the file that change at most once a start: epoch, agent, machine, inode, starts.
CREATE TABLE file (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Everything that changes with every commit, together on as few pages as can be. See the views.
CREATE TABLE state (id INTEGER PRIMARY KEY, what TEXT NOT NULL, stream TEXT NOT NULL, name TEXT NOT NULL, value);

-- An ordered line of batches. Rows stay for ever: their numbers must never be given again.
CREATE TABLE lane (
  id INTEGER PRIMARY KEY, channel TEXT NOT NULL, stream TEXT NOT NULL, epoch TEXT NOT NULL, number INTEGER NOT NULL,
  topic TEXT NOT NULL, partition INTEGER, partitions INTEGER, generation INTEGER
);

-- One row a record batch, narrow. \`reason\` set: records shed by policy; the row stands in their place, without a body.
-- \`crc\`: CRC-32C of the body behind its 61-byte header. \`put_ms\`: milliseconds this file had lived when it was put.
CREATE TABLE batch (
  lane INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, reason TEXT,
  time_ms_min INTEGER NOT NULL, time_ms_max INTEGER NOT NULL, crc INTEGER NOT NULL, bytes INTEGER NOT NULL,
  body INTEGER, put_ms INTEGER NOT NULL,
  PRIMARY KEY (lane, first)
) WITHOUT ROWID;

-- The record batches themselves. Rows 1 to ${SLOTS} are slots: one page each, overwritten in place by small batches.
-- Lane and first repeat what the batch row says, so that a body explains itself when nothing else can be read.
CREATE TABLE body (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, first INTEGER NOT NULL, bytes BLOB NOT NULL);

-- What a destination refused for ever or what could not be read: \`tailgate channel export --dead\`.
CREATE TABLE dead (
  id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL,
  time_ms_min INTEGER NOT NULL, time_ms_max INTEGER NOT NULL, crc INTEGER NOT NULL, bytes INTEGER NOT NULL, body INTEGER
);

-- A sink's session of a lane with a destination (a Kafka producer id, say).
CREATE TABLE session (lane INTEGER NOT NULL, destination TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (lane, destination)) WITHOUT ROWID;

CREATE VIEW position AS SELECT stream, name AS "key", value AS position FROM state WHERE what = 'position';
CREATE VIEW counter AS SELECT stream, name AS counter, value FROM state WHERE what = 'counter';
CREATE VIEW progress AS
  SELECT lane.id AS lane, lane.channel, lane.stream, lane.epoch, lane.number, lane.topic,
    value ->> 'next' AS put, value ->> 'sent' AS sent, value ->> 'shed' AS shed, value ->> 'dead' AS dead,
    (value ->> 'next') - (value ->> 'sent') - (value ->> 'shed') - (value ->> 'dead') AS held,
    value ->> 'batches' AS held_batches, value ->> 'bytes' AS held_bytes,
    value ->> 'acked' AS acknowledged_below, value ->> 'kept' AS kept_from, value ->> 'mark' AS mark
  FROM lane JOIN state ON state.what = 'lane' AND state.name = lane.id;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = 1;
`;

const version2 = `
-- 1: its batches were made by other agents, and their records bear the numbers of those.
ALTER TABLE lane ADD COLUMN carries INTEGER NOT NULL DEFAULT 0;
-- Of such a lane: which records they are, as \`agent/epoch/stream.lane/first-last\`. Null: the lane's own numbers.
ALTER TABLE batch ADD COLUMN carried TEXT;
PRAGMA user_version = 2;
`;

/** What brings a file from the version before to this one; the first makes an empty file a version 1. */
const migrations: readonly ((db: DatabaseConnection) => void)[] = [
  (db) => {
    db.exec(version1);
    const slot = db.prepare<[number]>(
      `INSERT INTO body (id, lane, first, bytes) VALUES (?, 0, 0, zeroblob(${SLOT_BYTES_EMPTY}))`,
    );
    for (let id = 1; id <= SLOTS; id++) slot.run(id);
  },
  (db) => db.exec(version2),
];

/** Brings the file to this program's version, all or nothing. */
export function migrate(db: DatabaseConnection): void {
  const found = versionOf(db);
  if (found === SCHEMA_VERSION) return;
  db.transaction(() => {
    for (const step of migrations.slice(found)) step(db);
  }).immediate();
}

/** The file's version; 0 for an empty file. */
export function versionOf(db: DatabaseConnection): number {
  return Number(db.pragma("user_version", { simple: true }));
}
