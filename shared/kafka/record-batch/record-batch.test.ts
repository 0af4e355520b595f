import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatIdentity, IDENTITY_HEADER } from "../../identity/identity.ts";
import { seededRandom } from "../../random/random.ts";
import { type BuilderOptions, RecordBatchBuilder, type RecordHeaders } from "./builder.ts";
import type { Compression } from "./compression.ts";
import { combineCrc, crc32c } from "./crc32c.ts";
import { crcMatches, HEADER_BYTES, readBatchHeader, stampBatch } from "./header.ts";
import { decodeRecords } from "./records.ts";

const identity = { agent: "gw-1", epoch: "e0", stream: "driving", lane: 2 };
const noHeaders: RecordHeaders = { headerNames: [], headerValues: [] };

function build(options: BuilderOptions, lines: readonly string[], timeMs = 1_700_000_000_000, firstSeq = 0): Buffer {
  const builder = new RecordBatchBuilder(options);
  builder.begin(firstSeq);
  for (const [index, line] of lines.entries()) {
    const bytes = Buffer.from(line);
    builder.append({
      buffer: bytes,
      start: 0,
      end: bytes.length,
      eventTimeMs: timeMs + index,
      key: undefined,
      ...noHeaders,
    });
  }
  return builder.seal().bytes;
}

describe("crc32c", () => {
  test("gives the check value of the catalogue of CRC algorithms", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });

  test("gives the vectors of RFC 3720 B.4", () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))).toBe(0x46dd794e);
  });

  test("combines two parts into what the whole has, at every cut", () => {
    const random = seededRandom(7);
    const whole = Buffer.from(Array.from({ length: 3000 }, () => Math.floor(random.next() * 256)));
    for (let cut = 0; cut <= whole.length; cut += 97) {
      const combined = combineCrc(crc32c(whole, 0, cut), crc32c(whole, cut), whole.length - cut);
      expect(combined).toBe(crc32c(whole));
    }
  });
});

