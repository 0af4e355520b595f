import { describe, expect, test } from "bun:test";
import type { FetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import type { AbortedTransaction } from "../../../shared/kafka/messages/fetch.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at } from "../../../shared/kafka/record-batch/header.ts";
import { plainRecord } from "../../records/record-block.ts";
import { mendCrc, topicBatch } from "../../testing/batches.ts";
import { ArrivalBuilder } from "./arrival.ts";

function fetched(batches: readonly Buffer[], aborted: readonly AbortedTransaction[] = []): FetchedPartition {
  const frames = splitBatches(Buffer.concat(batches));
  const place = {
    topic: "drive",
    partition: 0,
    errorCode: 0,
    highWatermark: 1_000,
    endOffset: 1_000,
    logStartOffset: 0,
  };
  return { ...place, aborted, frames };
}

/** As a transaction of this producer; `control`: its end marker. */
function transactional(batch: Buffer, producerId: bigint, control = false): Buffer {
  batch.writeBigInt64BE(producerId, at.producerId);
  batch.writeInt16BE(batch.readInt16BE(at.attributes) | 16 | (control ? 32 : 0), at.attributes);
  return mendCrc(batch);
}

/** A control batch whose record's key is version 0 and this type: 0 abort, 1 commit. */
function marker(baseOffset: number, producerId: bigint, type: 0 | 1): Buffer {
  const batch = topicBatch(baseOffset, [""], "none");
  const key = batch.indexOf("car-0");
  batch.writeInt16BE(0, key);
  batch.writeInt16BE(type, key + 2);
  return transactional(batch, producerId, true);
}

function broken(batch: Buffer): Buffer {
  batch.writeUInt8((batch[batch.length - 1] ?? 0) ^ 1, batch.length - 1);
  return batch;
}

function lines(builder: ArrivalBuilder, raw: FetchedPartition): string[] | undefined {
  return builder
    .build(raw)
    ?.blocks.flatMap((block) =>
      Array.from({ length: block.count }, (_, index) => plainRecord(block, index).value?.toString() ?? ""),
    );
}

describe("making arrivals", () => {
  test("says where the fetch begins and where reading goes on", () => {
    const arrival = new ArrivalBuilder().build(fetched([topicBatch(7, ["a", "b"]), topicBatch(9, ["c"])]));
    expect(arrival).toMatchObject({ firstOffset: 7, nextOffset: 10, logStartOffset: 0, damaged: [] });
  });

  test("a batch that cannot be read is fetched again before it counts as damaged; then the rest goes on", () => {
    const builder = new ArrivalBuilder();
    const raw = fetched([topicBatch(0, ["a"]), broken(topicBatch(1, ["b", "c"])), topicBatch(3, ["d"])]);
    expect(lines(builder, raw)).toEqual(["a"]);
    const again = fetched([broken(topicBatch(1, ["b", "c"])), topicBatch(3, ["d"])]);
    expect(builder.build(again)).toBeUndefined();
    const arrival = builder.build(again);
    expect(arrival).toMatchObject({ firstOffset: 1, nextOffset: 4 });
    expect(arrival?.damaged).toMatchObject([{ firstOffset: 1, lastOffset: 2 }]);
    expect(arrival?.damaged[0]?.reason).toContain("CRC");
    expect(arrival?.blocks.length).toBe(1);
  });

  test("a batch that was only damaged on its way is stored whole", () => {
    const builder = new ArrivalBuilder();
    expect(builder.build(fetched([broken(topicBatch(0, ["a"]))]))).toBeUndefined();
    expect(lines(builder, fetched([topicBatch(0, ["a"])]))).toEqual(["a"]);
  });

  test("leaves out what a transaction that was rolled back has written, and nothing else", () => {
    const raw = fetched(
      [
        transactional(topicBatch(0, ["gone"]), 5n),
        transactional(topicBatch(1, ["kept"]), 6n),
        topicBatch(2, ["plain"]),
        transactional(topicBatch(3, ["gone too"]), 5n),
        marker(4, 5n, 0),
        transactional(topicBatch(5, ["next transaction"]), 5n),
        marker(6, 5n, 1),
        marker(7, 6n, 1),
      ],
      [{ producerId: 5n, firstOffset: 0 }],
    );
    const builder = new ArrivalBuilder();
    expect(lines(builder, raw)).toEqual(["kept", "plain", "next transaction"]);
    const arrival = builder.build(raw);
    expect(arrival?.nextOffset).toBe(8);
    expect(arrival?.hidden.map(({ firstOffset }) => firstOffset)).toEqual([0, 3, 4, 6, 7]);
  });

  test("a marker that lies damaged stops nothing: what it ends is known by its header", () => {
    const batches = [
      transactional(topicBatch(0, ["gone"]), 5n),
      broken(marker(1, 5n, 0)),
      transactional(topicBatch(2, ["kept"]), 5n),
    ];
    expect(lines(new ArrivalBuilder(), fetched(batches, [{ producerId: 5n, firstOffset: 0 }]))).toEqual(["kept"]);
  });

  test("an answer without records that was handed out says that nothing is left before the log's start", () => {
    const raw = { ...fetched([]), logStartOffset: 25 };
    expect(new ArrivalBuilder().build(raw)).toMatchObject({ firstOffset: 25, nextOffset: 25, blocks: [], hidden: [] });
  });

  test("control records alone still move the position", () => {
    const arrival = new ArrivalBuilder().build(fetched([marker(3, 5n, 1)]));
    expect(arrival).toMatchObject({ firstOffset: 3, nextOffset: 4, blocks: [] });
  });

  test("in pieces: each when it is asked for, one after the other, and what was stored before is left out", () => {
    const raw = fetched([topicBatch(0, Array(10).fill("a")), topicBatch(10, ["b"]), topicBatch(12, ["c", "d"])]);
    const offsets = (from: number) =>
      [...new ArrivalBuilder().arrivals(raw, from, { records: 4, bytes: 1_000_000 })].map((piece) => [
        piece.firstOffset,
        piece.nextOffset,
        piece.blocks.map(({ offsets: own }) => [...own]),
      ]);
    expect(offsets(0)).toEqual([
      [0, 4, [[0, 1, 2, 3]]],
      [4, 8, [[4, 5, 6, 7]]],
      [8, 14, [[8, 9], [10], [12, 13]]],
    ]);
    // A fetch brings whole batches, so it may begin long before what was asked for.
    expect(offsets(9)).toEqual([[0, 14, [[8, 9], [10], [12, 13]]]]);
  });

  test("a batch that is found to be none in its middle keeps what was read of it", () => {
    const batch = topicBatch(5, Array(9).fill("a"), "none");
    const last = batch.lastIndexOf("car-2");
    batch.writeInt8(99, last - 1); // the length of the last record's key
    const raw = fetched([mendCrc(batch), topicBatch(14, ["b"])]);
    const pieces = [...new ArrivalBuilder().arrivals(raw, 0, { records: 4, bytes: 1_000_000 })];
    expect(pieces.map(({ nextOffset }) => nextOffset)).toEqual([9, 14, 15]);
    expect(pieces[1]?.damaged).toMatchObject([{ firstOffset: 13, lastOffset: 13 }]);
    expect(pieces.flatMap(({ blocks }) => blocks.flatMap((block) => [...block.offsets]))).toEqual([
      5, 6, 7, 8, 9, 10, 11, 12, 14,
    ]);
  });
});
