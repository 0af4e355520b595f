/** Bytes that rot, pages that are gone, logs that are cut: what can be read is delivered, the rest is named. */
import { expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { AppError } from "../../../shared/errors/app-error.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import type { Lane } from "../../core/lane.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { describeBatch, drain, expectContiguous, identityOf } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { PAGE_BYTES } from "./schema.ts";
import { batchAt, openWritten, spec, work } from "./testing/writer.ts";

/** A file with this many batches, some small and some large; answers the number behind the last. */
function write(dir: TempDir, batches: number): number {
  const store = openWritten(dir.path);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  for (let half = 0; half < 2; half++) store.commit(work(lane, channel.nextSeq(lane), batches / 2));
  const next = channel.nextSeq(lane);
  store.close();
  return next;
}

/** Opens again when the file was found damaged on the way, as a supervisor does. Answers what came in all. */
function drainWithRestarts(dir: TempDir): { given: StoredBatch[]; epochs: Set<string>; restarts: number } {
  const given: StoredBatch[] = [];
  const epochs = new Set<string>();
  for (let restarts = 0; restarts < 4; restarts++) {
    const store = openWritten(dir.path);
    epochs.add(store.epoch);
    try {
      for (const lane of store.channel("main").lanes()) {
        const reader = store.channel("main").reader(lane);
        // What was acknowledged and not marked comes again: it takes the place of what came before.
        const head = reader.next();
        const again = given.findIndex(({ first }) => head !== undefined && first >= head.first);
        if (again >= 0) given.splice(again);
        drain(reader, given);
      }
      for (const { put, sent, shed, dead, held } of store.channel("main").stat().lanes) {
        expect(put).toBe(sent + shed + dead + held);
      }
      store.close();
      return { given, epochs, restarts };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "EDGE_CHANNEL_DAMAGED") throw error;
      try {
        store.close();
      } catch (again) {
        expect(again).toMatchObject({ code: "EDGE_CHANNEL_DAMAGED" });
      }
    }
  }
  throw new Error("it is damaged for ever");
}

/** What came must be what was put, or a marker that names what is gone. */
function expectHonest(given: readonly StoredBatch[], from: number, next: number): number {
  expectContiguous(given, from, next);
  let lost = 0;
  for (const batch of given) {
    if (batch.kind === "records") expect(describeBatch(batch)).toEqual(describeBatch(batchAt(batch.lane, batch.first)));
    else {
      expect(identityOf(batch)).toMatchObject({ reason: "damaged", first: batch.first });
      lost += batch.count;
    }
  }
  return lost;
}

function damage(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
}

test.each([
  ["in a slot", (size: number) => size < 3_900],
  ["in many pages", (size: number) => size > 20_000],
])("a flipped byte %s costs that batch alone; it is put aside and a marker names it", (_, fits) => {
  using dir = tempDir();
  const next = write(dir, 40);
  const lane = { id: 1, ...spec, epoch: "", number: 0 };
  let hit: StoredBatch | undefined;
  damage(dir.file("channel.db"), (bytes) => {
    const db = new Sqlite(dir.file("channel.db"), { readonly: true });
    const rows = db.prepare<[], { first: number }>("SELECT first FROM batch ORDER BY first").all();
    const store = rows.map(({ first }) => ({ ...batchAt({ ...lane, epoch: epochOf(dir) }, first), id: first }));
    hit = store.find((batch) => fits(batch.bytes.length));
    const at = bytes.indexOf(hit?.bytes.subarray(61, 400) ?? "");
    expect(at).toBeGreaterThan(0);
    bytes[at + 200] = (bytes[at + 200] ?? 0) ^ 4;
    db.close();
  });
  const { given, restarts } = drainWithRestarts(dir);
  expect(restarts).toBe(0);
  expect(expectHonest(given, 0, next)).toBe(hit?.count ?? -1);
  const db = new Sqlite(dir.file("channel.db"), { readonly: true });
  expect(db.prepare("SELECT first, count, reason FROM dead").all()).toEqual([
    { first: hit?.first, count: hit?.count, reason: expect.stringContaining("damaged") },
  ]);
  db.close();
});

