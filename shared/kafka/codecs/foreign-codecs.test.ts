import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../random/random.ts";
import { decompressLz4 } from "./lz4.ts";
import { decompressSnappy } from "./snappy.ts";

/** Written by hand from the format descriptions; real producers' bytes: see codecs.integration.test.ts. */
const snappyBlock = Buffer.concat([
  Buffer.from([20]), // uncompressed length
  Buffer.from([7 << 2]),
  Buffer.from("tailgate"),
  Buffer.from([((8 - 4) << 2) | 1, 8]), // copy 8 from 8 back
  Buffer.from([((4 - 1) << 2) | 2, 16, 0]), // copy 4 from 16 back
]);
const snappyText = "tailgatetailgatetail";

const lz4Frame = Buffer.concat([
  Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0]),
  Buffer.from([14, 0, 0, 0]),
  Buffer.from([(8 << 4) | 4]), // 8 literals, then a match of 8
  Buffer.from("tailgate"),
  Buffer.from([8, 0]),
  Buffer.from([2 << 4]),
  Buffer.from("!!"),
  Buffer.from([3, 0, 0, 0x80]),
  Buffer.from("raw"),
  Buffer.from([0, 0, 0, 0]),
]);

function xerial(block: Buffer): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return Buffer.concat([header, length, block, length, block]);
}

describe("codecs of other producers", () => {
  test("snappy: literals, short and long copies", () => {
    expect(decompressSnappy(snappyBlock).toString()).toBe(snappyText);
  });

  test("snappy in the frame of Java producers: several blocks", () => {
    expect(decompressSnappy(xerial(snappyBlock)).toString()).toBe(snappyText + snappyText);
  });

  test("lz4: compressed and raw blocks up to the end mark", () => {
    expect(decompressLz4(lz4Frame).toString()).toBe("tailgatetailgate!!raw");
  });

  test.each([
    ["snappy", decompressSnappy, snappyBlock],
    ["snappy in a frame", decompressSnappy, xerial(snappyBlock)],
    ["lz4", decompressLz4, lz4Frame],
  ] as const)(
    "%s: damaged bytes are called corrupt, or give other text, and nothing else happens",
    (_, decompress, good) => {
      const random = seededRandom(9);
      for (let round = 0; round < 2_000; round++) {
        const bad = Buffer.from(good.subarray(0, 1 + Math.floor(random.next() * good.length)));
        bad.writeUInt8(Math.floor(random.next() * 256), Math.floor(random.next() * bad.length));
        try {
          decompress(bad);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "RECORD_BATCH_CORRUPT" });
        }
      }
    },
  );
});
