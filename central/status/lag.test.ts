import { expect, test } from "bun:test";
import { noSnapshot } from "../ingest/snapshot.ts";
import { relayLine } from "../records/partition.ts";
import { otherPartition, ownPartition } from "../testing/partitions.ts";
import { lagOf } from "./lag.ts";

const consumer = { ...noSnapshot.consumer, connected: true };

const stored = (partition: number, next: number) => ({
  topic: "drive",
  partition,
  generation: 0,
  next,
  stored: next,
  updatedAtMs: 1,
});

test("a partition that was never stored and whose log is empty has no lag, wherever its offsets stand", () => {
  const state = { ...consumer, partitions: [ownPartition(0, { highWatermark: 1_000, logStartOffset: 1_000 })] };
  expect(lagOf([], state)).toMatchObject({ lag: 0, waiting: 0, partitions: [{ lag: 0, updatedAtMs: null }] });
});

test("what retention has deleted is no lag either", () => {
  const state = { ...consumer, partitions: [ownPartition(0, { highWatermark: 1_000, logStartOffset: 900 })] };
  expect(lagOf([stored(0, 100)], state).lag).toBe(100);
});

test("records after an open transaction are shown as waiting, not hidden as no lag", () => {
  const state = { ...consumer, partitions: [ownPartition(0, { highWatermark: 10, endOffset: 5_010 })] };
  expect(lagOf([stored(0, 10)], state)).toMatchObject({ lag: 0, waiting: 5_000 });
});

test("partitions that others read are shown with their lag, and are unread only when nobody of this store does", () => {
  const others = [
    otherPartition(1, { highWatermark: 30 }),
    otherPartition(2, { reader: "stranger", highWatermark: 40, unreadForMs: 60_000 }),
    otherPartition(3, { reader: "nobody", highWatermark: 50, logStartOffset: 20, unreadForMs: 5_000 }),
  ];
  const lag = lagOf([stored(0, 10), stored(1, 25)], { ...consumer, partitions: [ownPartition(0)], others });
  expect(lag).toMatchObject({ unread: 1, lag: 5 + 40 + 30 });
  expect(lag.partitions).toMatchObject([
    { partition: 0, reader: "self", unread: false },
    { partition: 1, reader: "sibling", lag: 5, waiting: null, unread: false },
    { partition: 2, reader: "stranger", lag: 40, unread: true },
    // A rebalance takes seconds.
    { partition: 3, reader: "nobody", lag: 30, unread: false },
  ]);
});

test("a partition of which nothing is known has no lag that could be added up", () => {
  expect(lagOf([stored(0, 10)], consumer)).toMatchObject({ lag: null, waiting: null });
});

test("a broker's word that is too old is no lag: what lies in the partition is not known", () => {
  const state = (untoldForMs: number) => ({
    ...consumer,
    partitions: [ownPartition(0, { highWatermark: 11, untoldForMs })],
    others: [otherPartition(1, { highWatermark: 5, untoldForMs: 4_000 })],
  });
  expect(lagOf([stored(0, 10)], state(29_000))).toMatchObject({ lag: 6, untold: 0, untoldForMs: 29_000 });
  const old = lagOf([stored(0, 10)], state(31_000));
  expect(old).toMatchObject({ lag: 5, untold: 1, untoldForMs: 31_000 });
  expect(old.partitions[0]).toMatchObject({ highWatermark: 11, lag: null, waiting: null, untoldForMs: 31_000 });
});

test("what came by relay is no partition of a topic: it has no lag and no reader", () => {
  const relayed = { ...stored(0, 100), ...relayLine };
  expect(lagOf([relayed], consumer)).toMatchObject({ lag: null, partitions: [] });
});
