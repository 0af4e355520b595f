import { expect, test } from "bun:test";
import { splitBatches } from "../../shared/kafka/record-batch/frames.ts";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { decodeBatch } from "../consumer/kafka/decode-batch.ts";
import { blockOf, plainRecord } from "../records/record-block.ts";
import { topicBatch } from "../testing/batches.ts";
import { testRecord } from "../testing/records.ts";
import { copyRecord, writeCopies } from "./copy-batch.ts";

const stamp = { producerId: 7n, producerEpoch: 2, baseSequence: 40 };

test.each(["none", "gzip", "zstd"] as const)(
  "records of a %s batch keep key, value, headers and time; some left out",
  (codec) => {
    const [frame] = splitBatches(topicBatch(500, ["zero", "one", "two", "three"], codec));
    if (frame === undefined) throw new Error("no batch");
    const block = decodeBatch(frame);
    const written = writeCopies(
      [1, 3].map((index) => copyRecord(block, index)),
      stamp,
    );
    const [copy] = splitBatches(written);
    if (copy === undefined) throw new Error("no copy");
    expect(copy).toMatchObject({ producerId: 7n, transactional: true, control: false, baseOffset: 0, lastOffset: 1 });
    const after = decodeBatch(copy);
    const plain = (index: number, of: typeof block) => ({ ...plainRecord(of, index), offset: 0 });
    expect([plain(0, after), plain(1, after)]).toEqual([plain(1, block), plain(3, block)]);
    const headersOf = (batch: Buffer) => [...decodeRecords(batch)].map(({ headers }) => headers);
    const original = headersOf(frame.bytes);
    expect(headersOf(written)).toEqual([original[1] ?? [], original[3] ?? []]);
  },
);

test("a record of the formats before headers, and one with neither key nor value", () => {
  const bare = { ...testRecord({ offset: 0, identity: null }), key: undefined, value: undefined };
  const block = blockOf([{ ...testRecord({ offset: 0, value: "old", timeMs: 1 }), identity: undefined }, bare]);
  const [frame] = splitBatches(writeCopies([copyRecord(block, 0), copyRecord(block, 1)], stamp));
  if (frame === undefined) throw new Error("no copy");
  const after = decodeBatch(frame);
  expect(plainRecord(after, 0)).toMatchObject({ timeMs: 1, key: Buffer.from("car-1"), value: Buffer.from("old") });
  expect(plainRecord(after, 1)).toMatchObject({ timeMs: bare.timeMs, key: undefined, value: undefined });
});
