/** Rows to the bytes of a Parquet file, and back: zstd, the columns found by their Iceberg ids. */
import { readFileSync } from "node:fs";
import { parquetReadObjects, type SchemaElement } from "hyparquet";
import { ByteWriter, parquetWrite } from "hyparquet-writer";
import { z } from "zod";
import { type Column, columns } from "../columns.ts";
import type { Row } from "../row.ts";

/** Rows of one group: what a reader skips or reads as a whole. */
const rowsPerGroup = 50_000;

/** The file's bytes. */
export function parquetOf(rows: readonly Row[]): Uint8Array {
  const writer = new ByteWriter();
  void parquetWrite({
    writer,
    codec: "ZSTD",
    compressors: { ZSTD: (input) => Bun.zstdCompressSync(input, { level: 3 }) },
    rowGroupSize: rowsPerGroup,
    createdBy: "tailgate",
    schema: [{ name: "event", num_children: columns.length }, ...columns.map(elementOf)],
    columnData: columns.map(({ name, required }) => ({
      name,
      data: valuesOf[name]?.(rows) ?? [],
      nullable: !required,
      statistics: name !== "body",
    })),
  });
  return writer.getBytes();
}

const us = (ms: number): bigint => BigInt(ms) * 1_000n;

/** What stands in each column. */
const valuesOf: Readonly<Record<string, (rows: readonly Row[]) => unknown[]>> = {
  vehicle: (rows) => rows.map(({ vehicle }) => vehicle),
  stream: (rows) => rows.map(({ stream }) => stream),
  event_time: (rows) => rows.map(({ eventMs }) => us(eventMs)),
  edge_time: (rows) => rows.map(({ edgeMs }) => (edgeMs === null ? null : us(edgeMs))),
  kafka_time: (rows) => rows.map(({ kafkaMs }) => us(kafkaMs)),
  topic: (rows) => rows.map(({ topic }) => topic),
  partition: (rows) => rows.map(({ partition }) => partition),
  offset: (rows) => rows.map(({ offset }) => BigInt(offset)),
  agent: (rows) => rows.map(({ agent }) => agent),
  epoch: (rows) => rows.map(({ epoch }) => epoch),
  lane: (rows) => rows.map(({ lane }) => lane),
  seq: (rows) => rows.map(({ seq }) => (seq === null ? null : BigInt(seq))),
  shed_to: (rows) => rows.map(({ shedTo }) => (shedTo === null ? null : BigInt(shedTo))),
  shed_reason: (rows) => rows.map(({ shedReason }) => shedReason),
  body: (rows) => rows.map(({ body }) => body),
};

function elementOf({ name, id, type, required }: Column): SchemaElement {
  const repetition_type = required ? "REQUIRED" : "OPTIONAL";
  const field = { name, field_id: id, repetition_type } as const;
  switch (type) {
    case "string":
      return { ...field, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
    case "timestamptz":
      return {
        ...field,
        type: "INT64",
        converted_type: "TIMESTAMP_MICROS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
      };
    case "int":
      return { ...field, type: "INT32" };
    case "long":
      return { ...field, type: "INT64" };
    case "binary":
      return { ...field, type: "BYTE_ARRAY" };
  }
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
const long = z
  .bigint()
  .nullish()
  .transform((value) => (value == null ? null : Number(value)));
const time = z.date().transform((value) => value.getTime());

const ReadRow = z.object({
  vehicle: z.string(),
  stream: z.string(),
  event_time: time,
  edge_time: time.nullish().transform((value) => value ?? null),
  kafka_time: time,
  topic: z.string(),
  partition: z.int(),
  offset: z.bigint().transform(Number),
  agent: text,
  epoch: text,
  lane: z
    .int()
    .nullish()
    .transform((value) => value ?? null),
  seq: long,
  shed_to: long,
  shed_reason: text,
  body: z
    .instanceof(Uint8Array)
    .nullish()
    .transform((value) => value ?? null),
});

/** All rows of a file of ours. @throws the system's error, or the reader's when it is none of ours. */
export async function readParquet(path: string): Promise<Row[]> {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  const file = buffer.slice(byteOffset, byteOffset + byteLength);
  const decompress = (input: Uint8Array) => new Uint8Array(Bun.zstdDecompressSync(input));
  const found = await parquetReadObjects({ file, compressors: { ZSTD: decompress }, utf8: false });
  return found.map((each) => {
    const {
      event_time: eventMs,
      edge_time: edgeMs,
      kafka_time: kafkaMs,
      shed_to,
      shed_reason,
      ...same
    } = ReadRow.parse(each);
    return { ...same, eventMs, edgeMs, kafkaMs, shedTo: shed_to, shedReason: shed_reason };
  });
}