describe("a record batch", () => {
  test("an empty event that says that it is a tombstone has no value; others have", () => {
    const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
    builder.begin(0);
    const buffer = Buffer.from("x");
    const record = { buffer, start: 0, end: 0, eventTimeMs: 0, key: undefined };
    const says = (value: string) => ({ headerNames: ["tombstone"], headerValues: [value] });
    builder.append({ ...record, ...says("true") });
    builder.append({ ...record, end: 1, ...says("true") });
    builder.append({ ...record, ...says("no") });
    builder.append({ ...record, ...noHeaders });
    // length, attributes, time, offset, no key: then the value's length, a zigzag varint.
    const { bytes } = builder.seal();
    const lengths: (number | undefined)[] = [];
    for (let at = HEADER_BYTES; at < bytes.length; at += 1 + (bytes[at] ?? 0) / 2) lengths.push(bytes[at + 5]);
    expect(lengths).toEqual([1, 2, 0, 0]);
  });

  test.each(["none", "gzip", "zstd"] as const)("comes back as it was put with codec %s", (compression: Compression) => {
    const builder = new RecordBatchBuilder({ compression, identity });
    builder.begin(998);
    const source = Buffer.from("..first line..second\u0000\xff..");
    const headers: RecordHeaders = { headerNames: ["file", "cut"], headerValues: ["/var/log/ä.log", ""] };
    builder.append({ buffer: source, start: 2, end: 12, eventTimeMs: 1_700_000_000_000, key: "C001", ...headers });
    builder.append({ buffer: source, start: 14, end: 20, eventTimeMs: 5, key: undefined, ...noHeaders });
    builder.append({ buffer: source, start: 14, end: 14, eventTimeMs: 4_102_444_800_000, key: "Käfer", ...noHeaders });
    const { bytes, count, timeMsMin, timeMsMax } = builder.seal();

    expect({ count, timeMsMin, timeMsMax }).toEqual({ count: 3, timeMsMin: 5, timeMsMax: 4_102_444_800_000 });
    expect(crcMatches(bytes)).toBe(true);
    const records = [...decodeRecords(bytes)];
    expect(records.map((record) => record.value.toString("latin1"))).toEqual(["first line", "second", ""]);
    expect(records.map((record) => record.key?.toString())).toEqual(["C001", undefined, "Käfer"]);
    expect(records.map((record) => record.timeMs)).toEqual([1_700_000_000_000, 5, 4_102_444_800_000]);
    expect(records.map((record) => record.offsetDelta)).toEqual([0, 1, 2]);
    const texts = records.map((record) => record.headers.map((header) => [header.name, header.value.toString()]));
    const id = (first: number, eventTimeMs: number) => [
      IDENTITY_HEADER,
      formatIdentity({ ...identity, kind: "record", first, last: first, reason: undefined, eventTimeMs }),
    ];
    expect(texts).toEqual([
      [id(998, 1_700_000_000_000), ["file", "/var/log/ä.log"], ["cut", ""]],
      [id(999, 5)],
      [id(1000, 4_102_444_800_000)],
    ]);
  });

  test("keeps random records of every size, also past the first arena", () => {
    const random = seededRandom(11);
    const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
    for (let round = 0; round < 20; round++) {
      builder.begin(0);
      const lines: Buffer[] = [];
      for (let left = Math.floor(random.next() * 300) + 1; left > 0; left--) {
        const line = Buffer.alloc(Math.floor(random.next() ** 6 * 70_000), 65 + (left % 20));
        lines.push(line);
        builder.append({
          buffer: line,
          start: 0,
          end: line.length,
          eventTimeMs: Math.floor((random.next() - 0.5) * 1e14),
          key: undefined,
          ...noHeaders,
        });
      }
      const { bytes } = builder.seal();
      expect([...decodeRecords(bytes)].map((record) => record.value.length)).toEqual(lines.map((line) => line.length));
      expect(crcMatches(bytes)).toBe(true);
    }
  });

  test("keeps header values that differ each time, come again, are long, empty or not plain", () => {
    const random = seededRandom(7);
    const values = ["", "north", "Größe", "x".repeat(128), "x".repeat(129), "\u0000", "\u007f", "\u0080"];
    const builder = new RecordBatchBuilder({ compression: "zstd", identity });
    const expected: string[][] = [];
    for (let batch = 0; batch < 3; batch++) {
      builder.begin(batch * 500);
      expected.length = 0;
      for (let index = 0; index < 500; index++) {
        const pick = () => values[Math.floor(random.next() * values.length)] ?? "";
        const headerValues = [`gw-1/e1/driving.0/${index}@1790000000000`, pick(), "always", pick()];
        const headerNames = ["origin", "a", "ä", "c"].slice(0, index % 5);
        expected.push(headerNames.map((_, place) => headerValues[place] ?? ""));
        const record = { buffer: Buffer.from("v"), start: 0, end: 1, eventTimeMs: 1, key: undefined };
        builder.append({ ...record, headerNames, headerValues });
      }
      const { bytes } = builder.seal();
      expect(crcMatches(bytes)).toBe(true);
      const found = [...decodeRecords(bytes)].map(({ headers }) => headers.slice(1).map(({ value }) => String(value)));
      expect(found).toEqual(expected);
    }
  });

  test("stamped for a producer still has the right CRC, and only header fields changed", () => {
    const builder = new RecordBatchBuilder({ compression: "zstd", identity });
    builder.begin(0);
    const line = Buffer.from("a line");
    builder.append({
      buffer: line,
      start: 0,
      end: line.length,
      eventTimeMs: 1_700_000_000_000,
      key: "C1",
      ...noHeaders,
    });
    const { bytes, recordsCrc } = builder.seal();
    const before = Buffer.from(bytes.subarray(HEADER_BYTES));
    for (const baseSequence of [0, 17, 2 ** 31 - 1]) {
      stampBatch(bytes, recordsCrc, { producerId: 4_000_000_000_000n, producerEpoch: 3, baseSequence });
      expect(crcMatches(bytes)).toBe(true);
      expect(readBatchHeader(bytes)).toMatchObject({ producerId: 4_000_000_000_000n, producerEpoch: 3, baseSequence });
    }
    expect(bytes.subarray(HEADER_BYTES).equals(before)).toBe(true);
    stampBatch(bytes, recordsCrc, { producerId: 1n, producerEpoch: 0, baseSequence: 0, shiftMs: 60_000 });
    expect(crcMatches(bytes)).toBe(true);
    expect(readBatchHeader(bytes).baseTimestampMs).toBe(1_700_000_060_000);
  });

  test.each(["none", "gzip", "zstd"] as const)(
    "written by version 1 with codec %s is still readable",
    (compression) => {
      const path = join(import.meta.dir, "golden", `v1-${compression}.bin`);
      const bytes = readFileSync(path);
      expect(crcMatches(bytes)).toBe(true);
      expect([...decodeRecords(bytes)].map((record) => record.value.toString())).toEqual(["one", "two", "three"]);
      if (compression === "none")
        expect(build({ compression, identity }, ["one", "two", "three"]).equals(bytes)).toBe(true);
    },
  );

  test("that was damaged is refused with a code, wherever the damage is", () => {
    const good = build({ compression: "none", identity }, ["one", "two", "three"]);
    let refused = 0;
    for (let index = HEADER_BYTES; index < good.length; index++) {
      const bad = Buffer.from(good);
      bad[index] = (bad[index] ?? 0) ^ 0xff;
      expect(crcMatches(bad)).toBe(false);
      try {
        for (const record of decodeRecords(bad)) record.value.toString();
      } catch (error) {
        expect(error).toMatchObject({ code: "RECORD_BATCH_CORRUPT" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10);
    expect(() => readBatchHeader(good.subarray(0, 60))).toThrow("60 of 61 bytes");
  });
});
