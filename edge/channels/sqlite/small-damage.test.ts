/** A channel file of which little is left, and a start that is ended while it writes one anew: what is lost is said. */
import { expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { Fields, Signal } from "../../../shared/telemetry/log.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, expectContiguous } from "../../testing/contracts/batches.ts";
import { PAGE_BYTES } from "./schema.ts";
import { openWritten, spec, work } from "./testing/writer.ts";

interface Said {
  readonly name: string;
  readonly fields: Fields;
}

/** Starts once and ends in order; what it said. */
function startOnce(dir: TempDir): readonly Said[] {
  const said: Said[] = [];
  const report = (signal: Signal, fields: Fields = {}) => void said.push({ name: signal.name, fields });
  openWritten(dir.path, 0, report).close();
  return said.filter(({ name }) => name === "channel_rebuilt" || name === "channel_gone" || name === "channel_created");
}

/** A file with some batches in it that nobody took; answers the number after the last. */
function write(dir: TempDir): number {
  const store = openWritten(dir.path);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  store.commit(work(lane, 0, 40));
  const next = channel.nextSeq(lane);
  store.close();
  return next;
}

const kinds: readonly (readonly [string, (bytes: number) => Buffer])[] = [
  ["zeros", (bytes) => Buffer.alloc(bytes)],
  ["one byte", (bytes) => Buffer.alloc(bytes, 0xa7)],
  ["text", (bytes) => Buffer.alloc(bytes, "2026-11-28 a line of a log\n")],
];
const sizes = [100, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 2 * PAGE_BYTES, 7 * PAGE_BYTES];

for (const [kind, make] of kinds) {
  test.each(sizes)(
    `%d bytes of ${kind} in its place: the first start says so and that nobody knows what is lost`,
    (size) => {
      using dir = tempDir();
      write(dir);
      writeFileSync(dir.file("channel.db"), make(size));
      expect(startOnce(dir)).toEqual([
        {
          name: "channel_rebuilt",
          fields: expect.objectContaining({ renamedTo: "channel.db.damaged-1", batches: 0, lost: "unknown" }),
        },
      ]);
      expect(existsSync(dir.file("channel.db.damaged-1"))).toBe(true);
      expect(startOnce(dir)).toEqual([]);
    },
  );
}

test.each([1, 2, 3, 4, 5, 6, 7, 12, 100])(
  "cut to %d pages: the first start says what is lost, or that nobody knows",
  (pages) => {
    using dir = tempDir();
    write(dir);
    truncateSync(dir.file("channel.db"), pages * PAGE_BYTES);
    const [said, ...others] = startOnce(dir);
    expect(others).toEqual([]);
    expect(said?.name).toBe("channel_rebuilt");
    expect(said?.fields.lost).not.toBe(0);
    expect(startOnce(dir)).toEqual([]);
  },
);

// SQLite takes a single byte for nothing.
test.each(["emptied", "cut to a byte", "removed"])(
  "the file was %s: the start says that it was there before",
  (how) => {
    using dir = tempDir();
    write(dir);
    if (how === "removed") rmSync(dir.file("channel.db"));
    else truncateSync(dir.file("channel.db"), how === "emptied" ? 0 : 1);
    expect(startOnce(dir).map(({ name }) => name)).toEqual(["channel_gone"]);
    expect(startOnce(dir)).toEqual([]);
  },
);

test("a first start says that a file was made", () => {
  using dir = tempDir();
  expect(startOnce(dir).map(({ name }) => name)).toEqual(["channel_created"]);
});

/** What a start leaves that is ended in the middle: each is the state after one step of it. */
const steps: readonly (readonly [string, (dir: TempDir) => void])[] = [
  ["the note was written", () => {}],
  [
    "the file was renamed, and its log was not",
    (dir) => {
      renameSync(dir.file("channel.db"), dir.file("channel.db.damaged-1"));
      writeFileSync(dir.file("channel.db-wal"), "");
    },
  ],
  ["the file was renamed", (dir) => renameSync(dir.file("channel.db"), dir.file("channel.db.damaged-1"))],
  [
    "the new file was half written",
    (dir) => {
      renameSync(dir.file("channel.db"), dir.file("channel.db.damaged-1"));
      writeFileSync(
        dir.file("channel.db.rebuilding"),
        readFileSync(dir.file("channel.db.damaged-1")).subarray(0, 50_000),
      );
      writeFileSync(dir.file("channel.db.rebuilding-wal"), "half a log");
    },
  ],
  [
    "the new file has its name, and nothing was said yet",
    (dir) => copyFileSync(dir.file("channel.db"), dir.file("channel.db.damaged-1")),
  ],
];

test.each(steps)(
  "a start that writes the file anew is ended when %s: the next one says it, and nothing is lost by that",
  (_, leave) => {
    using dir = tempDir();
    const next = write(dir);
    writeFileSync(dir.file("channel.db.damaged"), "SQLITE_CORRUPT\n");
    leave(dir);
    const said = startOnce(dir);
    expect(said.map(({ name, fields }) => [name, fields.lost])).toEqual([["channel_rebuilt", 0]]);
    expect(readdirSync(dir.path).filter((name) => /rebuilding|damaged$/.test(name))).toEqual([]);
    expect(statSync(dir.file("channel.db")).size).toBeGreaterThan(0);
    const store = openWritten(dir.path);
    const lane = store.channel("main").lanes()[0];
    if (lane === undefined) throw new Error("the lane is gone");
    expectContiguous(drain(store.channel("main").reader(lane)), 0, next);
    store.close();
  },
);
