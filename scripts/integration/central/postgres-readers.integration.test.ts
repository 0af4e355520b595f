/** Readers of a PostgreSQL store whose tables or database are taken away under them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { SQL } from "bun";
import { PostgresFeed } from "../../../central/store/postgres/feed/feed.ts";
import { PostgresReader } from "../../../central/store/postgres/reader.ts";
import { PostgresStore } from "../../../central/store/postgres/store.ts";
import { appendOf } from "../../../central/testing/append.ts";
import { noonMs } from "../../../central/testing/records.ts";
import { systemClock, VirtualClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";

setDefaultTimeout(60_000);

let server: PostgresServer;
let admin: SQL;

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ["fsync=off"] });
  admin = server.connect("postgres");
}, 120_000);

afterAll(async () => {
  await admin.close();
  await server[Symbol.asyncDispose]();
});

/** A store of five events in a database of its own, and a reader of it. */
async function open() {
  const database = await server.createDatabase();
  const address = server.address(database);
  const store = new PostgresStore({ address, clock: systemClock, report: silent });
  await store.append(appendOf(0, 5, undefined));
  await store.close();
  const reader = new PostgresReader(address);
  const tables = server.connect(database);
  const end = async () => {
    await reader.close();
    await tables.close();
  };
  return { address, database, reader, tables, [Symbol.asyncDispose]: end };
}

test("readers wait out whatever stands in the place of its tables, and go on when they are back", async () => {
  await using under = await open();
  const questions = [
    () => under.reader.totals(),
    () => under.reader.vehicles("", 10),
    () => under.reader.events({ ...day, vehicle: "car-1" }),
    () => under.reader.positions(),
    () => under.reader.deadLetters({ afterId: 0, limit: 10 }),
    () => under.reader.fleet.agents(),
    () => under.reader.redrives.jobs(undefined, 10),
  ];
  const day = { stream: undefined, fromMs: 0, toMs: noonMs * 2, order: "asc", after: undefined, limit: 10 } as const;
  const answers = async () => JSON.stringify(await Promise.all(questions.map((ask) => ask())));
  const before = await answers();
  const names = (
    await under.tables<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'tailgate'`
  ).map(({ name }) => name);
  const sameNames = names.map(
    (name) => `create table tailgate.${name} (t text); insert into tailgate.${name} values ('x');`,
  );
  const oddThings = {
    nothing: "",
    "an empty schema": "create schema tailgate",
    "another program's tables": "create schema tailgate; create table tailgate.notes (t text)",
    "another program's tables with our names": `create schema tailgate; ${sameNames.join("")}`,
    "a store of a newer version": `create schema tailgate; create table tailgate.store as select mark, 99 as version, id from elsewhere.store`,
  };
  for (const [thing, sql] of Object.entries(oddThings)) {
    await under.tables.unsafe(`alter schema tailgate rename to elsewhere; ${sql}`).simple();
    for (const ask of questions) {
      const failure = await ask().then(
        () => "answered",
        (thrown: unknown) => thrown,
      );
      expect([thing, failure]).toMatchObject([thing, { code: "CENTRAL_STORE_UNAVAILABLE" }]);
      expect(failure).toMatchObject({ hint: expect.stringContaining("its tables back") });
    }
    await under.tables
      .unsafe("drop schema if exists tailgate cascade; alter schema elsewhere rename to tailgate")
      .simple();
    expect(await answers()).toBe(before);
  }
});

test("who comes back after more than an hour is told that it cannot be told, with the offsets", async () => {
  await using under = await open();
  const clock = new VirtualClock(noonMs);
  const store = new PostgresStore({ address: under.address, clock, report: silent });
  const feed = new PostgresFeed(under.address);
  const before = await feed.now();
  let seen = await store.position({ topic: "drive", partition: 0 });
  for (const [from, to] of [
    [5, 8],
    [8, 9],
  ] as const) {
    ({ position: seen } = await store.append(appendOf(from, to, seen)));
    clock.advance(3_700_000);
  }
  const at = await feed.now();
  await store.append(appendOf(9, 12, seen));
  const all = { wants: () => true, eventsMax: 100, bytesMax: 1e6 };
  const { answers } = await feed.read([
    { after: before, ...all },
    { after: at, ...all },
  ]);
  const notShown = [{ topic: "drive", partition: 0, firstOffset: 5, lastOffset: 11 }];
  expect(answers[0]).toEqual({ kind: "lost", why: "too much time has passed since", notShown });
  expect(answers[1]).toMatchObject({ kind: "events", events: [{}, {}, {}] });
  feed.rest();
  await store.close();
});

test("readers wait out a database that is renamed, and go on when it has its name again", async () => {
  await using under = await open();
  const { database, reader } = under;
  expect(await reader.totals()).toMatchObject({ stored: 5 });
  await under.tables.close();
  await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database}`;
  await admin.unsafe(`alter database ${database} rename to elsewhere`);
  for (let times = 0; times < 3; times++) {
    await expect(reader.totals()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  }
  await admin.unsafe(`alter database elsewhere rename to ${database}`);
  expect(await reader.totals()).toMatchObject({ stored: 5 });
});
