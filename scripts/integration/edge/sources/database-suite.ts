/** What the database source promises with a server, for each kind of server. */
import { expect, test } from "bun:test";
import type { SQL } from "bun";
import database from "../../../../edge/sources/database/index.ts";
import { CommittedWork } from "../../../../edge/testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../../../edge/testing/fakes/running-source.ts";
import { type TempDir, tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { compare, ListeningAgent } from "./listening-agent.ts";

/** A server, and what differs between kinds. */
export interface DatabaseServer {
  /** For the source: a user that may only read. */
  readonly url: string;
  readonly password: string;
  /** Connections that write. */
  readonly sql: SQL;
  /** A client of its own, with one connection. */
  connect(): SQL;
  /** After `table`: columns `id` (given out by the server) and `name`. */
  readonly idAndName: string;
  kill(): Promise<void>;
  launch(): Promise<void>;
  /** Stops the source's own session of the server, or all of it, until what it returns is called. */
  freeze(): Promise<() => void>;
}

/** What a test reads with: a folder, a source that ends with it. */
export class Reader implements AsyncDisposable {
  private constructor(
    readonly source: RunningSource,
    private readonly folder: TempDir,
  ) {}

  static open(server: DatabaseServer, config: object, work = new CommittedWork()): Reader {
    const dir = tempDir();
    const { url, password } = server;
    const common = { url, password, trackingColumn: "id", pollInterval: "20ms", timeout: "1s", connectTimeout: "3s" };
    const intake = { commitWhenReady: true };
    return new Reader(
      runSource({ definition: database, config: { ...common, ...config }, dataDir: dir.path, work, intake }),
      dir,
    );
  }

  get bodies(): readonly string[] {
    return this.source.intake.lines.map((line) => Buffer.from(line, "latin1").toString());
  }

  /** The names of rows, in the order they came. */
  get names(): readonly string[] {
    return this.bodies.map((body) => String(Object(JSON.parse(body)).name));
  }

  async has(count: number): Promise<void> {
    const look = () => this.source.intake.events.length;
    try {
      await until(`${count} rows`, look, (seen) => seen >= count, { withinMs: 30_000, everyMs: 10 });
    } catch (cause) {
      throw new Error(JSON.stringify([this.source.source.status(), this.source.reports]), { cause });
    }
  }

  async says(signal: string, words = ""): Promise<void> {
    const look = () =>
      this.source.reports.filter((each) => each.signal === signal && JSON.stringify(each.fields).includes(words));
    await until(`${signal} ${words}; ${JSON.stringify(this.source.reports)}`, look, (seen) => seen.length > 0, {
      withinMs: 20_000,
    });
  }

  said(signal: string): number {
    return this.source.reports.filter((each) => each.signal === signal).length;
  }

  get status(): Readonly<Record<string, unknown>> {
    return this.source.source.status();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

let tables = 0;

/** A fresh table with `id` and `name`. */
export async function freshTable(server: DatabaseServer, more = ""): Promise<string> {
  const table = `t${++tables}`;
  await server.sql.unsafe(`create table ${table} (${server.idAndName}${more})`);
  return table;
}

/** The tests that every server passes. */
export function databaseSuite(of: () => DatabaseServer): void {
  test("a row that is committed after a later one is waited for, and both come in their order", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table });
    const [first, second] = [await server.sql.reserve(), await server.sql.reserve()];
    await first.unsafe("begin");
    await first.unsafe(`insert into ${table} (name) values ('first')`);
    await second.unsafe(`insert into ${table} (name) values ('second')`);
    await until("it to wait", () => reader.status.waitsFor !== undefined);
    await Bun.sleep(500);
    expect(reader.names).toEqual([]);
    await second.unsafe(`insert into ${table} (name) values ('third')`);
    await first.unsafe("commit");
    await reader.has(3);
    expect(reader.names).toEqual(["first", "second", "third"]);
    expect(reader.status.waitsFor).toBeUndefined();
    first.release();
    second.release();
  }, 60_000);

  test("a transaction that is rolled back is waited for no longer, and its hole is no trouble", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table });
    const open = await server.sql.reserve();
    await open.unsafe("begin");
    await open.unsafe(`insert into ${table} (name) values ('never')`);
    await server.sql.unsafe(`insert into ${table} (name) values ('there')`);
    await until("it to wait", () => reader.status.waitsFor !== undefined);
    await open.unsafe("rollback");
    await reader.has(1);
    expect(reader.names).toEqual(["there"]);
    open.release();
  }, 60_000);

  test("openTransactions: ignore reads at once, and loses what comes late, as it says", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table, openTransactions: "ignore" });
    const open = await server.sql.reserve();
    await open.unsafe("begin");
    await open.unsafe(`insert into ${table} (name) values ('late')`);
    await server.sql.unsafe(`insert into ${table} (name) values ('early')`);
    await reader.has(1);
    await open.unsafe("commit");
    await server.sql.unsafe(`insert into ${table} (name) values ('last')`);
    await reader.has(2);
    expect(reader.names).toEqual(["early", "last"]);
    open.release();
  }, 60_000);

  test("the server is killed and started: it is said once, and goes on by itself where it was", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table });
    await server.sql.unsafe(`insert into ${table} (name) values ('before')`);
    await reader.has(1);
    await server.kill();
    await reader.says("database_not_read");
    expect(reader.source.source.unready?.()).toContain("cannot read its database");
    await server.launch();
    await until(
      "a writer",
      async () => {
        await server.sql.unsafe(`insert into ${table} (name) values ('after')`);
        return true;
      },
      Boolean,
      { withinMs: 30_000 },
    );
    await reader.has(2);
    expect(new Set(reader.names)).toEqual(new Set(["before", "after"]));
    expect(reader.names[0]).toBe("before");
    expect(reader.source.source.unready?.()).toBeUndefined();
  }, 120_000);

  test("a server that stops answering is given up, and asked again", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table });
    await server.sql.unsafe(`insert into ${table} (name) values ('before')`);
    await reader.has(1);
    const thaw = await server.freeze();
    await reader.says("database_not_read", "no answer");
    thaw();
    await server.sql.unsafe(`insert into ${table} (name) values ('after')`);
    await reader.has(2);
    expect(reader.names).toEqual(["before", "after"]);
  }, 60_000);

  test("while it waits for a transaction, or for a server that does not answer, a stop takes no time", async () => {
    const server = of();
    const table = await freshTable(server);
    const reader = Reader.open(server, { table, timeout: "60s" });
    const open = await server.sql.reserve();
    await open.unsafe("begin");
    await open.unsafe(`insert into ${table} (name) values ('open')`);
    await server.sql.unsafe(`insert into ${table} (name) values ('there')`);
    await until("it to wait", () => reader.status.waitsFor !== undefined);
    const thaw = await server.freeze();
    await Bun.sleep(1_200);
    const sinceMs = performance.now();
    await reader[Symbol.asyncDispose]();
    const tookMs = performance.now() - sinceMs;
    thaw();
    expect(tookMs).toBeLessThan(3_000);
    await open.unsafe("rollback");
    open.release();
  }, 60_000);

  test("a wrong password is said, and not written down", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table, password: "guessed-wrong" });
    await reader.says("database_not_read");
    expect(JSON.stringify([reader.source.reports, reader.status])).not.toContain("guessed");
    expect(reader.said("database_connected")).toBe(0);
  }, 60_000);

  test("a table that is dropped is said; made again with higher numbers it is read on, with lower ones that is said", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table });
    await server.sql.unsafe(`insert into ${table} (id, name) values (10, 'old')`);
    await reader.has(1);
    await server.sql.unsafe(`drop table ${table}`);
    await reader.says("database_not_read");
    await server.sql.unsafe(`create table ${table} (${server.idAndName})`);
    await server.sql.unsafe(`insert into ${table} (id, name) values (3, 'hidden')`);
    await reader.says("database_position_ahead", "10");
    await server.sql.unsafe(`insert into ${table} (id, name) values (11, 'new')`);
    await reader.has(2);
    expect(reader.names).toEqual(["old", "new"]);
  }, 60_000);

  test("large rows are bounded on their way: cut, marked, and read on", async () => {
    const server = of();
    const table = await freshTable(server);
    await using reader = Reader.open(server, { table });
    for (let row = 0; row < 4; row++)
      await server.sql.unsafe(`insert into ${table} (name) values (repeat('x', 3000000))`);
    await server.sql.unsafe(`insert into ${table} (name) values ('small')`);
    await reader.has(5);
    expect(reader.source.intake.events.map(({ headers }) => headers.cut)).toEqual([
      ...Array(4).fill("524288"),
      undefined,
    ]);
    expect(reader.source.intake.counter("cut_bytes")).toBeGreaterThan(9_000_000);
  }, 60_000);

  test("the agent is killed again and again among writers that commit out of order: none is lost, none comes twice", async () => {
    const server = of();
    const table = await freshTable(server);
    using dir = tempDir();
    const { url, password } = server;
    const rows = { type: "database", url, password, table, trackingColumn: "id", pollInterval: "10ms", rowsMax: 200 };
    await using agent = await ListeningAgent.write(dir, { rows });
    const written: string[] = [];
    let stopped = false;
    const write = async (who: number) => {
      const client = server.connect();
      const session = await client.reserve();
      for (let round = 0; !stopped; round++) {
        const names = Array.from({ length: 1 + ((round * 7 + who) % 5) }, (_, row) => `${who}-${round}-${row}`);
        await session.unsafe("begin");
        for (const name of names) {
          await session.unsafe(`insert into ${table} (name) values ('${name}')`);
          await Bun.sleep((round * who) % 7);
        }
        const keeps = round % 6 !== 5;
        await session.unsafe(keeps ? "commit" : "rollback");
        if (keeps) written.push(...names);
      }
      session.release();
      await client.close();
    };
    const writers = [1, 2, 3, 4].map(write);
    const read = () => agent.lines("rows").map((line) => String(Object(JSON.parse(line)).name));
    for (let kill = 0; kill < 6; kill++) {
      await agent.start();
      // Only a reader that has caught up meets rows that come late.
      const there = written.length;
      await until(
        "what was there",
        () => read().length,
        (now) => now >= there,
        { withinMs: 30_000, everyMs: 20 },
      );
      await Bun.sleep(400 + kill * 37);
      await agent.kill();
    }
    stopped = true;
    await Promise.all(writers);
    await agent.start();
    await until(
      "the rest",
      () => compare(written, read()).missing,
      (missing) => missing === 0,
      { withinMs: 30_000, everyMs: 50 },
    );
    await Bun.sleep(300);
    const found = compare(written, read());
    console.log(`${table}: agent killed 6 times among ${written.length} rows of 4 writers: ${JSON.stringify(found)}`);
    expect(found).toEqual({ missing: 0, repeated: 0, foreign: 0 });
    // Late commits there must have been.
    expect(new Set(written.map((name) => name.slice(0, 2))).size).toBe(4);
  }, 240_000);
}
