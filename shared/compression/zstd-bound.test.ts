import { describe, expect, test } from "bun:test";
import { constants, zstdCompressSync } from "node:zlib";
import { seededRandom } from "../random/random.ts";
import { decompressBounded, outputBytesMax } from "./decompress-bounded.ts";
import { zstdBytesMax } from "./zstd-bound.ts";

const compress = (bytes: Buffer) => Buffer.from(Bun.zstdCompressSync(bytes));
const text = (bytes: number) =>
  Buffer.from("a line of a log, and one more\n".repeat(Math.ceil(bytes / 30)).slice(0, bytes));
const skippable = Buffer.from([0x54, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const noSize = (bytes: Buffer) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
const withChecksum = (bytes: Buffer) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

describe("of whole frames it is no less than what they hold, and not much more", () => {
  test.each([0, 1, 255, 256, 65_791, 65_792, 131_072, 131_073, 2_000_000])("%d bytes", (bytes) => {
    for (const made of [compress(text(bytes)), noSize(text(bytes)), withChecksum(text(bytes))]) {
      const found = zstdBytesMax(made);
      expect(found).toBeGreaterThanOrEqual(bytes);
      expect(found).toBeLessThanOrEqual(bytes + 2 * 128 * 1024);
    }
  });

  test("frames behind one another, and frames that are skipped", () => {
    const frames = Buffer.concat([skippable, compress(text(1_000)), skippable, noSize(text(200_000)), skippable]);
    expect(zstdBytesMax(frames)).toBe(3 * 128 * 1024);
    expect(decompressBounded("zstd", frames)).toHaveLength(201_000);
  });
});

describe("undefined, and left to the decoder with a bound:", () => {
  const frame = compress(text(1_000));
  const claiming = (bytes: number) => {
    const lie = Buffer.from(compress(text(100_000)));
    lie.writeUInt32LE(bytes, 5);
    return lie;
  };
  test.each([
    ["no frame", Buffer.from("no such thing at all")],
    ["a few bytes", Buffer.from("no")],
    ["half a frame", frame.subarray(0, -1)],
    ["half a header", frame.subarray(0, 5)],
    ["garbage behind a frame", Buffer.concat([frame, Buffer.from("0123456789")])],
    ["a skipped frame that is longer than what is there", skippable.subarray(0, -1)],
    ["a frame that claims more than its blocks can hold", claiming(4_000_000_000)],
  ])("%s", (_, bytes) => {
    expect(zstdBytesMax(bytes)).toBeUndefined();
  });
});

test("a few bytes that claim gigabytes are never given to the decoder that believes them", () => {
  // Blocks of one byte, repeated: 4 bytes of input are 128 KiB.
  const block = Buffer.from([0x02 | 0, 0x00, 0x10, 0x61]);
  block.writeUIntLE(((128 * 1024) << 3) | (1 << 1), 0, 3);
  const last = Buffer.from(block);
  last.writeUIntLE(((128 * 1024) << 3) | (1 << 1) | 1, 0, 3);
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  const bomb = Buffer.concat([header, ...Array.from({ length: 20_000 }, () => block), last]);
  expect(zstdBytesMax(bomb)).toBe(20_001 * 128 * 1024);
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  expect(() => decompressBounded("zstd", bomb)).toThrow("more than 67108864 bytes");
  expect(process.memoryUsage.rss() - before).toBeLessThan(4 * outputBytesMax);
});

test("damaged anywhere, it is refused or comes back as it was; never a crash", () => {
  const random = seededRandom(7);
  const whole = text(300_000);
  const made = compress(whole);
  for (let turn = 0; turn < 300; turn++) {
    const bytes = Buffer.from(made);
    const at = Math.floor(random.next() * bytes.length);
    bytes[at] = Math.floor(random.next() * 256);
    try {
      expect(decompressBounded("zstd", bytes).length).toBeLessThanOrEqual(outputBytesMax);
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "RECORD_BATCH_CORRUPT" });
    }
  }
});
