import { expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import Database from "better-sqlite3";
import { systemClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { appendOf } from "../../testing/append.ts";
import type { Position } from "../store.ts";
import { SqliteReader } from "./reader.ts";
import { SqliteStore } from "./store.ts";

const ends = ["", "-wal", "-shm"];
const away = { code: "CENTRAL_STORE_UNAVAILABLE" };

/** A store in a folder of its own, what it says, and everything that can be asked of it. */
function taken() {
  const dir = tempDir();
  const said: string[] = [];
  const report = ({ name }: { name: string }) => void said.push(name);
  const another = () => new SqliteStore({ path: dir.file("store/db"), clock: systemClock, report });
  const store = another();
  const questions = (position: Position) => [
    () => store.ask(),
    () => store.probe(),
    () => store.position({ topic: "drive", partition: 0 }),
    () => store.append(appendOf(5, 9, position)),
    () => store.quarantine("gw", true),
    () => store.fleet.hear([], 0),
  ];
  return { dir, said, another, store, questions, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

test("a store that was taken away is never made anew, whoever asks, and is gone on with when it is back", async () => {
  using w = taken();
  const { position } = await w.store.append(appendOf(0, 5, undefined));
  for (const from of [w.dir.file("store/db"), w.dir.file("store")]) {
    w.said.length = 0;
    const to = w.dir.file("aside");
    const parts = from === w.dir.file("store") ? [""] : ends;
    for (const end of parts) renameSync(`${from}${end}`, `${to}${end}`);
    for (let times = 0; times < 3; times++) {
      for (const ask of w.questions(position)) await expect(ask()).rejects.toMatchObject(away);
    }
    expect(existsSync(from)).toBe(false);
    expect(w.said).toEqual(["store_gone"]);
    for (const end of parts) renameSync(`${to}${end}`, `${from}${end}`);
    await w.store.ask();
    expect(await w.store.position({ topic: "drive", partition: 0 })).toEqual(position);
    expect(w.said).toEqual(["store_gone"]);
  }
  expect((await w.store.append(appendOf(5, 9, position))).stored).toBe(4);
  await w.store.close();
});

test.each(["an empty file", "a FIFO", "a folder", "another program's database", "a text", "a link to nowhere"])(
  "%s in the place of a store that was open is waited out, and left as it is",
  async (what) => {
    using w = taken();
    const { position } = await w.store.append(appendOf(0, 5, undefined));
    const path = w.dir.file("store/db");
    for (const end of ends) renameSync(`${path}${end}`, w.dir.file(`aside${end}`));
    if (what === "an empty file") writeFileSync(path, "");
    if (what === "a FIFO") Bun.spawnSync(["mkfifo", path]);
    if (what === "a folder") mkdirSync(path);
    if (what === "a text") writeFileSync(path, "no database, but as long as the head of one is".repeat(20));
    if (what === "a link to nowhere") symlinkSync("nowhere", path);
    if (what === "another program's database") {
      const foreign = new Database(path);
      foreign.exec("create table notes (text)");
      foreign.close();
    }
    const before = statSync(path, { throwIfNoEntry: false });
    const bytes = what === "another program's database" ? readFileSync(path).toString("hex") : "";
    for (const ask of w.questions(position)) await expect(ask()).rejects.toMatchObject(away);
    expect(w.said).toEqual(["store_made", "store_gone"]);
    expect(statSync(path, { throwIfNoEntry: false })?.size).toBe(before?.size);
    if (bytes !== "") expect(readFileSync(path).toString("hex")).toBe(bytes);
    expect(existsSync(w.dir.file("store/nowhere"))).toBe(false);
    for (const end of ends) rmSync(`${path}${end}`, { recursive: true, force: true });
    for (const end of ends) renameSync(w.dir.file(`aside${end}`), `${path}${end}`);
    expect((await w.store.append(appendOf(5, 9, position))).stored).toBe(4);
    await w.store.close();
  },
);

test("another store in the place of ours is gone on with from its own positions, and that is said", async () => {
  using w = taken();
  const { position } = await w.store.append(appendOf(0, 5, undefined));
  const other = new SqliteStore({ path: w.dir.file("other"), clock: systemClock, report: silent });
  const { position: itsOwn } = await other.append(appendOf(0, 3, undefined));
  await other.close();
  for (const end of ends) renameSync(w.dir.file(`store/db${end}`), w.dir.file(`aside${end}`));
  renameSync(w.dir.file("other"), w.dir.file("store/db"));
  await expect(w.store.append(appendOf(5, 9, position))).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
  expect(await w.store.position({ topic: "drive", partition: 0 })).toEqual(itsOwn);
  expect((await w.store.append(appendOf(3, 9, itsOwn))).stored).toBe(6);
  expect(w.said).toEqual(["store_made", "store_replaced"]);
  await w.store.close();
});

test.each([[["-wal"]], [["-shm"]], [["-wal", "-shm"]]])(
  "its log (%p) taken away under it takes nothing that was stored with it",
  async (gone) => {
    using w = taken();
    const path = w.dir.file("store/db");
    const reader = new SqliteReader(path);
    let { position } = await w.store.append(appendOf(0, 5, undefined));
    expect(await reader.totals()).toMatchObject({ stored: 5 });
    for (const end of gone) rmSync(`${path}${end}`);
    ({ position } = await w.store.append(appendOf(5, 9, position)));
    expect(w.said).toEqual(["store_made", "store_log_taken_away"]);
    expect(await reader.totals()).toMatchObject({ stored: 9 });
    await w.store.ask();
    // As a kill -9 leaves it.
    for (const end of ends) copyFileSync(`${path}${end}`, w.dir.file(`left${end}`));
    const left = new SqliteReader(w.dir.file("left"));
    expect(await left.totals()).toMatchObject({ stored: 9 });
    await left.close();
    await reader.close();
    await w.store.close();
    const database = new Database(path, { readonly: true });
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
  },
);

test("its file put back without the log that stood beside it holds all that was stored, though readers had it open", async () => {
  using w = taken();
  const path = w.dir.file("store/db");
  const reader = new SqliteReader(path);
  const { position } = await w.store.append(appendOf(0, 5, undefined));
  expect(await reader.totals()).toMatchObject({ stored: 5 });
  renameSync(path, w.dir.file("aside"));
  await expect(w.store.ask()).rejects.toMatchObject(away);
  for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  renameSync(w.dir.file("aside"), path);
  expect((await w.store.append(appendOf(5, 9, position))).stored).toBe(4);
  expect(await reader.totals()).toMatchObject({ stored: 9 });
  await reader.close();
  await w.store.close();
});

test("an empty store is not made in silence, and a start finds the one that there is", async () => {
  using w = taken();
  await w.store.probe();
  await w.store.close();
  const again = w.another();
  await again.probe();
  await again.close();
  expect(w.said).toEqual(["store_made"]);
});
