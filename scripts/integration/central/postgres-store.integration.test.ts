/** The contract of the stores with a real PostgreSQL, and what is PostgreSQL's own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { SQL } from "bun";
import type { PlainRecord } from "../../../central/records/record-block.ts";
import { lastMark } from "../../../central/records/record-slices.ts";
import { restDay, tableOf } from "../../../central/store/postgres/events/days.ts";
import { PostgresFeed } from "../../../central/store/postgres/feed/feed.ts";
import { fleetLock } from "../../../central/store/postgres/fleet/writer.ts";
import { PostgresReader } from "../../../central/store/postgres/reader.ts";
import { dayTable, firstSchema, schemaVersion, storeMark } from "../../../central/store/postgres/schema.ts";
import { checkStore, PostgresStore } from "../../../central/store/postgres/store.ts";
import { writerName } from "../../../central/store/postgres/take-over.ts";
import type { Append, Position } from "../../../central/store/store.ts";
import { everyStoreContract } from "../../../central/testing/contracts/every.contract.ts";
import { feedContract } from "../../../central/testing/contracts/feed.contract.ts";
import { replayContract } from "../../../central/testing/contracts/replay.contract.ts";
import { testBeat } from "../../../central/testing/heartbeats.ts";
import { slicesOf, testRecord } from "../../../central/testing/records.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { type Signal, silent } from "../../../shared/telemetry/log.ts";
import { until } from "../../../shared/testing/until.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";

// A machine that does other things too: what is tried here is whether it is right, not how fast.
setDefaultTimeout(60_000);

const dayMs = 86_400_000;
let server: PostgresServer;
let admin: SQL;
let address: string;

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ["fsync=off"] });
  const database = await server.createDatabase();
  address = server.address(database);
  admin = server.connect(database);
}, 120_000);

afterAll(async () => {
  await admin.close();
  await server[Symbol.asyncDispose]();
});

async function open() {
  await admin.unsafe("drop schema if exists tailgate cascade");
  const said: string[] = [];
  const report = ({ name }: Signal) => void said.push(name);
  const another = () => new PostgresStore({ address, clock: systemClock, report });
  const store = another();
  await store.probe();
  const reader = new PostgresReader(address);
  return {
    said,
    store,
    reader,
    another,
    openFeed: (bounds: { readonly scanEventsMax: number }) => new PostgresFeed(address, bounds),
    settle: async () => {},
    loseEvents: async (fromSeq: number, toSeq: number) => {
      await admin`delete from tailgate.event where seq >= ${fromSeq} and seq < ${toSeq}`;
    },
    [Symbol.asyncDispose]: async () => {
      await reader.close();
      await store.close();
    },
  };
}

everyStoreContract("postgres", open);
feedContract("postgres", open);
replayContract("postgres", open);

function appendOf(records: readonly PlainRecord[], seen: Position | undefined, partition = 0): Append {
  const slices = slicesOf(records);
  const before = lastMark(slices);
  const next = (before?.offset ?? -1) + 1;
  return { topic: "drive", partition, seen, next, before, records: slices, dead: [], damaged: [], gap: undefined };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => testRecord({ offset: from + at }));

const tables = async () =>
  (
    await admin<{ name: string }[]>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'tailgate.event'::regclass order by 1`
  ).map(({ name }) => name.replace("tailgate.", ""));

test("frozen in a COPY, where no time-out of the server counts: its session is ended, and the others go on", async () => {
  await using under = await open();
  const { position } = await under.store.append(appendOf(range(0, 5), undefined));
  const options = {
    application_name: writerName,
    statement_timeout: 1_000,
    idle_in_transaction_session_timeout: 1_000,
  };
  const frozen = new SQL(address, { max: 1, connection: options });
  const began = performance.now();
  const copying = frozen.begin(async (tx) => {
    await tx`select next from tailgate.source for update`;
    const writer = tx.unsafe("copy tailgate.gap (source, kind, first_offset, at) from stdin").writable().getWriter();
    await writer.write("1\tretention\t0\t0\n");
    await Bun.sleep(120_000); // as one that was stopped would
  });
  const ended = copying.then(
    () => "committed",
    (thrown: unknown) => (thrown instanceof SQL.PostgresError ? thrown.errno : thrown),
  );
  await Bun.sleep(200);
  await expect(under.store.append(appendOf(range(5, 9), position))).rejects.toMatchObject({
    code: "CENTRAL_STORE_UNAVAILABLE",
  });
  const append = async () => (await under.store.append(appendOf(range(5, 9), position))).stored;
  expect(await until("the others to go on", append, (stored) => stored === 4, { withinMs: 40_000 })).toBe(4);
  const heldUpMs = performance.now() - began;
  expect(heldUpMs).toBeGreaterThan(9_000);
  expect(heldUpMs).toBeLessThan(20_000); // 11 s on a machine that does nothing else
  expect(await ended).toBe("57P01");
  expect(under.said).toContain("store_session_ended");
  expect((await under.reader.gaps({ afterId: 0, limit: 10 })).length).toBe(0);
  await frozen.close({ timeout: 0 });
});

test("two writers at one agent and one vehicle, by many partitions at once: nothing is lost, counted twice or moved back", async () => {
  await using under = await open();
  const stores = [under.store, under.another(), under.another()];
  const rounds = 12;
  const write = async (store: PostgresStore, partition: number) => {
    let seen: Position | undefined;
    for (let round = 0; round < rounds; round++) {
      const records = Array.from({ length: 20 }, (_, at) => {
        const offset = round * 20 + at;
        // Half of one agent, half of agents of their own; all of the same few vehicles.
        return testRecord({
          offset,
          seq: offset,
          lane: partition,
          vehicle: `car-${at % 4}`,
          agent: at % 2 === 0 ? "gw" : `gw-${partition}`,
        });
      });
      seen = (await store.append(appendOf(records, seen, partition))).position;
    }
  };
  await Promise.all(stores.map((store, index) => write(store, index)));
  expect(await under.reader.totals()).toMatchObject({ stored: rounds * 60, repeated: 0, conflicts: 0, vehicles: 4 });
  const [wrong] = await admin`
    select count(*)::int as n from tailgate.series s where events <> (select count(*) from tailgate.event where series = s.id)
      or last_time <> (select max(time) from tailgate.event where series = s.id)`;
  expect(wrong.n).toBe(0);
  const [account] = await admin`select lanes::int as lanes from tailgate.account where name = 'gw'`;
  expect(account.lanes).toBe(3);
  for (const store of stores.slice(1)) await store.close();
});

test("heartbeats of the same agents by several instances: each is kept once, and who holds the turn too long is not waited for", async () => {
  await using under = await open();
  const stores = [under.store, under.another(), under.another()];
  const agents = Array.from({ length: 40 }, (_, at) => `gw${at}`);
  const beats = (n: number) => agents.map((agent) => ({ beat: testBeat({ agent, n }), heardMs: 1_000 * n }));
  let kept = 0;
  const write = async (store: PostgresStore) => {
    for (let n = 1; n <= 10; n++) kept += (await store.fleet.hear(beats(n), 1_000 * n)).kept;
  };
  await Promise.all(stores.map(write));
  const found = await under.reader.fleet.agents();
  expect(found.map(({ presence }) => presence?.n)).toEqual(agents.map(() => 10));
  // Each beat is newer once at most; those that came after a newer one are not.
  expect(kept).toBeLessThanOrEqual(400);
  await admin.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${fleetLock})`;
    await expect(under.store.fleet.hear(beats(11), 11_000)).rejects.toMatchObject({
      code: "CENTRAL_STORE_UNAVAILABLE",
    });
  });
  expect(await under.store.fleet.hear(beats(11), 11_000)).toMatchObject({ kept: 40 });
  for (const store of stores.slice(1)) await store.close();
});

test("a day of event time has a table; days far from the clock share one, and all are found again", async () => {
  await using under = await open();
  const now = systemClock.now();
  const times = [now, now - dayMs, now - 300 * dayMs, 0, Date.parse("2099-01-01"), Date.parse("0001-01-01")];
  const records = times.map((timeMs, offset) => testRecord({ offset, timeMs, value: `at ${timeMs}` }));
  const { position } = await under.store.append(appendOf(records, undefined));
  expect((await tables()).length).toBe(4);
  const query = {
    vehicle: "car-1",
    stream: undefined,
    fromMs: -1e14,
    toMs: 1e14,
    after: undefined,
    limit: 10,
  } as const;
  const sorted = [...times].sort((a, b) => a - b);
  for (const order of ["asc", "desc"] as const) {
    const { events } = await under.reader.events({ ...query, order });
    expect(events.map(({ position: { time } }) => time)).toEqual(order === "asc" ? sorted : sorted.toReversed());
  }
  const again = records.map((record, index) => ({ ...record, offset: 10 + index }));
  expect(await under.store.append(appendOf(again, position))).toMatchObject({ repeated: 6, stored: 0, conflicts: 0 });
});

test("a day's table that somebody drops is retention: the rest is read, and a late line makes the day anew", async () => {
  await using under = await open();
  const now = systemClock.now();
  const at = (offset: number, days: number) =>
    testRecord({ offset, timeMs: now - days * dayMs, value: `${days} days ago` });
  const first = await under.store.append(appendOf([at(0, 3), at(1, 2), at(2, 1)], undefined));
  const oldest = (await tables())[0];
  await admin.unsafe(`drop table tailgate.${oldest}`);
  const query = {
    vehicle: "car-1",
    stream: undefined,
    fromMs: 0,
    toMs: 1e14,
    order: "asc",
    after: undefined,
    limit: 10,
  } as const;
  const values = async () => (await under.reader.events(query)).events.map(({ value }) => value?.toString());
  expect(await values()).toEqual(["2 days ago", "1 days ago"]);
  const second = await under.store.append(appendOf([at(3, 3)], first.position));
  expect(await values()).toEqual(["3 days ago", "2 days ago", "1 days ago"]);
  // One that is kept aside stays as it is.
  await admin.unsafe(`alter table tailgate.event detach partition tailgate.${oldest}`);
  expect(await under.store.append(appendOf([at(4, 3)], second.position))).toMatchObject({ stored: 1 });
  expect(await values()).toEqual(["3 days ago", "2 days ago", "1 days ago"]);
  expect((await admin.unsafe(`select 1 from tailgate.${oldest}`)).length).toBe(1);
});

test.each(["SQL_ASCII", "LATIN1", "UTF8"])("names with any bytes in a database of encoding %s", async (encoding) => {
  const database = await server.createDatabase(`encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`);
  const store = new PostgresStore({ address: server.address(database), clock: systemClock, report: silent });
  const reader = new PostgresReader(server.address(database));
  const vehicles = ["車-1", "über", "o'brien\\", 'a,b{c}"d', "NULL"];
  const keys = [...vehicles.map((name) => Buffer.from(name)), Buffer.from([0, 255, 0])];
  const records = keys.map((key, offset) => ({ ...testRecord({ offset, value: "\0\u00ff" }), key }));
  await store.append(appendOf(records, undefined));
  const found = (await reader.vehicles("", 100)).map(({ vehicle }) => vehicle);
  expect([...found].sort()).toEqual([...vehicles, "0x00ff00"].sort());
  expect(found).toEqual([...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  expect((await reader.vehicle("o'brien\\"))?.streams[0]?.value?.toString()).toBe("\0\u00ff");
  expect(await reader.lanes({ agent: "\0", stream: "\ud800", afterId: 0, limit: 1 })).toEqual([]);
  expect(await reader.vehicle("\0")).toBeUndefined();
  await reader.close();
  await store.close();
});

test("another program's schema, and a store of a newer version, are refused and left as they are", async () => {
  const refused = async (code: string) => {
    await expect(checkStore(address)).rejects.toMatchObject({ code });
    const store = new PostgresStore({ address, clock: systemClock, report: silent });
    await expect(store.probe()).rejects.toMatchObject({ code });
    await store.close();
  };
  await admin
    .unsafe("drop schema if exists tailgate cascade; create schema tailgate; create table tailgate.notes (t text)")
    .simple();
  await refused("CENTRAL_STORE_FOREIGN");
  await admin.unsafe("create table tailgate.store (version int); insert into tailgate.store values (1)").simple();
  await refused("CENTRAL_STORE_FOREIGN");
  expect((await admin`select 1 from pg_tables where schemaname = 'tailgate'`).length).toBe(2);
  {
    await using under = await open();
    await checkStore(address);
    await under.store.close();
  }
  await admin`update tailgate.store set version = 99`;
  await refused("CENTRAL_STORE_VERSION");
});

test("a store of the first version is brought up to date, with what is in it", async () => {
  await admin
    .unsafe("drop schema if exists tailgate cascade; create schema tailgate; set search_path = tailgate")
    .simple();
  await admin.unsafe(firstSchema).simple();
  await admin.unsafe(dayTable(tableOf(restDay), restDay)).simple();
  await admin.unsafe(`insert into store (mark, version, id) values ('${storeMark}', 1, '0123456789abcdef')`).simple();
  await admin.unsafe("insert into account (name, quarantined) values ('gw9', true); reset search_path").simple();
  const store = new PostgresStore({ address, clock: systemClock, report: silent });
  const reader = new PostgresReader(address);
  await checkStore(address);
  await store.append(appendOf(range(0, 5), undefined));
  expect(await store.fleet.hear([{ beat: testBeat(), heardMs: 1_000 }], 1_000)).toMatchObject({ kept: 1 });
  expect(store.id).toBe("0123456789abcdef");
  expect(await reader.quarantined()).toEqual(["gw9"]);
  const [row] = await admin<{ version: number }[]>`select version from tailgate.store`;
  expect(row?.version).toBe(schemaVersion);
  await reader.close();
  await store.close();
});

test("an empty schema that an administrator has made is taken; several that begin at once make one store", async () => {
  await admin.unsafe("drop schema if exists tailgate cascade; create schema tailgate").simple();
  const stores = Array.from({ length: 4 }, () => new PostgresStore({ address, clock: systemClock, report: silent }));
  await Promise.all(stores.map((store) => store.probe()));
  expect(new Set(stores.map(({ id }) => id)).size).toBe(1);
  expect(stores[0]?.id).toMatch(/^[\da-f]{16}$/);
  for (const store of stores) await store.close();
});

test("tables that are dropped under a central are not made again: it is said once, and a store that is put back is gone on with", async () => {
  await using under = await open();
  await under.store.append(appendOf(range(0, 5), undefined));
  const position = await under.store.position({ topic: "drive", partition: 0 });
  await admin.unsafe("alter schema tailgate rename to elsewhere");
  for (let times = 0; times < 5; times++) {
    await expect(under.store.probe()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  }
  expect(under.said).toEqual(["store_made", "store_gone"]);
  expect(await admin`select 1 from pg_namespace where nspname = 'tailgate'`).toHaveLength(0);
  await admin.unsafe("alter schema elsewhere rename to tailgate");
  await until("it to go on", () =>
    under.store.probe().then(
      () => true,
      () => false,
    ),
  );
  expect(await under.store.position({ topic: "drive", partition: 0 })).toEqual(position);
  expect(under.said).toEqual(["store_made", "store_gone"]);
});

test("read-only, a wrong password, no such database, nobody there: away, and said why", async () => {
  await using under = await open();
  const { position } = await under.store.append(appendOf(range(0, 5), undefined));
  const away = async (at: string, words: string) => {
    const store = new PostgresStore({ address: at, clock: systemClock, report: silent });
    const failure = await store.position({ topic: "drive", partition: 0 }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(failure).toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    expect(String(failure)).toContain(words);
    await checkStore(at); // no mistake: it may be mended while we wait
    await store.close();
  };
  await away(address.replace(/:[^:@]*@/, ":wrong@"), "28P01");
  await away(server.address("nowhere"), "3D000");
  await away("postgres://tailgate@127.0.0.1:1/nowhere", "REFUSED");
  const [database] = await admin<{ name: string }[]>`select current_database() as name`;
  await admin.unsafe(`alter database ${database?.name} set default_transaction_read_only = on`);
  const standby = under.another();
  await expect(standby.ask()).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
  await expect(standby.append(appendOf(range(5, 9), position))).rejects.toMatchObject({
    code: "CENTRAL_STORE_UNAVAILABLE",
  });
  await admin.unsafe(`alter database ${database?.name} reset default_transaction_read_only`);
  expect(await standby.append(appendOf(range(5, 9), position))).toMatchObject({ stored: 4 });
  await standby.close();
});

test("values of some megabytes, and a page that ends at its bytes", async () => {
  await using under = await open();
  const sizes = [3_000_000, 10, 9_000, 200_000, 5_000];
  const records = sizes.map((size, offset) => testRecord({ offset, value: String(offset).repeat(size) }));
  await under.store.append(appendOf(records, undefined));
  const query = { vehicle: "car-1", stream: undefined, fromMs: 0, toMs: 1e14, order: "asc", limit: 100 } as const;
  const all = await under.reader.events({ ...query, after: undefined });
  expect(all.events.map(({ value }) => value?.length)).toEqual(sizes);
  expect(all.events.map(({ value }) => value?.at(-1))).toEqual([48, 49, 50, 51, 52]);
  const page = await under.reader.events({ ...query, after: all.events[0]?.position, bytesMax: 100_000 });
  expect([page.events.length, page.more]).toEqual([3, true]);
});
