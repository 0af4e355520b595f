/** The database source on a real PostgreSQL. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { SQL } from "bun";
import { makeCertificates } from "../../../../shared/testing/certificates.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { PostgresServer, serverPassword } from "../../../drivers/storage/postgres-server.ts";
import { type DatabaseServer, databaseSuite, freshTable, Reader } from "./database-suite.ts";

let postgres: PostgresServer;
let server: DatabaseServer;

const dir = tempDir();
const authority = { ours: "", other: "" };

beforeAll(async () => {
  mkdirSync(dir.file("certificates"));
  const { ca, otherCa, broker } = makeCertificates(dir.file("certificates"));
  Object.assign(authority, { ours: ca, other: otherCa });
  writeFileSync(dir.file("server.pem"), broker.cert);
  writeFileSync(dir.file("server.key"), broker.key, { mode: 0o600 });
  chmodSync(dir.path, 0o755);
  if (process.getuid?.() === 0) Bun.spawnSync(["chown", "postgres", dir.file("server.key")]);
  postgres = await PostgresServer.start({
    settings: ["ssl=on", `ssl_cert_file=${dir.file("server.pem")}`, `ssl_key_file=${dir.file("server.key")}`],
  });
  const sql = new SQL(postgres.address("postgres"), { max: 8 });
  await sql.unsafe(`create role reader login password '${serverPassword}'`);
  await sql.unsafe("grant pg_read_all_data to reader");
  server = {
    url: `postgres://reader@127.0.0.1:${postgres.port}/postgres`,
    password: serverPassword,
    sql,
    connect: () => new SQL(postgres.address("postgres"), { max: 1 }),
    idAndName: "id bigserial primary key, name text",
    kill: () => postgres.kill(),
    launch: () => postgres.launch(),
    freeze: async () => {
      const found = await sql.unsafe("select pid from pg_stat_activity where usename = 'reader'");
      const pids: readonly number[] = found.map(({ pid }: { pid: number }) => pid);
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      return () => {
        for (const pid of pids) process.kill(pid, "SIGCONT");
      };
    },
  };
}, 120_000);

afterAll(async () => {
  await server?.sql.close({ timeout: 0 });
  await postgres?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

databaseSuite(() => server);

test("every type of value keeps all its digits, its bytes and its moment", async () => {
  const columns = {
    big: ["bigint", "9223372036854775807"],
    exact: ["numeric", "12345678901234567890.12345678901234567890"],
    real: ["float8", "'NaN'"],
    bytes: ["bytea", "'\\x00ff'"],
    at: ["timestamptz", "'2026-03-29 02:30:00.123456+02'"],
    local: ["timestamp", "'2026-03-29 02:30:00.123456'"],
    day: ["date", "'2026-03-29'"],
    json: ["jsonb", `'{"n": 12345678901234567890, "s": "é"}'`],
    list: ["int[]", "'{1,null,3}'"],
    word: ["text", "E'a\\nü\\U0001F600'"],
    none: ["text", "null"],
  } as const;
  const names = Object.keys(columns);
  const table = await freshTable(server, names.map((name) => `, ${name} ${Reflect.get(columns, name)[0]}`).join(""));
  await server.sql.unsafe(
    `insert into ${table} (${names.join(", ")}) values (${Object.values(columns)
      .map(([, value]) => value)
      .join(", ")})`,
  );
  await using reader = Reader.open(server, {
    table,
    columns: names,
    keyColumn: "exact",
    trackingColumn: "at",
    tieColumn: "id",
  });
  await reader.has(1);
  expect(reader.bodies[0]).toBe(
    `{"big":9223372036854775807,"exact":12345678901234567890.12345678901234567890,"real":"NaN","bytes":"\\\\x00ff","at":"2026-03-29T00:30:00.123456+00:00","local":"2026-03-29T02:30:00.123456","day":"2026-03-29","json":{"n": 12345678901234567890, "s": "é"},"list":[1,null,3],"word":"a\\nü😀","none":null}`,
  );
  expect(reader.source.intake.events[0]).toMatchObject({
    key: "12345678901234567890.12345678901234567890",
    eventTimeMs: Date.UTC(2026, 2, 29, 0, 30, 0, 123),
    headers: { table, position: '["2026-03-29 00:30:00.123456+00","1"]' },
  });
});

test("a database of bytes that are no UTF-8 hands them on as they are", async () => {
  const name = await postgres.createDatabase("encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'");
  const sql = new SQL(postgres.address(name), { max: 1 });
  await sql.unsafe("create table t (id serial primary key, name text)");
  await sql.unsafe("insert into t (name) values (E'\\xff\\xe9')");
  const url = `postgres://reader@127.0.0.1:${postgres.port}/${name}`;
  await using reader = Reader.open({ ...server, url }, { table: "t" });
  await reader.has(1);
  expect(reader.source.intake.lines).toEqual(['{"id":1,"name":"\u00ff\u00e9"}']);
  await sql.close({ timeout: 0 });
});

test("a transaction whose time is earlier is waited for although it has not written yet", async () => {
  const table = await freshTable(server, ", at timestamptz default now()");
  await using reader = Reader.open(server, { table, trackingColumn: "at", tieColumn: "id" });
  const early = await server.sql.reserve();
  await early.unsafe("begin");
  await early.unsafe("select now()");
  await server.sql.unsafe(`insert into ${table} (name) values ('second')`);
  await until("it to wait", () => reader.status.waitsFor !== undefined);
  await early.unsafe(`insert into ${table} (name) values ('first')`);
  await early.unsafe("commit");
  await reader.has(2);
  expect(reader.names).toEqual(["first", "second"]);
  early.release();
});

test("rows without a time, or with one that has not come, are said and hide no others", async () => {
  const table = await freshTable(server, ", at timestamptz");
  await server.sql.unsafe(
    `insert into ${table} (name, at) values ('none', null), ('ahead', now() + interval '1 day'), ('never', 'infinity'), ('there', now())`,
  );
  await using reader = Reader.open(server, { table, trackingColumn: "at", tieColumn: "id" });
  await reader.has(1);
  await reader.says("database_rows_unplaced", '"rows":2');
  await reader.says("database_rows_ahead", '"rows":1');
  await server.sql.unsafe(`insert into ${table} (name, at) values ('next', clock_timestamp())`);
  await reader.has(2);
  expect(reader.names).toEqual(["there", "next"]);
});

test("a writer of one partition is waited for; a view and a query wait for every writer", async () => {
  await server.sql.unsafe(
    "create table parts (id bigserial, name text, kind int, primary key (id, kind)) partition by list (kind)",
  );
  for (const kind of [1, 2])
    await server.sql.unsafe(`create table parts_${kind} partition of parts for values in (${kind})`);
  await server.sql.unsafe("create view seen as select * from parts where name <> 'x'");
  const tied = { tieColumn: "kind" };
  await using table = Reader.open(server, { table: "public.parts", ...tied });
  await using view = Reader.open(server, { table: "seen", ...tied });
  await using query = Reader.open(server, { query: "select * from parts -- all", ...tied });
  const open = await server.sql.reserve();
  await open.unsafe("begin");
  await open.unsafe("insert into parts_1 (id, name, kind) values (nextval('parts_id_seq'), 'first', 1)");
  await server.sql.unsafe("insert into parts (name, kind) values ('second', 2)");
  for (const reader of [table, view, query]) await until("it to wait", () => reader.status.waitsFor !== undefined);
  await open.unsafe("commit");
  for (const reader of [table, view, query]) {
    await reader.has(2);
    expect(reader.names).toEqual(["first", "second"]);
  }
  open.release();
});

test.each([
  ["a json column", ", j json", { trackingColumn: "j" }, "does not grow"],
  ["a time alone", ", at timestamptz", { trackingColumn: "at" }, "tieColumn"],
  ["a column that is not there", "", { trackingColumn: "nr" }, "nr"],
  ["a table that is not there", "", { table: "nowhere" }, "nowhere"],
])("%s is refused", async (_, more, config, words) => {
  const table = await freshTable(server, more);
  await server.sql.unsafe(`insert into ${table} (name) values ('x')`);
  await using reader = Reader.open(server, { table, ...config });
  await reader.says("database_not_read", words);
  expect(reader.bodies).toEqual([]);
});

test("a query that writes is refused, also to who may write", async () => {
  await server.sql.unsafe("create sequence counted");
  const query = "select nextval('counted') as id";
  await using reader = Reader.open({ ...server, url: postgres.address("postgres") }, { query });
  await reader.says("database_not_read", "read-only");
});

test("a sequence that gives out numbers in advance is refused", async () => {
  const table = await freshTable(server);
  await server.sql.unsafe(`alter sequence ${table}_id_seq cache 20`);
  await using reader = Reader.open(server, { table });
  await reader.says("database_not_read", "cache");
  await server.sql.unsafe(`alter sequence ${table}_id_seq cache 1`);
  await server.sql.unsafe(`insert into ${table} (name) values ('x')`);
  await reader.has(1);
});

test("wait_all waits for who has drawn a number and not yet inserted; wait does not, and the loss is said", async () => {
  const table = await freshTable(server);
  await using careful = Reader.open(server, { table, openTransactions: "wait_all" });
  await using reader = Reader.open(server, { table });
  const open = await server.sql.reserve();
  await open.unsafe("begin");
  await open.unsafe(`select nextval('${table}_id_seq')`);
  await server.sql.unsafe(`insert into ${table} (name) values ('second')`);
  await reader.has(1);
  await until("it to wait", () => careful.status.waitsFor !== undefined);
  await open.unsafe(`insert into ${table} (id, name) values (1, 'first')`);
  await open.unsafe("commit");
  await careful.has(2);
  expect([careful.names, reader.names]).toEqual([["first", "second"], ["second"]]);
  await reader.says("database_rows_late", '"rows":1');
  expect([reader.said("database_rows_late"), careful.said("database_rows_late")]).toEqual([1, 0]);
  open.release();
});

test("with tls the connection is encrypted, and a server that somebody else vouches for is refused", async () => {
  const table = await freshTable(server);
  await server.sql.unsafe(`insert into ${table} (name) values ('x')`);
  await using reader = Reader.open(server, { table, tls: { ca: authority.ours } });
  await reader.has(1);
  const seen = await server.sql.unsafe(
    "select bool_or(s.ssl) as ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name = 'tailgate agent-1/test'",
  );
  expect(seen[0].ssl).toBe(true);
  await using deceived = Reader.open(server, { table, tls: { ca: authority.other } });
  await deceived.says("database_not_read", "verify");
  await using elsewhere = Reader.open(server, { table, tls: { ca: authority.ours, serverName: "db.example" } });
  await elsewhere.says("database_not_read", "match");
  expect([deceived.bodies, elsewhere.bodies]).toEqual([[], []]);
});
