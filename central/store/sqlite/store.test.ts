import { describe, expect, spyOn, test } from "bun:test";
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import Database from "better-sqlite3";
import { systemClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { appendOf } from "../../testing/append.ts";
import { everyStoreContract } from "../../testing/contracts/every.contract.ts";
import { feedContract } from "../../testing/contracts/feed.contract.ts";
import { replayContract } from "../../testing/contracts/replay.contract.ts";
import type { Position } from "../store.ts";
import { ChunkPacker, unpackChunk } from "./events/chunk-codec.ts";
import { SqliteFeed } from "./feed/feed.ts";
import { checkStoreFile } from "./open.ts";
import { SqliteReader } from "./reader.ts";
import { SqliteStore } from "./store.ts";

const program = new URL("../../testing/unwritable-store.ts", import.meta.url).pathname;
const ends = ["", "-wal", "-shm"];

const open = () => {
  const dir = tempDir("tailgate-store-");
  const path = dir.file("central.db");
  const open = () => new SqliteStore({ path, clock: systemClock, report: silent });
  const store = open();
  const reader = new SqliteReader(path);
  return {
    path,
    store,
    reader,
    another: open,
    openFeed: (bounds: { readonly scanEventsMax: number }) => new SqliteFeed(path, bounds),
    settle: async () => {
      store.fold();
    },
    loseEvents: async (fromSeq: number, toSeq: number) => {
      store.fold();
      const database = new Database(path);
      const rows = database.prepare<[], { id: number; body: Buffer }>("select id, body from chunk").all();
      for (const { id, body } of rows) {
        const left = unpackChunk(body).filter(({ seq }) => seq < fromSeq || seq >= toSeq);
        if (left.length === 0) database.prepare("delete from chunk where id = ?").run(id);
        else database.prepare("update chunk set body = ? where id = ?").run(new ChunkPacker().pack(left), id);
      }
      database.close();
    },
    [Symbol.asyncDispose]: async () => {
      await reader.close();
      await store.close();
      dir[Symbol.dispose]();
    },
  };
};

everyStoreContract("sqlite", open);
feedContract("sqlite", open);
replayContract("sqlite", open);

test("after a clean stop the file alone is the store, beside a reader that stays open", async () => {
  await using under = open();
  const path = under.path;
  await under.store.append(appendOf(0, 2_000, undefined));
  expect((await under.reader.totals()).stored).toBe(2_000);
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
  await under.store.close();
  expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  using copy = tempDir();
  copyFileSync(path, copy.file("central.db"));
  const reader = new SqliteReader(copy.file("central.db"));
  expect((await reader.totals()).stored).toBe(2_000);
  await reader.close();
});

test("relayed records are synced before they are acknowledged, records of a topic are not", async () => {
  await using under = open();
  await under.store.probe();
  using pragma = spyOn(Database.prototype, "pragma");
  using exec = spyOn(Database.prototype, "exec");
  await under.store.appendRelayed({ records: appendOf(0, 5, undefined).records, dead: [] });
  await under.store.append(appendOf(5, 9, undefined));
  const calls = [pragma, exec].flatMap(({ mock }) =>
    mock.calls.map(([text], index) => ({ text, order: mock.invocationCallOrder[index] ?? 0 })),
  );
  const said = calls.sort((a, b) => a.order - b.order).map(({ text }) => text);
  const synced = ["synchronous = FULL", "begin immediate", "commit", "synchronous = NORMAL"];
  expect(said).toEqual([...synced, "begin immediate", "commit"]);
});

describe("the SQLite store", () => {
  test("writes a chunk at once where there are many events of a vehicle, rows where there are few", async () => {
    using dir = tempDir();
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    const { position } = await store.append(appendOf(0, 500, undefined));
    await store.append(appendOf(500, 505, position));
    await store.close();
    const database = new Database(dir.file("db"), { readonly: true });
    const count = (sql: string) => database.prepare(sql).pluck().get();
    expect(count("select sum(events) from chunk")).toBe(500);
    expect(count("select count(*) from recent")).toBe(5);
    database.close();
  });

  test("folds recent events into chunks when there are enough of them, and loses none", async () => {
    using dir = tempDir();
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent, foldRows: 40 });
    let seen: Position | undefined;
    for (let at = 0; at < 95; at += 5) seen = (await store.append(appendOf(at, at + 5, seen))).position;
    await store.close();
    const database = new Database(dir.file("db"), { readonly: true });
    const count = (sql: string) => Number(database.prepare(sql).pluck().get());
    expect(count("select count(*) from recent")).toBe(15);
    expect(count("select sum(events) from chunk")).toBe(80);
    expect(count("select events from series")).toBe(95);
    database.close();
  });

  test.each([0, 0.3, 0.5, 0.99])(
    "a write-ahead log of which %d is left: an older state, whole in itself, that goes on",
    async (left) => {
      using dir = tempDir();
      const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
      let seen: Position | undefined;
      for (let at = 0; at < 200; at += 5) seen = (await store.append(appendOf(at, at + 5, seen))).position;
      // As a power cut leaves it: the file as it was, the log without its end.
      copyFileSync(dir.file("db"), dir.file("cut"));
      copyFileSync(dir.file("db-wal"), dir.file("cut-wal"));
      truncateSync(dir.file("cut-wal"), Math.floor(statSync(dir.file("cut-wal")).size * left));
      await store.close();
      const after = new SqliteStore({ path: dir.file("cut"), clock: systemClock, report: silent });
      const reader = new SqliteReader(dir.file("cut"));
      await after.probe();
      const position = await after.position({ topic: "drive", partition: 0 });
      const next = position?.next ?? 0;
      expect(next).toBeLessThan(200);
      expect(await reader.totals()).toMatchObject({ stored: next, missing: 0 });
      expect(await after.append(appendOf(next, 200, position))).toMatchObject({ stored: 200 - next, repeated: 0 });
      expect(await reader.totals()).toMatchObject({ stored: 200, missing: 0, repeated: 0, conflicts: 0 });
      await reader.close();
      await after.close();
    },
  );

  test("says that it is away while somebody else holds the file, and goes on when they let go", async () => {
    using dir = tempDir();
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    const { position } = await store.append(appendOf(0, 5, undefined));
    const other = new Database(dir.file("db"));
    other.exec("begin immediate");
    await expect(store.append(appendOf(5, 9, position))).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    other.exec("rollback");
    other.close();
    expect((await store.append(appendOf(5, 9, position))).stored).toBe(4);
    await store.close();
  });

  test("asked whether it takes writes it writes nothing, and makes no file in the place of one that is away", async () => {
    using dir = tempDir();
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    await expect(store.ask()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    await store.append(appendOf(0, 5, undefined));
    const bytes = statSync(dir.file("db-wal")).size;
    for (let times = 0; times < 20; times++) await store.ask();
    expect(statSync(dir.file("db-wal")).size).toBe(bytes);
    const other = new Database(dir.file("db"));
    other.exec("begin immediate");
    await expect(store.ask()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    other.exec("rollback");
    other.close();
    for (const end of ["", "-wal", "-shm"]) renameSync(dir.file(`db${end}`), dir.file(`gone${end}`));
    await expect(store.ask()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    expect(existsSync(dir.file("db"))).toBe(false);
    for (const end of ["", "-wal", "-shm"]) renameSync(dir.file(`gone${end}`), dir.file(`db${end}`));
    await store.ask();
    await store.close();
  });

  test("asked on a full disk it says that nothing can be stored, though a transaction can begin", async () => {
    using dir = tempDir();
    let left = 1024 * 1024;
    const options = { path: dir.file("db"), clock: systemClock, report: silent, writableBytes: () => left };
    const store = new SqliteStore(options);
    await store.append(appendOf(0, 5, undefined));
    await store.ask();
    left -= 1;
    await expect(store.ask()).rejects.toThrow("its disk is full: 1024 KiB are left");
    await expect(store.ask()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    left = Number.POSITIVE_INFINITY;
    await store.ask();
    await store.close();
  });

  test("is not open on a full disk, though a file without rows has nothing to write", async () => {
    using dir = tempDir();
    let left = Number.POSITIVE_INFINITY;
    const options = { path: dir.file("db"), clock: systemClock, report: silent, writableBytes: () => left };
    const store = new SqliteStore(options);
    await store.probe();
    left = 4_096;
    await expect(store.probe()).rejects.toThrow("its disk is full");
    await store.close();
  });

  test("says that it is away when its folder cannot be made", async () => {
    const store = new SqliteStore({ path: "/proc/no/such/place.db", clock: systemClock, report: silent });
    await expect(store.probe()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  });

  test("leaves another program's database as it is, and says whose it is not", async () => {
    using dir = tempDir();
    const database = new Database(dir.file("db"));
    database.exec("create table notes (text)");
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    await expect(store.probe()).rejects.toMatchObject({ code: "CENTRAL_STORE_FOREIGN" });
    expect(() => checkStoreFile(dir.file("db"))).toThrow("another program's database");
    expect(database.prepare("select name from sqlite_schema").pluck().all()).toEqual(["notes"]);
    database.close();
    writeFileSync(dir.file("text"), "no database at all, but long enough to be looked at as one".repeat(20));
    expect(() => checkStoreFile(dir.file("text"))).toThrow("it is no database");
    checkStoreFile(dir.file("none"));
  });

  test.each(["a FIFO", "a folder", "a device or a socket"])(
    "%s in the place of its file is said, and not waited for",
    async (what) => {
      using dir = tempDir();
      const path = what.startsWith("a device") ? "/dev/null" : dir.file("db");
      if (what === "a folder") mkdirSync(path);
      if (what === "a FIFO") expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
      expect(() => checkStoreFile(path)).toThrow(`it is ${what}, no file`);
      const store = new SqliteStore({ path, clock: systemClock, report: silent });
      await expect(store.probe()).rejects.toMatchObject({ code: "CENTRAL_STORE_FOREIGN" });
      await store.close();
      await expect(new SqliteReader(path).totals()).rejects.toThrow();
    },
  );

  test.each([1, 2, 3, 4, 5])("takes over a store of version %d, with its books", async (version) => {
    using dir = tempDir();
    const old = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    const { position } = await old.append(appendOf(0, 5, undefined));
    await old.close();
    const database = new Database(dir.file("db"));
    database.exec(`drop table agent; drop table lane_beat; drop table outage; drop table tally; drop index ledger_shed;
      update ledger set first = 2; update lane set first_seq = 2, received = 3`);
    if (version < 5) {
      database.exec(`drop table rule_state; drop table rule_line; drop table alert; drop table alert_sum;
        drop table alert_delivery`);
    }
    if (version < 4) {
      database.exec(`alter table lane drop column first_seq; alter table lane drop column sender;
        alter table conflict drop column sender; alter table conflict drop column held_by`);
    }
    database.exec(`drop table replay; drop table replay_partition; drop table suppression;
      drop table redrive; drop index dead_letter_place; drop index conflict_place; alter table series drop column anew`);
    if (version < 3) database.exec("alter table source drop column topic_id");
    if (version === 1) {
      database.exec("drop table account; alter table source drop column dead_bytes");
      database.pragma("application_id = 0");
    }
    database.pragma(`user_version = ${version}`);
    database.close();
    checkStoreFile(dir.file("db"));
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    expect(await store.position({ topic: "drive", partition: 0 })).toEqual(position);
    const { position: moved, ...counts } = await store.append({ ...appendOf(5, 9, position), topicId: "one" });
    expect(counts).toMatchObject({ stored: 4, conflicts: 0 });
    expect(moved.topicId).toBe("one");
    await store.close();
    const after = new Database(dir.file("db"), { readonly: true });
    expect(after.prepare("select name, lanes from account").all()).toEqual([{ name: "gw1", lanes: 1 }]);
    expect(after.prepare("select first_seq, received from lane").all()).toEqual([{ first_seq: 2, received: 7 }]);
    after.close();
  });

  test("refuses a file that a newer version has written", async () => {
    using dir = tempDir();
    const database = new Database(dir.file("db"));
    database.pragma("user_version = 99");
    database.close();
    const store = new SqliteStore({ path: dir.file("db"), clock: systemClock, report: silent });
    await expect(store.probe()).rejects.toMatchObject({ code: "CENTRAL_STORE_VERSION" });
  });

  test("a store that may be written to again is written to, though a reader opened beside a writer that had failed", async () => {
    using dir = tempDir();
    const path = dir.file("db");
    const store = new SqliteStore({ path, clock: systemClock, report: silent });
    await store.append(appendOf(0, 5, undefined));
    // As kill -9 leaves it: with the log and its shared memory.
    for (const end of ends) copyFileSync(`${path}${end}`, dir.file(`left${end}`));
    await store.close();
    const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const isRoot = process.getuid?.() === 0;
    if (isRoot)
      for (const file of [dir.path, ...ends.map((end) => dir.file(`left${end}`))]) chownSync(file, 65_534, 65_534);
    await using child = startChild({
      command: [...(isRoot ? asNobody : []), process.execPath, program, dir.file("left")],
    });
    expect((await child.exited).code).toBe(0);
    expect(child.tail()).toContain("written");
  });

  test("a reader without a file says that the store is away", async () => {
    using dir = tempDir();
    await expect(new SqliteReader(dir.file("none")).totals()).rejects.toMatchObject({
      code: "CENTRAL_STORE_UNAVAILABLE",
    });
  });
});
