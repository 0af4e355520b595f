/** The database source on the SQLite file of a program that goes on writing. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { compare, ListeningAgent } from "./listening-agent.ts";

test.each(["wal", "delete"])(
  "journal %s: the agent is killed again and again while a program writes: none is lost, none comes twice, no write fails",
  async (journal) => {
    using dir = tempDir();
    using app = new Database(dir.file("app.db"), { create: true, readwrite: true });
    app.run(`pragma journal_mode=${journal}`);
    // A reader of a file without a write-ahead log may be in the way of a commit for some milliseconds.
    app.run("pragma busy_timeout=2000");
    app.run("pragma synchronous=normal");
    app.run("create table t (id integer primary key autoincrement, name text)");
    const url = `sqlite:${dir.file("app.db")}`;
    const rows = { type: "database", url, table: "t", trackingColumn: "id", pollInterval: "10ms", rowsMax: 100 };
    await using agent = await ListeningAgent.write(dir, { rows });
    const written: string[] = [];
    let stopped = false;
    const writing = (async () => {
      for (let round = 0; !stopped; round++) {
        const names = Array.from({ length: 1 + (round % 4) }, (_, row) => `${round}-${row}`);
        app.transaction(() => {
          for (const name of names) app.run("insert into t (name) values (?)", [name]);
        })();
        written.push(...names);
        await Bun.sleep(3);
      }
    })();
    const read = () => agent.lines("rows").map((line) => String(Object(JSON.parse(line)).name));
    for (let kill = 0; kill < 5; kill++) {
      await agent.start();
      const there = written.length;
      await until(
        "what was there",
        () => read().length,
        (now) => now >= there,
        { withinMs: 30_000, everyMs: 20 },
      );
      await Bun.sleep(200 + kill * 37);
      await agent.kill();
    }
    stopped = true;
    await writing;
    await agent.start();
    await until(
      "the rest",
      () => compare(written, read()).missing,
      (missing) => missing === 0,
      { withinMs: 30_000, everyMs: 50 },
    );
    await Bun.sleep(300);
    const found = compare(written, read());
    console.log(`sqlite, ${journal}: agent killed 5 times among ${written.length} rows: ${JSON.stringify(found)}`);
    expect(found).toEqual({ missing: 0, repeated: 0, foreign: 0 });
  },
  120_000,
);
