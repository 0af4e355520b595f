import { invariant } from "../../shared/errors/invariant.ts";
import { IDENTITY_HEADER, lanePrefix, parseIdentity } from "../../shared/identity/identity.ts";
import { RecordBatchBuilder, type RecordHeaders } from "../../shared/kafka/record-batch/builder.ts";
import { textOfBytes } from "../../shared/kafka/record-batch/byte-text.ts";
import { type Compression, codecNumbers } from "../../shared/kafka/record-batch/compression.ts";
import { readBatchHeader } from "../../shared/kafka/record-batch/header.ts";
import { type DecodedRecord, decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { carriedText, viaOf } from "./carried.ts";
import type { PutBatch } from "./stored-batch.ts";

/** A batch that is in no lane yet. */
export type LooseBatch = Omit<PutBatch, "lane">;

/**
 * Cuts a batch that is too large into two at a record boundary. Halves that are still too large are cut again in their turn.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when the bytes are damaged.
 */
export function splitBatch(batch: PutBatch): readonly PutBatch[] {
  return cutBatch(batch, [batch.first + (batch.count >> 1)]);
}

/**
 * Cuts a batch before each of these numbers. Records keep their numbers, keys, times and headers (identity included), byte
 * by byte; the codec stays.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when the bytes are damaged.
 */
export function cutBatch(batch: PutBatch, before: readonly number[]): readonly PutBatch[] {
  return cutLoose(batch, before).map((part) => ({ ...part, lane: batch.lane }));
}

/** The same of a batch that is in no lane yet. */
export function cutLoose(batch: LooseBatch, before: readonly number[]): readonly LooseBatch[] {
  invariant(batch.kind === "records" && batch.count > 1, "a batch that is cut holds at least two records");
  const header = readBatchHeader(batch.bytes);
  // Sending may have moved the header's time stamps; the row knows the real ones.
  const movedMs = header.maxTimestampMs - batch.timeMsMax;
  const records = [...decodeRecords(batch.bytes)];
  invariant(records.length === batch.count, "a batch holds as many records as its row says");
  const builder = new RecordBatchBuilder({ compression: codecOf(header.codecNumber), identity: undefined });
  const starts = [batch.first, ...before];
  return starts.map((first, index) => {
    const end = starts[index + 1] ?? batch.first + batch.count;
    invariant(first < end, `a batch is cut at rising numbers, not at ${first} and ${end}`);
    builder.begin(first);
    for (const { value, timeMs, key, headers } of records.slice(first - batch.first, end - batch.first)) {
      builder.append({
        buffer: value,
        start: 0,
        end: value.length,
        eventTimeMs: timeMs - movedMs,
        key: key && textOfBytes(key),
        ...texts(headers),
      });
    }
    const part = { ...builder.seal(), kind: "records" as const, first };
    if (batch.carried === undefined) return part;
    const numbers = carriedBy(records.slice(first - batch.first, end - batch.first));
    return { ...part, carried: carriedText(numbers, viaOf(batch.carried)) };
  });
}

/** Which records they are, see `PutBatch.carried`: they were looked at when they came. */
export function carriedBy(records: readonly DecodedRecord[]): string {
  const [first, last] = [records[0], records.at(-1)].map((record) => {
    const text = record?.headers.find(({ name }) => name === IDENTITY_HEADER)?.value.toString("utf8");
    return text === undefined ? undefined : parseIdentity(text);
  });
  invariant(first !== undefined && last !== undefined, "records of a lane that carries have an identity");
  return `${lanePrefix(first)}${first.first}-${last.last}`;
}

/** Keys and header values of any bytes: they come out as they went in. */
function texts(headers: DecodedRecord["headers"]): RecordHeaders {
  return {
    headerNames: headers.map((header) => header.name),
    headerValues: headers.map((header) => textOfBytes(header.value)),
  };
}

function codecOf(number: number): Compression {
  for (const codec of ["none", "gzip", "zstd"] as const) if (codecNumbers[codec] === number) return codec;
  return "none";
}
