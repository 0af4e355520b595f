import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import type { Compression } from "../../../shared/kafka/record-batch/compression.ts";
import type { Lane } from "../../core/lane.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";

const noHeaders = { headerNames: [], headerValues: [] };

/** A lane as the engine would make it. */
export function testLane(group: string, changes: Partial<Lane> = {}): Lane {
  return {
    id: 1,
    channel: "main",
    stream: "driving",
    epoch: "e1",
    number: 0,
    group,
    part: undefined,
    ...changes,
  };
}

interface BatchSpec {
  readonly first: number;
  readonly count: number;
  readonly kind?: "records" | "shed";
  readonly timeMs?: number;
  /** Bytes of each value, at least; incompressible. */
  readonly valueBytes?: number | ((seq: number) => number);
  readonly compression?: Compression;
}

let lastId = 0;

/** A batch of records `line <number>` with identity headers, as the channel would hand it out. */
export function testBatch(lane: Lane, spec: BatchSpec): StoredBatch {
  const { first, count, kind = "records", timeMs = 1_700_000_000_000, compression = "zstd", valueBytes = 0 } = spec;
  const builder = new RecordBatchBuilder({
    compression,
    identity: { agent: "gw-1", epoch: lane.epoch, stream: lane.stream, lane: lane.number },
  });
  builder.begin(first);
  const records = kind === "shed" ? 1 : count;
  for (let index = 0; index < records; index++) {
    const seq = first + index;
    const value = testValue(seq, typeof valueBytes === "number" ? valueBytes : valueBytes(seq));
    builder.append({
      buffer: value,
      start: 0,
      end: value.length,
      eventTimeMs: timeMs + index,
      key: undefined,
      ...noHeaders,
    });
  }
  return { ...builder.seal(), id: ++lastId, lane, kind, first, count };
}

/** What record `seq` says. */
export function testValue(seq: number, bytes = 0): Buffer {
  const text = Buffer.from(`line ${seq}`);
  if (bytes <= text.length) return text;
  const noise = Buffer.alloc(bytes - text.length);
  let state = seq + 1;
  for (let index = 0; index < noise.length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    noise[index] = state >>> 24;
  }
  return Buffer.concat([text, noise]);
}

/** Consecutive batches of `count` records each. */
export function testBatches(lane: Lane, batches: number, count: number, from = 0): StoredBatch[] {
  return Array.from({ length: batches }, (_, index) => testBatch(lane, { first: from + index * count, count }));
}
