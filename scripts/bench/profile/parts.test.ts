import { expect, test } from "bun:test";
import { partOf, sharesBy } from "./parts.ts";

const time = (name: string, file: string, native = false, samples = 1) => ({ name, file, native, samples });

test.each([
  [time("zstdCompressSync", "/t/shared/kafka/record-batch/compression.ts", true), "compression and its opposite"],
  [time("writeSync", "node:zlib", true), "compression and its opposite"],
  [time("exec", "/t/node_modules/better-sqlite3/lib/wrappers.js", true), "SQLite's driver"],
  [time("crc32c", "/t/shared/kafka/record-batch/crc32c.ts"), "checksum"],
  [time("copy", "/t/shared/kafka/record-batch/builder.ts", true), "record encoding"],
  [time("indexOf", "/t/edge/sources/tail/source.ts", true), "reading and splitting lines"],
  [time("test", "/t/edge/interceptors/regex-filter.ts", true), "interceptors"],
  [time("match", "/t/shared/config/pattern/pattern.ts"), "interceptors"],
  [time("commit", "/t/edge/engine/committer.ts"), "intake, selector, committer"],
  [time("run", "/t/edge/channels/sqlite/put.ts", true), "SQLite channel"],
  [time("write", "node:net"), "sockets, kafkajs"],
  [time("(anonymous)", "", true), "runtime without a caller: timers, promises, garbage"],
] as const)("%p belongs to %p", (one, part) => {
  expect(partOf(one)).toBe(part);
});

test("shares of a part add up its functions, the largest first", () => {
  const times = [time("a", "/t/shared/kafka/record-batch/builder.ts", false, 1), time("crc32c", "crc", true, 2)];
  expect(sharesBy([...times, time("b", "/t/shared/kafka/record-batch/records.ts", false, 5)], partOf)).toEqual([
    { what: "record encoding", share: 0.75 },
    { what: "checksum", share: 0.25 },
  ]);
});
