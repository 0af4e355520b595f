import { expect, test } from "bun:test";
import { hasCode } from "../../../../shared/errors/app-error.ts";
import { codes } from "../../codes.ts";
import { ChunkPacker, unpackChunk } from "./chunk-codec.ts";

const events = [
  { time: 1_790_000_000_000, source: 1, offset: 5, lane: 1, seq: 3, value: Buffer.from("a line") },
  { time: 1_790_000_000_500, source: 2, offset: 1, lane: 0, seq: 0, value: null },
  { time: 1_790_000_000_501, source: 1, offset: 2 ** 40, lane: 2, seq: 2 ** 47, value: Buffer.alloc(0) },
];

test("what was packed comes back", () => {
  expect(unpackChunk(Buffer.from(new ChunkPacker().pack(events)))).toEqual(events);
});

test("what a disk has changed is refused: no length in it is believed", () => {
  const raw = Buffer.from(Bun.zstdDecompressSync(new ChunkPacker().pack(events)));
  const refused = (bytes: Buffer) => {
    try {
      return unpackChunk(bytes).length;
    } catch (thrown) {
      return hasCode(thrown, codes.CENTRAL_STORE_DAMAGED) ? "damaged" : thrown;
    }
  };
  const packed = (bytes: Buffer) => Buffer.from(Bun.zstdCompressSync(bytes));
  const claims = (count: number[]) => packed(Buffer.concat([Buffer.from([1, ...count]), raw.subarray(2)]));
  // 2^42 events: their numbers would be made until the memory is full.
  expect(refused(claims([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]))).toBe("damaged");
  expect(refused(claims([4]))).toBe("damaged");
  expect(refused(packed(raw.subarray(0, raw.length - 1)))).toBe("damaged");
  expect(refused(packed(Buffer.from([2, 0])))).toBe("damaged");
  expect(refused(Buffer.from("no zstd"))).toBe("damaged");
  expect(refused(Buffer.alloc(0))).toBe("damaged");
});
