/**
 * Real batches for tests, and what may be said of batches that came out of a channel.
 */
import { expect } from "bun:test";
import { IDENTITY_HEADER, parseIdentity } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import type { LaneReader } from "../../core/channel.ts";
import type { StoredChannel } from "../../core/channel-store.ts";
import type { Lane } from "../../core/lane.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";

/** A lane as tests make it. */
export const spec = { channel: "main", stream: "driving", group: "driving", part: undefined } as const;

/** A choice with nothing special about it. */
export function plainChoice(changes: Partial<StoredChannel> = {}): StoredChannel {
  return {
    settings: { compression: "none", identity: true, batchBytesMax: 256 * 1024 },
    bytesMax: 64 * 1024 * 1024,
    full: "block",
    freeBytesMin: 0,
    ttlMs: undefined,
    keptBytes: 64 * 1024,
    ...changes,
  };
}

/** A batch of real records; `size` bytes in all, about, that do not repeat. */
export function makeBatch(
  lane: Lane,
  first: number,
  count: number,
  size = 300,
  random = seededRandom(first),
): PutBatch {
  const builder = new RecordBatchBuilder({
    compression: "none",
    identity: { agent: "agent", epoch: lane.epoch, stream: lane.stream, lane: lane.number },
  });
  builder.begin(first);
  const line = Buffer.alloc(Math.ceil(size / count));
  for (let index = 0; index < count; index++) {
    for (let at = 0; at < line.length; at++) line[at] = 32 + Math.floor(random.next() * 90);
    builder.append({
      buffer: line,
      start: 0,
      end: line.length,
      eventTimeMs: 1_700_000_000_000 + first + index,
      key: undefined,
      ...noHeaders,
    });
  }
  return { ...builder.seal(), lane, kind: "records", first };
}

const noHeaders = { headerNames: [], headerValues: [] };
/** Takes and acknowledges everything; what came before an error is in `given` too. */
export function drain(reader: LaneReader, given: StoredBatch[] = []): StoredBatch[] {
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    given.push(batch);
    reader.acknowledge(batch, undefined);
  }
  return given;
}

/** What must be the same of a batch that is put and one that is given. */
export function describeBatch(batch: PutBatch | undefined) {
  if (batch === undefined) return undefined;
  const { kind, first, count, timeMsMin, timeMsMax, recordsCrc, bytes } = batch;
  return { kind, first, count, timeMsMin, timeMsMax, recordsCrc, bytes: Bun.hash(bytes).toString() };
}

/** The identity that a batch's first record carries. */
export function identityOf(batch: StoredBatch) {
  for (const { headers } of decodeRecords(batch.bytes)) {
    const header = headers.find((candidate) => candidate.name === IDENTITY_HEADER);
    return header === undefined ? undefined : parseIdentity(header.value.toString());
  }
  return undefined;
}

/** Every number from `first` to below `end` once. */
export function expectContiguous(batches: readonly StoredBatch[], first: number, end: number): void {
  let expected = first;
  for (const batch of batches) {
    expect(batch.first).toBe(expected);
    expected += batch.count;
  }
  expect(expected).toBe(end);
}
