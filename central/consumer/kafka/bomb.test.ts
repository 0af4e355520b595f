import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { outputBytesMax } from "../../../shared/compression/decompress-bounded.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { mendCrc, topicBatch } from "../../testing/batches.ts";
import { ArrivalBuilder } from "./arrival.ts";

/** Claims to hold one record, and its CRC is right: nothing but decompressing it tells what it is. */
function batchOf(baseOffset: number, codecNumber: number, records: Buffer, count = 1): Buffer {
  const batch = Buffer.concat([topicBatch(baseOffset, ["x"], "none").subarray(0, HEADER_BYTES), records]);
  batch.writeInt32BE(batch.length - 12, at.batchLength);
  batch.writeInt16BE(codecNumber, at.attributes);
  batch.writeInt32BE(count, at.recordCount);
  batch.writeInt32BE(count - 1, at.lastOffsetDelta);
  return mendCrc(batch);
}

const fetched = (...batches: readonly Buffer[]) => ({
  topic: "drive",
  partition: 0,
  errorCode: 0,
  highWatermark: 1_000,
  endOffset: 1_000,
  logStartOffset: 0,
  aborted: [],
  frames: splitBatches(Buffer.concat(batches)),
});

const repeat = (piece: Uint8Array, times: number) => Buffer.concat(Array.from({ length: times }, () => piece));
const sixteenMebibytes = Buffer.alloc(16 * 1024 * 1024);

/** One letter, then copies of 64 bytes of what was written before: google/snappy, format_description.txt. */
function snappyBomb(): Buffer {
  const copies = 2 * (outputBytesMax / 64);
  const announced = [];
  for (let left = 1 + copies * 64; left > 0; left = Math.floor(left / 128)) announced.push((left % 128) + 128);
  announced.push((announced.pop() ?? 128) - 128);
  return Buffer.concat([Buffer.from([...announced, 0, 0x78]), repeat(Buffer.from([0xfe, 1, 0]), copies)]);
}

/** One letter, then one match of a length that is spelt out, 255 a byte: lz4/lz4, doc/lz4_Block_format.md. */
function lz4Bomb(): Buffer {
  const block = Buffer.concat([Buffer.from([0x1f, 0x78, 1, 0]), Buffer.alloc(outputBytesMax / 128, 255), Buffer.of(0)]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0]), size, block, Buffer.alloc(4)]);
}

describe("a batch that decompresses to far more than any batch holds", () => {
  test.each([
    ["gzip", 1, () => repeat(gzipSync(sixteenMebibytes), 16)],
    ["snappy", 2, snappyBomb],
    ["lz4", 3, lz4Bomb],
    ["zstd", 4, () => repeat(Bun.zstdCompressSync(sixteenMebibytes), 64)],
  ] as const)("%s: counts as damaged like any other, and what is behind it goes on", (_, codecNumber, bomb) => {
    const builder = new ArrivalBuilder();
    const raw = fetched(batchOf(0, codecNumber, bomb()), topicBatch(1, ["behind"]));
    expect(builder.build(raw)).toBeUndefined();
    expect(builder.build(raw)).toBeUndefined();
    const arrival = builder.build(raw);
    expect(arrival).toMatchObject({ damaged: [{ firstOffset: 0, lastOffset: 0 }], nextOffset: 2 });
    expect(arrival?.damaged[0]?.reason).toContain(`more than ${outputBytesMax} bytes`);
    expect(arrival?.blocks.map(({ count }) => count)).toEqual([1]);
  });

  test("several that each stay just below the bound are delivered one after the other", () => {
    const value = Buffer.alloc(40 * 1024 * 1024);
    const varint = (number: number) => {
      const bytes = [];
      for (let left = number * 2; ; left = Math.floor(left / 128)) {
        if (left < 128) return Buffer.from([...bytes, left]);
        bytes.push((left % 128) + 128);
      }
    };
    // Attributes, time and offset 0, no key (-1), the value, no headers.
    const body = Buffer.concat([Buffer.from([0, 0, 0, 1]), varint(value.length), value, Buffer.of(0)]);
    const records = Bun.zstdCompressSync(Buffer.concat([varint(body.length), body]));
    const large = [0, 1, 2, 3, 4].map((offset) => batchOf(offset, 4, Buffer.from(records)));
    const builder = new ArrivalBuilder();
    let next = 0;
    const steps = [];
    while (next < large.length) {
      const arrival = builder.build(fetched(...large.slice(next)));
      next = arrival?.nextOffset ?? Number.NaN;
      steps.push(arrival?.blocks.length);
    }
    expect(steps).toEqual([2, 2, 1]);
  });
});
