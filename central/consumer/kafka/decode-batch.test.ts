import { describe, expect, test } from "bun:test";
import { type BatchFrame, splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { plainRecord, type RecordBlock } from "../../records/record-block.ts";
import { mendCrc, topicBatch } from "../../testing/batches.ts";
import { decodeBatch } from "./decode-batch.ts";

function only(bytes: Buffer): BatchFrame {
  const [frame] = splitBatches(bytes);
  if (frame === undefined) throw new Error("no batch");
  return frame;
}

const values = (block: RecordBlock) =>
  Array.from({ length: block.count }, (_, index) => plainRecord(block, index).value?.toString());

describe("decoding fetched batches", () => {
  test.each(["none", "gzip", "zstd"] as const)("reads what the edge writes with codec %s", (compression) => {
    const lines = ["first", "", "third with ümlaut", "x".repeat(5_000)];
    const block = decodeBatch(only(topicBatch(700, lines, compression)));
    expect(values(block)).toEqual(lines);
    expect([...block.offsets]).toEqual([700, 701, 702, 703]);
    expect(plainRecord(block, 1)).toMatchObject({ offset: 701, timeMs: 1_760_000_040_000 });
    expect(plainRecord(block, 1).key?.toString()).toBe("car-1");
    expect(plainRecord(block, 2).identity).toBe("gw1/e1/drive.3/102@1760000080000");
  });

  test("agrees with the shared decoder on random batches", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 50; round++) {
      const lines = Array.from({ length: 1 + Math.floor(random.next() * 40) }, () =>
        "z".repeat(Math.floor(random.next() * 300)),
      );
      const bytes = topicBatch(round * 1_000, lines);
      const expected = [...decodeRecords(bytes)];
      const block = decodeBatch(only(bytes));
      expect(values(block)).toEqual(expected.map(({ value }) => value.toString()));
      expect([...block.timesMs]).toEqual(expected.map(({ timeMs }) => timeMs));
    }
  });

  test("takes the broker's time where the topic says LogAppendTime", () => {
    const bytes = topicBatch(0, ["a", "b"]);
    bytes.writeInt16BE(bytes.readInt16BE(at.attributes) | 8, at.attributes);
    bytes.writeBigInt64BE(1_800_000_000_000n, at.maxTimestamp);
    expect([...decodeBatch(only(mendCrc(bytes))).timesMs]).toEqual([1_800_000_000_000, 1_800_000_000_000]);
  });

  test("cuts a record set into batches and leaves out the one that is cut off", () => {
    const whole = Buffer.concat([topicBatch(0, ["a"]), topicBatch(1, ["b", "c"]), topicBatch(3, ["d"])]);
    expect(splitBatches(whole).map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual([
      [0, 0],
      [1, 2],
      [3, 3],
    ]);
    expect(splitBatches(whole.subarray(0, whole.length - 1)).length).toBe(2);
    expect(splitBatches(Buffer.alloc(0))).toEqual([]);
  });

  test("refuses a batch with any single byte flipped behind its CRC", () => {
    const good = topicBatch(0, ["some line", "another line"]);
    for (let index = at.crc; index < good.length; index++) {
      const bad = Buffer.from(good);
      bad.writeUInt8((bad[index] ?? 0) ^ 0x10, index);
      expect(() => decodeBatch(only(bad))).toThrow("CRC does not match");
    }
  });

  test("never fails but by saying corrupt, whatever bytes have a right CRC", () => {
    const random = seededRandom(11);
    const good = topicBatch(0, ["some line", "another line", "third"], "none");
    for (let round = 0; round < 3_000; round++) {
      const bad = Buffer.from(good);
      for (let flips = 0; flips < 3; flips++) {
        bad.writeUInt8(
          Math.floor(random.next() * 256),
          at.attributes + Math.floor(random.next() * (bad.length - at.attributes)),
        );
      }
      try {
        decodeBatch({ ...only(good), bytes: mendCrc(bad) });
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "RECORD_BATCH_CORRUPT" });
      }
    }
  });

  test("does not believe a count that its bytes cannot hold", () => {
    const bytes = topicBatch(0, ["a"], "none");
    bytes.writeInt32BE(2_000_000_000, at.recordCount);
    expect(() => decodeBatch(only(mendCrc(bytes)))).toThrow("2000000000 records in");
  });
});
