import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { plainRecord } from "../../records/record-block.ts";
import { ArrivalBuilder } from "./arrival.ts";
import { decodeBatch } from "./decode-batch.ts";

/** A message as the protocol guide of Kafka 0.10 draws it. */
function message(
  offset: number,
  value: Buffer | null,
  more: { magic?: 0 | 1; attributes?: number; key?: string } = {},
) {
  const { magic = 1, attributes = 0, key } = more;
  const field = (bytes: Buffer | null) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes?.length ?? -1);
    return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
  };
  const time = Buffer.alloc(magic === 1 ? 8 : 0);
  if (magic === 1) time.writeBigInt64BE(1_000n + BigInt(offset));
  const covered = Buffer.concat([
    Buffer.from([magic, attributes]),
    time,
    field(key === undefined ? null : Buffer.from(key)),
    field(value),
  ]);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset));
  head.writeInt32BE(covered.length + 4, 8);
  head.writeUInt32BE(Bun.hash.crc32(covered), 12);
  return Buffer.concat([head, covered]);
}

const records = (bytes: Buffer) =>
  splitBatches(bytes).flatMap((frame) => {
    const block = decodeBatch(frame);
    return Array.from({ length: block.count }, (_, index) => plainRecord(block, index));
  });

describe("messages of the old formats", () => {
  test.each([0, 1] as const)("magic %d, small ones too: none is left out", (magic) => {
    const set = [7, 8].map((offset) => message(offset, Buffer.from(`v${offset}`), { magic, key: "car-1" }));
    expect(records(Buffer.concat([...set, message(9, null, { magic })]))).toMatchObject([
      {
        offset: 7,
        key: Buffer.from("car-1"),
        value: Buffer.from("v7"),
        identity: undefined,
        timeMs: magic === 1 ? 1_007 : 0,
      },
      { offset: 8, value: Buffer.from("v8") },
      { offset: 9, key: undefined, value: undefined },
    ]);
  });

  test("compressed with magic 1: offsets inside count from the first", () => {
    const inner = Buffer.concat([0, 1, 2].map((offset) => message(offset, Buffer.from(`v${offset}`))));
    const wrapped = message(12, gzipSync(inner), { attributes: 1 });
    expect(records(wrapped).map(({ offset, value }) => [offset, value?.toString()])).toEqual([
      [10, "v0"],
      [11, "v1"],
      [12, "v2"],
    ]);
  });

  test("compressed with magic 0: offsets inside are absolute; with an append time it counts for all", () => {
    const old = Buffer.concat([5, 6].map((offset) => message(offset, Buffer.from("x"), { magic: 0 })));
    expect(records(message(6, gzipSync(old), { magic: 0, attributes: 1 })).map(({ offset }) => offset)).toEqual([5, 6]);
    const inner = Buffer.concat([0, 1].map((offset) => message(offset, Buffer.from("x"))));
    const times = records(message(21, gzipSync(inner), { attributes: 1 | 8 })).map(({ timeMs }) => timeMs);
    expect(times).toEqual([1_021, 1_021]);
  });

  test("one that is damaged, lies about its size or is compressed twice is said to be corrupt, never read", () => {
    const good = message(3, Buffer.from("value"));
    for (let at = 12; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x40;
      if (at === 16) continue; // the magic itself: another format
      expect(() => records(bad)).toThrow("old format");
    }
    const twice = message(3, gzipSync(message(0, gzipSync(message(0, Buffer.from("x"))), { attributes: 1 })), {
      attributes: 1,
    });
    expect(() => records(twice)).toThrow("compressed twice");
    expect(() => records(message(3, gzipSync(Buffer.from("no message")), { attributes: 1 }))).toThrow("old format");
  });

  test("are delivered with the offsets to go on from, beside batches cut off at the end", () => {
    const set = Buffer.concat([message(0, Buffer.from("a")), message(1, Buffer.from("b"))]);
    const raw = {
      topic: "t",
      partition: 0,
      errorCode: 0,
      highWatermark: 2,
      endOffset: 2,
      logStartOffset: 0,
      aborted: [],
    };
    const arrival = new ArrivalBuilder().build({
      ...raw,
      frames: splitBatches(Buffer.concat([set, set.subarray(0, 9)])),
    });
    expect(arrival).toMatchObject({ firstOffset: 0, nextOffset: 2, damaged: [] });
    expect(arrival?.blocks.length).toBe(2);
  });
});
