/**
 * Decodes the records of a batch: the border for those who need events as objects (sinks that are not Kafka, `channel
 * peek`, tests). The hot path never comes here.
 */
import { AppError } from "../../errors/app-error.ts";
import { decompress } from "./compression.ts";
import { HEADER_BYTES, readBatchHeader } from "./header.ts";
import { VarintReader } from "./varint-reader.ts";

/** One decoded record. Its buffers are slices of the decompressed batch. */
export interface DecodedRecord {
  readonly offsetDelta: number;
  readonly timeMs: number;
  readonly key: Buffer | undefined;
  readonly value: Buffer;
  readonly headers: readonly DecodedHeader[];
}

/** One header of a record. The value is a slice of the decompressed batch; a null value reads as empty. */
export interface DecodedHeader {
  readonly name: string;
  readonly value: Buffer;
}

/**
 * The records of one batch, in order.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when the bytes are not what the header says.
 */
export function* decodeRecords(batch: Buffer): Generator<DecodedRecord> {
  const header = readBatchHeader(batch);
  const reader = new RecordReader(decompress(header.codecNumber, batch.subarray(HEADER_BYTES)));
  for (let index = 0; index < header.recordCount; index++) yield reader.record(header.baseTimestampMs);
  reader.expectEnd();
}

class RecordReader extends VarintReader {
  record(baseTimeMs: number): DecodedRecord {
    const length = this.varint();
    const end = this.position + length;
    if (length < 0 || end > this.bytes.length) throw corrupt(`a record of ${length} bytes at ${this.position}`);
    this.position += 1; // attributes: unused
    const timeMs = baseTimeMs + this.varint();
    const offsetDelta = this.varint();
    const key = this.slice(this.varint());
    const value = this.slice(this.varint()) ?? Buffer.alloc(0);
    const headers: DecodedHeader[] = [];
    for (let left = this.varint(); left > 0; left--) {
      const name = this.slice(this.varint());
      const headerValue = this.slice(this.varint());
      headers.push({ name: name?.toString("utf8") ?? "", value: headerValue ?? Buffer.alloc(0) });
    }
    if (this.position !== end) throw corrupt(`a record ends at ${this.position}, its length says ${end}`);
    return { offsetDelta, timeMs, key, value, headers };
  }

  expectEnd(): void {
    if (this.position !== this.bytes.length)
      throw corrupt(`${this.bytes.length - this.position} bytes after the last record`);
  }

  private slice(length: number): Buffer | undefined {
    if (length < 0) return undefined;
    const start = this.position;
    if (start + length > this.bytes.length) throw corrupt(`a field of ${length} bytes at ${start}`);
    this.position += length;
    return this.bytes.subarray(start, start + length);
  }
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `decode records: ${what}`);
}
