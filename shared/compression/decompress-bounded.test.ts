import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { decompressBounded, outputBytesMax } from "./decompress-bounded.ts";

const compressors = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  zstd: (bytes: Buffer) => Bun.zstdCompressSync(bytes),
};

describe.each(["gzip", "zstd"] as const)("%s", (codec) => {
  const compress = compressors[codec];

  test("what was compressed comes back, up to the last byte that is allowed", () => {
    expect(decompressBounded(codec, compress(Buffer.from("tailgate"))).toString()).toBe("tailgate");
    expect(decompressBounded(codec, compress(Buffer.alloc(outputBytesMax)))).toHaveLength(outputBytesMax);
  });

  test("one byte more is refused, and so is a gigabyte, long before it is in memory", () => {
    const refused = expect.objectContaining({
      code: "RECORD_BATCH_CORRUPT",
      message: expect.stringContaining("more than 67108864 bytes"),
    });
    expect(() => decompressBounded(codec, compress(Buffer.alloc(outputBytesMax + 1)))).toThrow(refused);
    // Frames behind one another are one stream to both codecs.
    const bomb = Buffer.concat(Array.from({ length: 64 }, () => compress(Buffer.alloc(16 * 1024 * 1024))));
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    expect(() => decompressBounded(codec, bomb)).toThrow(refused);
    expect(process.memoryUsage.rss() - before).toBeLessThan(4 * outputBytesMax);
  });

  test("bytes that are none of it are refused", () => {
    expect(() => decompressBounded(codec, Buffer.from("no such thing"))).toThrow(
      expect.objectContaining({ code: "RECORD_BATCH_CORRUPT", message: expect.stringContaining("damaged") }),
    );
  });
});