function epochOf(dir: TempDir): string {
  const db = new Sqlite(dir.file("channel.db"), { readonly: true });
  const epoch = String(db.prepare("SELECT value FROM file WHERE name = 'epoch'").pluck().get());
  db.close();
  return epoch;
}

test("a first page of zeros is replaced: everything is delivered, under a new epoch for what comes", () => {
  using dir = tempDir();
  const next = write(dir, 60);
  const before = epochOf(dir);
  damage(dir.file("channel.db"), (bytes) => bytes.fill(0, 0, PAGE_BYTES));
  const store = openWritten(dir.path);
  expect(store.epoch).not.toBe(before);
  expect(store.positions("driving").get("a.log")).toBe(String(next));
  expect(store.counters("driving").get("read")).toBe(next);
  const [lane, ...others] = store.channel("main").lanes();
  expect(others).toEqual([]);
  expect(lane?.epoch).toBe(before);
  if (lane !== undefined) expect(expectHonest(drain(store.channel("main").reader(lane)), 0, next)).toBe(0);
  const fresh = store.channel("main").createLane(spec);
  expect([fresh.epoch, fresh.number]).toEqual([store.epoch, 0]);
  expect(fresh.id).toBeGreaterThan(lane?.id ?? 0);
  store.commit(work(fresh, 0, 1));
  store.close();
  expect(readdirSync(dir.path).filter((name) => name.includes("damaged-"))).toEqual(["channel.db.damaged-1"]);
});

test("a page that is gone, whichever, costs what was on it and no more than its neighbours", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 24; round++) {
    using dir = tempDir();
    const next = write(dir, 80);
    const pages = statSync(dir.file("channel.db")).size / PAGE_BYTES;
    // The slots fill pages 12 to 525, more or less; half of the rounds go elsewhere.
    const page =
      round < 12
        ? round + 1
        : round % 2 === 0
          ? Math.floor(random.next() * pages)
          : 526 + Math.floor(random.next() * (pages - 526));
    damage(dir.file("channel.db"), (bytes) =>
      bytes.fill(round % 3 === 0 ? 0 : 0xa7, page * PAGE_BYTES, (page + 1) * PAGE_BYTES),
    );
    const { given } = drainWithRestarts(dir);
    const known = given.length === 0 ? next : (given.at(-1)?.first ?? 0) + (given.at(-1)?.count ?? 0);
    const lost = expectHonest(given, 0, Math.min(next, known)) + next - known;
    expect(lost).toBeLessThanOrEqual(5 * 2);
  }
}, 60_000);

test("a log that is cut or flipped in the middle loses its end, and the numbers, positions and counters agree", () => {
  for (const how of ["cut", "flipped"]) {
    using dir = tempDir();
    using copy = tempDir();
    const store = openWritten(dir.path);
    const channel = store.channel("main");
    const lane = channel.createLane(spec);
    let middle = 0;
    for (let count = 0; count < 30; count++) {
      store.commit(work(lane, channel.nextSeq(lane), 2));
      if (count === 15) middle = statSync(dir.file("channel.db-wal")).size;
    }
    const next = channel.nextSeq(lane);
    cpSync(dir.path, copy.path, { recursive: true, filter: (path) => !path.endsWith("-shm") });
    store.close();
    const log = copy.file("channel.db-wal");
    if (how === "cut") truncateSync(log, middle);
    else damage(log, (bytes) => bytes.fill(0x55, middle, middle + 10));
    const again = openWritten(copy.path);
    const found = again.channel("main").lanes()[0];
    expect(found).toBeDefined();
    if (found === undefined) return;
    const end = again.channel("main").nextSeq(found);
    expect(end).toBeLessThan(next);
    expect(end).toBeGreaterThan(0);
    expect(again.positions("driving").get("a.log")).toBe(String(end));
    expect(again.counters("driving").get("read")).toBe(end);
    expect(expectHonest(drain(again.channel("main").reader(found)), 0, end)).toBe(0);
    again.close();
  }
});

