/** The database source on a real MariaDB. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { MariadbServer, mariadbPassword } from "../../../drivers/storage/mariadb-server.ts";
import { type DatabaseServer, databaseSuite, freshTable, Reader } from "./database-suite.ts";

let mariadb: MariadbServer;
let server: DatabaseServer;

beforeAll(async () => {
  mariadb = await MariadbServer.start(["--max-allowed-packet=64M"]);
  const first = mariadb.connect();
  await first.unsafe("create database fleet character set utf8mb4");
  for (const name of ["reader", "blind"]) {
    await first.unsafe(`create user ${name}@'127.0.0.1' identified by '${mariadbPassword}'`);
    await first.unsafe(`grant select on fleet.* to ${name}@'127.0.0.1'`);
  }
  await first.unsafe("grant process on *.* to reader@'127.0.0.1'");
  await first.close({ timeout: 0 });
  server = {
    url: `mysql://reader@127.0.0.1:${mariadb.port}/fleet`,
    password: mariadbPassword,
    sql: mariadb.connect("fleet", 8),
    connect: () => mariadb.connect("fleet", 1),
    idAndName: "id bigint unsigned auto_increment primary key, name longtext",
    kill: () => mariadb.kill(),
    launch: () => mariadb.launch(),
    freeze: async () => {
      const { pid } = mariadb;
      process.kill(pid, "SIGSTOP");
      return () => process.kill(pid, "SIGCONT");
    },
  };
}, 120_000);

afterAll(async () => {
  await server?.sql.close({ timeout: 0 });
  await mariadb?.[Symbol.asyncDispose]();
});

databaseSuite(() => server);

test("every type of value keeps all its digits, its bytes and its moment", async () => {
  const columns = {
    big: ["bigint unsigned", "18446744073709551615"],
    exact: ["decimal(40,20)", "12345678901234567890.12345678901234567890"],
    dbl: ["double", "0.1"],
    bytes: ["varbinary(9)", "x'00ff'"],
    bits: ["bit(9)", "b'101'"],
    at: ["timestamp(6)", "'2026-03-29 00:30:00.123456'"],
    local: ["datetime(6)", "'2026-03-29 02:30:00.123456'"],
    day: ["date", "'2026-03-29'"],
    clock: ["time(3)", "'-12:00:01.5'"],
    json: ["json", `'{"n": 12345678901234567890, "s": "é"}'`],
    word: ["varchar(20)", "'a\\nü😀'"],
    old: ["varchar(9) character set latin1", "'é'"],
    kind: ["enum('a','b')", "'b'"],
    none: ["text", "null"],
  } as const;
  const names = Object.keys(columns);
  const declared = Object.entries(columns).map(([name, [type]]) => `, ${name} ${type}`);
  const table = await freshTable(server, declared.join(""));
  const session = await server.sql.reserve();
  await session.unsafe("set time_zone = '+00:00'");
  const values = Object.values(columns).map(([, value]) => value);
  await session.unsafe(`insert into ${table} (${names.join(", ")}) values (${values.join(", ")})`);
  session.release();
  const tracked = { trackingColumn: "at", tieColumn: "id" };
  await using reader = Reader.open(server, { table: `fleet.${table}`, columns: names, keyColumn: "exact", ...tracked });
  await reader.has(1);
  expect(reader.bodies[0]).toBe(
    `{"big":18446744073709551615,"exact":12345678901234567890.12345678901234567890,"dbl":0.1,"bytes":"\\\\x00ff","bits":5,"at":"2026-03-29T00:30:00.123456+00:00","local":"2026-03-29T02:30:00.123456","day":"2026-03-29","clock":"-12:00:01.500","json":{"n": 12345678901234567890, "s": "é"},"word":"a\\nü😀","old":"é","kind":"b","none":null}`,
  );
  expect(reader.source.intake.events[0]).toMatchObject({
    key: "12345678901234567890.12345678901234567890",
    eventTimeMs: Date.UTC(2026, 2, 29, 0, 30, 0, 123),
    headers: { position: '["2026-03-29 00:30:00.123456","1"]' },
  });
});

test("rows of one second are told apart by the tie column, over the ends of reads", async () => {
  const table = await freshTable(server, ", at datetime not null, index (at)");
  const seconds = ["10:00:00", "10:00:00", "10:00:00", "10:00:00", "10:00:01"];
  for (const [row, second] of seconds.entries()) {
    await server.sql.unsafe(`insert into ${table} (name, at) values ('${row}', '2026-11-28 ${second}')`);
  }
  await using reader = Reader.open(server, { table, trackingColumn: "at", tieColumn: "id", rowsMax: 3 });
  await reader.has(5);
  expect(reader.names).toEqual(["0", "1", "2", "3", "4"]);
});

test("rows without a time, or with one that has not come, are said and hide no others", async () => {
  const table = await freshTable(server, ", at datetime null");
  await server.sql.unsafe(
    `insert into ${table} (name, at) values ('none', null), ('ahead', utc_timestamp() + interval 1 day), ('there', utc_timestamp())`,
  );
  await using reader = Reader.open(server, { table, trackingColumn: "at", tieColumn: "id" });
  await reader.has(1);
  await reader.says("database_rows_unplaced", '"rows":1');
  await reader.says("database_rows_ahead", '"rows":1');
  await server.sql.unsafe(`insert into ${table} (name, at) values ('next', utc_timestamp())`);
  await reader.has(2);
  expect(reader.names).toEqual(["there", "next"]);
});

test("a user who may not see open transactions is told what to do", async () => {
  const table = await freshTable(server);
  const url = server.url.replace("reader", "blind");
  await using reader = Reader.open({ ...server, url }, { table });
  await reader.says("database_not_read", "GRANT PROCESS");
  await server.sql.unsafe(`insert into ${table} (name) values ('x')`);
  await using careless = Reader.open({ ...server, url }, { table, openTransactions: "ignore" });
  await careless.has(1);
  expect(reader.bodies).toEqual([]);
});

test("a server that only repeats another's transactions is refused: it does not know who writes there", async () => {
  const table = await freshTable(server);
  await server.sql.unsafe("set global read_only = 1");
  await using reader = Reader.open(server, { table });
  await reader.says("database_not_read", "replica");
  await server.sql.unsafe("set global read_only = 0");
  await server.sql.unsafe(`insert into ${table} (name) values ('x')`);
  await reader.has(1);
});

test("a server that does not encrypt is refused where the config asks for it", async () => {
  const table = await freshTable(server);
  await using reader = Reader.open(server, { table, tls: {} });
  await reader.says("database_not_read", "encrypt");
});

test.each([
  ["a text", ", word varchar(9)", { trackingColumn: "word" }, "does not grow"],
  ["a time alone", ", at datetime", { trackingColumn: "at" }, "tieColumn"],
  [
    "a zone that it does not know",
    ", at datetime",
    { trackingColumn: "at", tieColumn: "id", timeZone: "Mars/X" },
    "timeZone",
  ],
  ["a column that is not there", "", { trackingColumn: "nr" }, "nr"],
  ["a table that is not there", "", { table: "nowhere" }, "nowhere"],
])("%s is refused", async (_, more, config, words) => {
  const table = await freshTable(server, more);
  await using reader = Reader.open(server, { table, ...config });
  await reader.says("database_not_read", words);
  expect(reader.bodies).toEqual([]);
});
