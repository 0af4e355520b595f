/** A batch that was put, as it goes to the topic: a record batch a partition. */
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { textOfBytes } from "../../../shared/kafka/record-batch/byte-text.ts";
import type { Compression } from "../../../shared/kafka/record-batch/compression.ts";
import { type DecodedRecord, decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { flumeDatum } from "./event-codec.ts";
import { keyOf } from "./partition-choice.ts";

/** One partition's share of a batch. Its numbers are those of the part, and mean nothing to anybody else. */
export interface OutgoingPart {
  readonly partition: number;
  readonly batch: PutBatch;
}

export interface OutgoingRules {
  readonly parseAsFlumeEvent: boolean;
  readonly compression: Compression;
  partitionOf(record: DecodedRecord): number;
}

/** The parts of a batch, in the order of their first records. */
export function outgoingParts(batch: PutBatch, rules: OutgoingRules): readonly OutgoingPart[] {
  const byPartition = Map.groupBy(decodeRecords(batch.bytes), (record) => rules.partitionOf(record));
  return [...byPartition].map(([partition, records]) => ({ partition, batch: written(batch, records, rules) }));
}

function written({ lane }: PutBatch, records: readonly DecodedRecord[], rules: OutgoingRules): PutBatch {
  const builder = new RecordBatchBuilder({ compression: rules.compression, identity: undefined });
  builder.begin(0);
  for (const record of records) {
    const { parseAsFlumeEvent } = rules;
    const value = parseAsFlumeEvent ? flumeDatum(record.headers, record.value) : record.value;
    const headers = parseAsFlumeEvent ? record.headers.filter(({ name }) => name === IDENTITY_HEADER) : record.headers;
    const key = keyOf(record);
    builder.append({
      buffer: value,
      start: 0,
      end: value.length,
      eventTimeMs: record.timeMs,
      key: key && textOfBytes(key),
      headerNames: headers.map(({ name }) => name),
      headerValues: headers.map((header) => textOfBytes(header.value)),
    });
  }
  return { ...builder.seal(), lane, kind: "records", first: 0 };
}
