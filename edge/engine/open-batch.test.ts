import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { EventView } from "../core/event-view.ts";
import { limits } from "../core/limits.ts";
import type { PutBatch } from "../core/stored-batch.ts";
import { testLane } from "../testing/fakes/test-batches.ts";
import { OpenBatch, OpenShare } from "./open-batch.ts";

const batchBytesMax = 64 * 1024;
const lineBytes = 1000;

function openBatch(compression: "none" | "zstd") {
  return oneOf(new OpenShare(), { compression, batchBytesMax });
}

function oneOf(share: OpenShare, settings: { compression: "none" | "zstd"; batchBytesMax: number }) {
  const options = { lane: testLane("driving"), agent: "gw-1", nextSeq: 0, share };
  return new OpenBatch({ ...options, settings: { ...settings, identity: true } });
}

function append(open: OpenBatch, lines: readonly Buffer[]): void {
  const view = new EventView();
  for (const buffer of lines) {
    view.reset(buffer, 0, buffer.length, 1_700_000_000_000);
    open.append(view);
  }
}

const plain = (count: number) => Array.from({ length: count }, (_, n) => Buffer.from(String(n).padEnd(lineBytes, ".")));
const noise = (count: number) => Array.from({ length: count }, () => randomBytes(lineBytes));

function taken(open: OpenBatch): readonly PutBatch[] {
  const batches: PutBatch[] = [];
  open.take(batches);
  return batches;
}

function valuesOf(batches: readonly PutBatch[]): readonly Buffer[] {
  return batches.flatMap(({ bytes }) => [...decodeRecords(bytes)].map(({ value }) => value));
}

test("lines that compress well make fewer batches, of up to four times the size before compression", () => {
  const lines = plain(1000);
  const open = openBatch("zstd");
  append(open, lines);
  const batches = taken(open);
  const counts = batches.map(({ count }) => count);
  const first = counts[0] ?? 0;
  expect(first * lineBytes).toBeLessThanOrEqual(batchBytesMax);
  expect(Math.max(...counts)).toBeGreaterThan(first * 3.8);
  expect(Math.max(...counts) * lineBytes).toBeLessThanOrEqual(batchBytesMax * limits.batchGrowthMax);
  expect(valuesOf(batches)).toEqual(lines);
});

test("without compression a batch holds what it may", () => {
  const open = openBatch("none");
  append(open, plain(300));
  for (const { bytes } of taken(open)) expect(bytes.length).toBeLessThanOrEqual(batchBytesMax);
});

test("a batch that compressed worse than the one before it is cut: no number, no line and no order is lost", () => {
  const lines = [...plain(500), ...noise(500)];
  const open = openBatch("zstd");
  append(open, lines);
  const batches = taken(open);
  // 1 %: a batch that did not grow may come out a little larger than its records were.
  for (const { bytes } of batches) expect(bytes.length).toBeLessThanOrEqual(batchBytesMax * 1.01);
  let next = 0;
  for (const { first, count } of batches) {
    expect(first).toBe(next);
    next += count;
  }
  expect(next).toBe(lines.length);
  expect(Buffer.concat(valuesOf(batches)).equals(Buffer.concat(lines))).toBe(true);
});

test("the more lanes build batches, the less each holds: together what one may, down to a least", () => {
  const largest = (lanes: number) => {
    const share = new OpenShare();
    const settings = { compression: "zstd", batchBytesMax: limits.batchBytesMax } as const;
    const opens = Array.from({ length: lanes }, () => oneOf(share, settings));
    const [first] = opens;
    if (first === undefined) return 0;
    append(first, plain(12_000));
    return Math.max(...taken(first).map(({ count }) => count)) * lineBytes;
  };
  const [one, four, many] = [largest(1), largest(4), largest(500)];
  expect(one).toBeLessThanOrEqual(limits.openBytesMax);
  expect(one).toBeGreaterThan(limits.openBytesMax / 2);
  expect(four).toBeLessThanOrEqual(limits.openBytesMax / 4);
  expect(many).toBeLessThanOrEqual(limits.openBytesMin);
  expect(many).toBeGreaterThan(limits.openBytesMin / 2);
});
