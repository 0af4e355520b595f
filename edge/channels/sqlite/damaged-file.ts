/**
 * A file beyond repair as a thing on the disk: how it is put aside, and opened so that SQLite can be asked for what is left.
 *
 * SQLite reads nothing of a file whose first page is gone, or that is shorter than its tables are. So what is missing comes
 * from the new file: same program, same tables, same root pages, and nothing in them.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { damageNote } from "./channel-file.ts";
import { type DatabaseConnection, Sqlite, tolerant } from "./driver.ts";
import { PAGE_BYTES } from "./schema.ts";

/** One damaged file is kept, the last one. Answers its new name. Of one that lies there already the copy was not finished. */
export function setAside(path: string): string {
  const folder = dirname(path);
  const prefix = `${basename(path)}.damaged-`;
  const old = readdirSync(folder).filter((file) => file.startsWith(prefix));
  const numbers = old.map((file) => Number.parseInt(file.slice(prefix.length), 10)).filter(Number.isFinite);
  const last = Math.max(0, ...numbers);
  const isUnfinished = !existsSync(path) && last > 0;
  const name = join(folder, `${prefix}${isUnfinished ? last : last + 1}`);
  if (!isUnfinished) {
    // From here on a start that finds no file knows why.
    writeFileSync(damageNote(path), "it is being written anew\n");
    for (const file of old) rmSync(join(folder, file));
    // Somebody took it away meanwhile: nothing is left to be read.
    if (!existsSync(path)) writeFileSync(path, "", { mode: 0o600 });
    renameSync(path, name);
  }
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${name}-wal`);
  rmSync(`${path}-shm`, { force: true });
  return name;
}

/** Opens it to be read. `donor`: a new file, empty and checkpointed. */
export function openDamaged(name: string, donor: string): DatabaseConnection {
  lengthen(donor, name);
  const db = new Sqlite(name);
  const schema = tolerant(() => db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get());
  if (Number(schema ?? 0) > 0 && tolerant(() => db.prepare("SELECT 1 FROM file")) !== undefined) return logCopied(db);
  // The first page, or what it says about the tables, is gone.
  db.close();
  transplantFirstPage(donor, name);
  return logCopied(new Sqlite(name));
}

/** What is in the log goes into the file: it is read page by page later. */
function logCopied(db: DatabaseConnection): DatabaseConnection {
  tolerant(() => db.pragma("wal_checkpoint(TRUNCATE)"));
  return db;
}

/** A file that is shorter than an empty one ends with the pages of that. */
function lengthen(donor: string, patient: string): void {
  withBoth(donor, patient, (from, to) => {
    const pages = pagesOf(to);
    const donorPages = pagesOf(from);
    if (pages >= donorPages) return;
    ftruncateSync(to, pages * PAGE_BYTES);
    for (let number = pages; number < donorPages; number++) writePage(to, number, readPage(from, number));
  });
}

function transplantFirstPage(donor: string, patient: string): void {
  withBoth(donor, patient, (from, to) => {
    const page = readPage(from, 0);
    // File format, section 1.3: size in pages at 28; first free page and their number at 32 and 36: forgotten, we only read.
    page.writeUInt32BE(pagesOf(to), 28);
    page.writeUInt32BE(0, 32);
    page.writeUInt32BE(0, 36);
    writePage(to, 0, page);
  });
}

function withBoth(donor: string, patient: string, transplant: (from: number, to: number) => void): void {
  const from = openSync(donor, "r");
  const to = openSync(patient, "r+");
  try {
    transplant(from, to);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function pagesOf(fd: number): number {
  return Math.floor(fstatSync(fd).size / PAGE_BYTES);
}

function readPage(fd: number, number: number): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  readSync(fd, page, 0, PAGE_BYTES, number * PAGE_BYTES);
  return page;
}

function writePage(fd: number, number: number, page: Buffer): void {
  writeSync(fd, page, 0, PAGE_BYTES, number * PAGE_BYTES);
}