test("a file found damaged while it runs says so, leaves a note, and the next start rebuilds it", () => {
  using dir = tempDir();
  const next = write(dir, 120);
  // The leaves of the batch table: the pages that hold the lane's narrow rows.
  const db = new Sqlite(dir.file("channel.db"), { readonly: true });
  const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'batch'").pluck().get());
  db.close();
  damage(dir.file("channel.db"), (bytes) => {
    const at = (root - 1) * PAGE_BYTES;
    expect(bytes[at]).toBe(2); // an interior page: its right-most child is at 8
    const child = bytes.readUInt32BE(at + 8);
    bytes.fill(0, (child - 1) * PAGE_BYTES, child * PAGE_BYTES);
  });
  const { given, epochs, restarts } = drainWithRestarts(dir);
  expect(restarts).toBe(1);
  expect(epochs.size).toBe(2);
  expect(existsSync(dir.file("channel.db.damaged"))).toBe(false);
  // The bodies say themselves which records they are: nothing is lost with the narrow rows.
  expect(expectHonest(given, 0, next)).toBe(0);
});

/** The last page below the root of a table's tree is gone, which no start looks at; or all of them. */
function lose(dir: TempDir, table: string, which: "last" | "all"): void {
  const db = new Sqlite(dir.file("channel.db"), { readonly: true });
  const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck().get(table));
  db.close();
  damage(dir.file("channel.db"), (bytes) => {
    const at = (root - 1) * PAGE_BYTES;
    const children: number[] = [];
    for (let cell = 0; cell < bytes.readUInt16BE(at + 3); cell++)
      children.push(bytes.readUInt32BE(at + bytes.readUInt16BE(at + 12 + 2 * cell)));
    children.push(bytes.readUInt32BE(at + 8));
    const lost = which === "all" ? children : children.slice(-1);
    for (const child of lost) bytes.fill(0, (child - 1) * PAGE_BYTES, child * PAGE_BYTES);
  });
}

type Deed = (store: ReturnType<typeof openWritten>, lane: Lane) => unknown;

/** Looks before each batch that is delivered. */
function looking(look: (channel: ReturnType<ReturnType<typeof openWritten>["channel"]>, lane: Lane) => unknown): Deed {
  return (store, lane) => {
    const channel = store.channel("main");
    const reader = channel.reader(lane);
    for (look(channel, lane); ; look(channel, lane)) {
      const batch = reader.next();
      if (batch === undefined) return;
      reader.acknowledge(batch, undefined);
    }
  };
}

const put: Deed = (store, lane) => store.commit(work(lane, store.channel("main").nextSeq(lane), 9));

test.each<[string, string, "last" | "all", Deed]>([
  ["a put", "batch", "last", put],
  ["a take", "batch", "last", looking(() => {})],
  ["the age of the oldest", "batch", "last", looking((channel) => channel.stat().oldestMs)],
  ["where a lane begins", "batch", "last", looking((channel, lane) => channel.oldest(lane))],
  ["making the file small", "batch", "last", (store) => store.journal.file.compact()],
  ["the body of a put", "body", "all", put],
  ["the body of a take", "body", "all", looking(() => {})],
])(
  "damage met by %s is told to whoever ends the process and leaves a note; where no note can be made it is told all the same",
  (_what, table, which, deed) => {
    for (const noted of [true, false]) {
      using dir = tempDir();
      write(dir, 240);
      lose(dir, table, which);
      const told: AppError[] = [];
      const store = openWritten(dir.path, 0, silent, (error) => told.push(error));
      const [lane] = store.channel("main").lanes();
      if (lane === undefined) throw new Error("the lane is there");
      if (!noted) mkdirSync(dir.file("channel.db.damaged"));
      let thrown: unknown;
      try {
        deed(store, lane);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: "EDGE_CHANNEL_DAMAGED", severity: "restart" });
      expect(told[0]).toMatchObject({ code: "EDGE_CHANNEL_DAMAGED" });
      if (noted) expect(readFileSync(dir.file("channel.db.damaged"), "utf8")).toStartWith("SQLITE_CORRUPT");
      store.abandon();
    }
  },
  60_000,
);
