/** The config, and the source on SQLite files; PostgreSQL and MariaDB are in scripts/integration. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { limits } from "../../core/limits.ts";
import { mistakes } from "../../testing/fakes/component.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import { parseAddress, shown } from "./address.ts";
import definition from "./index.ts";

function writer(dir: TempDir, ...texts: readonly string[]): Database {
  const database = new Database(dir.file("app.db"), { create: true, readwrite: true });
  for (const text of texts) database.run(text);
  return database;
}

function follow(dir: TempDir, config: object, work = new CommittedWork()): RunningSource {
  const url = `sqlite:${dir.file("app.db")}`;
  return runSource({
    definition,
    config: { url, table: "t", trackingColumn: "id", pollInterval: "10ms", timeout: "2s", ...config },
    dataDir: dir.path,
    work,
    intake: { commitWhenReady: true },
  });
}

const rows = (source: RunningSource) => source.intake.events.map((event): unknown => JSON.parse(event.body));
const hasRead = (source: RunningSource, count: number) =>
  until(
    `${count} rows`,
    () => source.intake.events.length,
    (seen) => seen >= count,
    { withinMs: 20_000 },
  );
const said = (source: RunningSource, signal: string) =>
  until(signal, () => source.reports.find((each) => each.signal === signal)?.fields, Boolean, { withinMs: 20_000 });
const files = (dir: TempDir) =>
  readdirSync(dir.path)
    .filter((name) => name.startsWith("app.db"))
    .sort();

describe("the config", () => {
  const wrong = (config: object) =>
    mistakes(definition, { url: "sqlite:/a.db", table: "t", trackingColumn: "id", ...config });

  test.each([
    [{}, []],
    [{ query: "select 1" }, ["table: write table or query, one of them"]],
    [
      { url: "mysql://h/d", table: undefined, query: "select 1" },
      ["query: make a view of it, and name that as the table"],
    ],
    [{ password: "p" }, ["password: a file has none"]],
    [{ tls: {} }, ["tls: a file has no connection"]],
  ])("%j", (config, expected) => expect(wrong(config)).toEqual([...expected]));

  test.each(["x", "postgres://h", "oracle://h/d", "sqlite:a.db", "postgres://h/d?sslmode=disable", "postgres://h/%zz"])(
    "%s is no database",
    (url) => expect(wrong({ url })).toEqual([expect.stringContaining("url: not a database")]),
  );

  test("an address is taken apart, and shown without its password", () => {
    const address = parseAddress("postgresql://u%40x:p%2Fw@[::1]:6432/fleet%20a");
    expect(address).toEqual({
      kind: "postgres",
      host: "::1",
      port: 6432,
      user: "u@x",
      password: "p/w",
      database: "fleet a",
    });
    expect(address && shown(address)).toBe("postgres://::1:6432/fleet a");
  });
});

test("rows come in order, with every digit and byte, a header of their table and one of their position", async () => {
  using dir = tempDir();
  using app = writer(
    dir,
    "create table t(id integer primary key, a, b)",
    `insert into t(a, b) values (9007199254740993, 0.5), (x'00ff', null), (cast(x'ff41' as text), 'é"'), (9e999, -9223372036854775808)`,
  );
  await using source = follow(dir, { keyColumn: "a" });
  await hasRead(source, 4);
  app.run("insert into t(a) values ('new')");
  await hasRead(source, 5);
  expect(source.intake.lines.map((line) => Buffer.from(line, "latin1").toString())).toEqual([
    '{"id":1,"a":9007199254740993,"b":0.5}',
    '{"id":2,"a":"\\\\x00ff","b":null}',
    '{"id":3,"a":"\\\\xff41","b":"é\\""}',
    '{"id":4,"a":"Infinity","b":-9223372036854775808}',
    '{"id":5,"a":"new","b":null}',
  ]);
  expect(source.intake.events[1]).toMatchObject({ headers: { table: "t", position: '["2"]' }, key: "\\x00ff" });
  expect(source.source.status()).toMatchObject({ connected: true, position: '["5"]', received: 5 });
});

test("after a crash at any moment each row is there once", async () => {
  using dir = tempDir();
  using app = writer(dir, "create table t(id integer primary key, a)");
  const work = new CommittedWork();
  for (let round = 0; round < 8; round++) {
    app.transaction(() => {
      for (let row = 0; row < 40; row++) app.run("insert into t(a) values (1)");
    })();
    const source = follow(dir, { rowsMax: 7 }, work);
    await until("some", () => work.events.length > round * 40, Boolean, { withinMs: 20_000 });
    await source.crash();
  }
  await using source = follow(dir, { rowsMax: 7 }, work);
  await hasRead(source, 320);
  await Bun.sleep(50);
  expect(rows(source)).toEqual(Array.from({ length: 320 }, (_, row) => ({ id: row + 1, a: 1 })));
});

test("start: end leaves out what is there, also when that is nothing", async () => {
  using dir = tempDir();
  using app = writer(dir, "create table t(id integer primary key)", "insert into t values (1), (2)");
  const work = new CommittedWork();
  {
    await using source = follow(dir, { start: "end" }, work);
    await said(source, "database_connected");
    source.intake.commit();
  }
  app.run("insert into t values (3)");
  await using source = follow(dir, { start: "end" }, work);
  await hasRead(source, 1);
  expect(rows(source)).toEqual([{ id: 3 }]);
});

test("rows of one time are told apart by the tie column, over the ends of reads and restarts", async () => {
  using dir = tempDir();
  using _ = writer(
    dir,
    "create table t(id integer primary key, at datetime, name)",
    "create index by_at on t(at)",
    ...["a", "b", "c"].map(
      (name) =>
        `insert into t(at, name) select '2026-11-29 10:00:0${name === "c" ? 1 : 0}', '${name}' || value from json_each('[1,2,3,4,5]')`,
    ),
  );
  const config = { trackingColumn: "at", tieColumn: "id", rowsMax: 3, columns: ["name"] };
  const work = new CommittedWork();
  {
    await using _first = follow(dir, config, work);
    await until("some", () => work.events.length > 3);
  }
  await using source = follow(dir, config, work);
  await hasRead(source, 15);
  expect(rows(source)).toEqual(
    ["a", "b", "c"].flatMap((name) => [1, 2, 3, 4, 5].map((n) => ({ name: `${name}${n}` }))),
  );
});

test("a query is read as a table is", async () => {
  using dir = tempDir();
  using _ = writer(dir, "create table t(id integer primary key, a)", "insert into t(a) values (1), (2), (3)");
  await using source = follow(dir, { table: undefined, query: "select id, a * 2 as b from t where a <> 2 -- two\n;" });
  await hasRead(source, 2);
  expect(rows(source)).toEqual([
    { id: 1, b: 2 },
    { id: 3, b: 6 },
  ]);
  expect(source.intake.events[0]?.headers.table).toBe("test");
});

test("rows that have no place in the order are counted and said, and hide no others", async () => {
  using dir = tempDir();
  using app = writer(
    dir,
    "create table t(id int unique, a)",
    "insert into t values (1, 1), (null, 2), ('text', 3), (2, 4)",
  );
  await using source = follow(dir, {});
  await hasRead(source, 2);
  expect(await said(source, "database_rows_unplaced")).toMatchObject({ rows: 2 });
  app.run("insert into t values (3, 5)");
  await hasRead(source, 3);
  expect(rows(source)).toEqual([
    { id: 1, a: 1 },
    { id: 2, a: 4 },
    { id: 3, a: 5 },
  ]);
  expect(source.source.status().unread).toEqual({ unplaced: 2, ahead: 0 });
});

test.each([
  ["create table t(id int, a)", {}, "no index"],
  ["create table t(id int, a); create index i on t(id)", {}, "no unique index"],
  ["create table t(id integer primary key)", { trackingColumn: "nr" }, "no column nr"],
  ["create table x(id integer primary key)", {}, "no such table"],
])("%s, %j: is refused, and it goes on once that is right", async (text, config, words) => {
  using dir = tempDir();
  using app = writer(dir, ...text.split(";"));
  await using source = follow(dir, config);
  expect(await said(source, "database_not_read")).toMatchObject({ error: expect.stringContaining(words) });
  expect(source.source.unready?.()).toContain(words);
  app.run("drop table if exists t");
  app.run("create table t(id integer primary key, nr integer unique)");
  app.run("insert into t values (1, 1)");
  await hasRead(source, 1);
  expect([
    source.source.unready?.(),
    source.reports.filter((each) => each.signal === "database_not_read").length,
  ]).toEqual([undefined, 1]);
});

test("a table that was made anew and counts below the position is said", async () => {
  using dir = tempDir();
  using app = writer(dir, "create table t(id integer primary key)", "insert into t values (100)");
  const work = new CommittedWork();
  {
    await using source = follow(dir, {}, work);
    await hasRead(source, 1);
    source.intake.commit();
  }
  app.run("delete from t");
  app.run("insert into t values (1)");
  await using source = follow(dir, {}, work);
  expect(await said(source, "database_position_ahead")).toMatchObject({ position: '["100"]' });
  app.run("insert into t values (101)");
  await hasRead(source, 2);
});

test("a row that came below the position is not read, and that is said once", async () => {
  using dir = tempDir();
  using app = writer(dir, "create table t(id integer primary key)", "insert into t values (5)");
  await using source = follow(dir, {});
  await hasRead(source, 1);
  app.run("insert into t values (3)");
  expect(await said(source, "database_rows_late")).toMatchObject({ rows: 1 });
  expect(source.source.status()).toMatchObject({ received: 1, late: 1 });
});

test("rows that start: end has left out are not taken for late ones", async () => {
  using dir = tempDir();
  using app = writer(dir, "create table t(id integer primary key)", "insert into t values (1), (2)");
  await using source = follow(dir, { start: "end" });
  await said(source, "database_connected");
  app.run("insert into t values (3)");
  await hasRead(source, 1);
  await Bun.sleep(3_500);
  expect(source.source.status()).toMatchObject({ received: 1, late: 0 });
});

test("a row that is larger than an event may be is cut, marked and counted", async () => {
  using dir = tempDir();
  using _ = writer(
    dir,
    "create table t(id integer primary key, a)",
    "insert into t values (1, zeroblob(3000000)), (2, 'x')",
  );
  await using source = follow(dir, {});
  await hasRead(source, 2);
  const [large, small] = source.intake.events;
  expect([large?.body.length, large?.headers.cut, small?.body]).toEqual([
    limits.lineBytesMax,
    String(limits.lineBytesMax),
    '{"id":2,"a":"x"}',
  ]);
  expect(source.intake.counter("cut")).toBe(1);
  expect(source.intake.counter("cut_bytes")).toBeGreaterThan(2_000_000);
});

test("while the channel is full nothing more is read", async () => {
  using dir = tempDir();
  using _ = writer(
    dir,
    "create table t(id integer primary key)",
    "insert into t select value from json_each('[1,2,3,4,5,6]')",
  );
  await using source = follow(dir, { rowsMax: 2 });
  source.intake.block();
  await Bun.sleep(100);
  expect(source.intake.events).toEqual([]);
  source.intake.unblock();
  await hasRead(source, 6);
});

describe("somebody else's file", () => {
  test("with a write-ahead log: the writer waits for nothing, and is seen at once", async () => {
    using dir = tempDir();
    using app = writer(
      dir,
      "pragma journal_mode=wal",
      "create table t(id integer primary key)",
      "insert into t values (1)",
    );
    await using source = follow(dir, {});
    await hasRead(source, 1);
    app.run("begin immediate");
    app.run("insert into t values (2)");
    await Bun.sleep(100);
    expect(source.intake.events).toHaveLength(1);
    app.run("commit");
    await hasRead(source, 2);
    expect(app.query("pragma wal_checkpoint(truncate)").get()).toMatchObject({ busy: 0 });
  });

  test("that nobody has open is read, and no file is made beside it", async () => {
    using dir = tempDir();
    const app = writer(
      dir,
      "pragma journal_mode=wal",
      "create table t(id integer primary key)",
      "insert into t values (1)",
    );
    app.close(true);
    expect(files(dir)).toEqual(["app.db"]);
    await using source = follow(dir, {});
    await hasRead(source, 1);
    expect(files(dir)).toEqual(["app.db"]);
    for (let id = 2; id < 30; id++) {
      const again = writer(dir, `insert into t values (${id})`);
      again.close(true);
    }
    await hasRead(source, 29);
    expect(rows(source)).toEqual(Array.from({ length: 29 }, (_, row) => ({ id: row + 1 })));
  });

  test("that is locked is waited for", async () => {
    using dir = tempDir();
    using app = writer(dir, "create table t(id integer primary key)", "insert into t values (1)");
    app.run("begin exclusive");
    await using source = follow(dir, { timeout: "100ms" });
    expect(await said(source, "database_not_read")).toMatchObject({ error: expect.stringContaining("locked") });
    app.run("commit");
    await hasRead(source, 1);
  });

  test.each([
    ["is not there", () => {}, "ENOENT"],
    ["is no database", (dir: TempDir) => Bun.write(dir.file("app.db"), "x".repeat(5_000)), "no SQLite database"],
  ])("that %s is said", async (_, make, words) => {
    using dir = tempDir();
    await make(dir);
    await using source = follow(dir, {});
    expect(await said(source, "database_not_read")).toMatchObject({ error: expect.stringContaining(words) });
    expect(files(dir).length).toBeLessThan(2);
  });

  test("is never the agent's own", async () => {
    using dir = tempDir();
    await using source = follow(dir, { url: `sqlite:${dir.file(".tailgate/channel.db")}` });
    expect(await said(source, "database_not_read")).toMatchObject({
      error: expect.stringContaining("own data folder"),
    });
  });
});
