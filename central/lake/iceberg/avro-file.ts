/**
 * Avro object container files, as Iceberg's readers want them: the header holds the schema's own text, with the ids of its fields,
 * and the words that a manifest says of itself. (avsc's own writer leaves out what it does not know.)
 */
import { readFileSync } from "node:fs";
import avro from "avsc";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";

const magic = Buffer.from("Obj\u0001");
const Header = avro.Type.forSchema({ type: "map", values: "bytes" });
const Long = avro.Type.forSchema("long");

/** A kind of record: how its bytes are made, and the text that stands in the header. */
export interface AvroRecord {
  readonly type: avro.Type;
  readonly text: string;
}

/** From a schema whose fields carry `field-id`s. */
export function avroRecord(schema: avro.Schema): AvroRecord {
  // Numbers stay numbers: none of ours is beyond 2^53. Unions come as they are, null or the value.
  return { type: avro.Type.forSchema(schema, { wrapUnions: "never" }), text: JSON.stringify(schema) };
}

/** The file's bytes. */
export function avroFile(
  { type, text }: AvroRecord,
  records: readonly unknown[],
  words: Readonly<Record<string, string>> = {},
): Buffer {
  const meta: Record<string, Buffer> = { "avro.schema": Buffer.from(text), "avro.codec": Buffer.from("null") };
  for (const [name, word] of Object.entries(words)) meta[name] = Buffer.from(word);
  const sync = Buffer.from(crypto.randomUUID().replaceAll("-", ""), "hex");
  const parts = [magic, Header.toBuffer(meta), sync];
  if (records.length > 0) {
    const body = Buffer.concat(records.map((record) => type.toBuffer(record)));
    parts.push(Long.toBuffer(records.length), Long.toBuffer(body.length), body, sync);
  }
  return Buffer.concat(parts);
}

/** The records of a file of ours. @throws AppError `CENTRAL_LAKE_TABLE` when it is none; the system's error. */
export function readAvroFile({ type }: AvroRecord, path: string): unknown[] {
  const bytes = readFileSync(path);
  const broken = () =>
    new AppError(codes.CENTRAL_LAKE_TABLE, `read ${path}: it is not a file that a lake's writer made`);
  if (!bytes.subarray(0, 4).equals(magic)) throw broken();
  const read = <T>(of: avro.Type, at: number): { value: T; offset: number } => {
    const { value, offset } = of.decode(bytes, at);
    if (offset < 0) throw broken();
    return { value, offset };
  };
  let at = read(Header, 4).offset + 16;
  const records: unknown[] = [];
  while (at < bytes.length) {
    const count = read<number>(Long, at);
    at = read<number>(Long, count.offset).offset;
    for (let left = count.value; left > 0; left--) {
      const record = read(type, at);
      records.push(record.value);
      at = record.offset;
    }
    at += 16;
  }
  return records;
}
