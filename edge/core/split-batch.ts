import { invariant } from "../../shared/errors/invariant.ts";
import { RecordBatchBuilder, type RecordHeaders } from "../../shared/kafka/record-batch/builder.ts";
import { type Compression, codecNumbers } from "../../shared/kafka/record-batch/compression.ts";
import { readBatchHeader } from "../../shared/kafka/record-batch/header.ts";
import { type DecodedRecord, decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import type { PutBatch } from "./stored-batch.ts";

/**
 * Cuts a batch that is too large into two at a record boundary. Records keep their numbers, keys, times and headers
 * (identity included), byte by byte; the codec stays. Halves that are still too large are cut again in their turn.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when the bytes are damaged.
 */
export function splitBatch(batch: PutBatch): readonly [PutBatch, PutBatch] {
  invariant(batch.kind === "records" && batch.count > 1, "a batch that is cut in two holds at least two records");
  const header = readBatchHeader(batch.bytes);
  // Sending may have moved the header's time stamps; the row knows the real ones.
  const movedMs = header.maxTimestampMs - batch.timeMsMax;
  const records = [...decodeRecords(batch.bytes)];
  invariant(records.length === batch.count, "a batch holds as many records as its row says");
  const codec = codecOf(header.codecNumber);
  const half = records.length >> 1;
  return [
    build(batch, codec, batch.first, records.slice(0, half), movedMs),
    build(batch, codec, batch.first + half, records.slice(half), movedMs),
  ];
}

function build(
  batch: PutBatch,
  compression: Compression,
  first: number,
  records: readonly DecodedRecord[],
  movedMs: number,
): PutBatch {
  const builder = new RecordBatchBuilder({ compression, identity: undefined });
  builder.begin(first);
  for (const { value, timeMs, key, headers } of records) {
    builder.append(value, 0, value.length, timeMs - movedMs, key?.toString("utf8"), texts(headers));
  }
  return { ...builder.seal(), lane: batch.lane, kind: "records", first };
}

/** Keys and header values were written as UTF-8 text, the identity too: they come out as they went in. */
function texts(headers: DecodedRecord["headers"]): RecordHeaders {
  return {
    headerNames: headers.map((header) => header.name),
    headerValues: headers.map((header) => header.value.toString("utf8")),
  };
}

function codecOf(number: number): Compression {
  for (const codec of ["none", "gzip", "zstd"] as const) if (codecNumbers[codec] === number) return codec;
  return "none";
}
