/**
 * Avro object container files (spec 1.11) with Flume's record of an event (headers and body), as its HDFS sink writes them
 * with `serializer = avro_event`. By hand: the schema is fixed, and a package would be larger than these lines.
 */
import { createHash } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import type { SinkRecord } from "../record-destination.ts";
import type { ObjectFormat } from "./object-format.ts";

const schema = JSON.stringify({
  type: "record",
  name: "Event",
  fields: [
    { name: "headers", type: { type: "map", values: "string" } },
    { name: "body", type: "bytes" },
  ],
});

const codecs = {
  none: { name: "null", press: (bytes: Buffer) => bytes },
  gzip: { name: "deflate", press: (bytes: Buffer) => deflateRawSync(bytes) },
  zstd: { name: "zstandard", press: (bytes: Buffer) => Buffer.from(Bun.zstdCompressSync(new Uint8Array(bytes))) },
} as const;

/** A block a piece; its sync marker is made of the object's name, so that the same object has the same bytes. */
export function avroContainer(compression: keyof typeof codecs): ObjectFormat {
  const { name: codec, press } = codecs[compression];
  return {
    extension: ".avro",
    begin: (name) => {
      const sync = createHash("md5").update(name).digest();
      let header: Buffer | undefined = Buffer.concat([
        Buffer.from("Obj\u0001", "latin1"),
        mapOf([
          ["avro.schema", Buffer.from(schema)],
          ["avro.codec", Buffer.from(codec)],
        ]),
        sync,
      ]);
      const begun = () => {
        const first = header ?? Buffer.alloc(0);
        header = undefined;
        return first;
      };
      return {
        records: (records) => {
          const data = press(Buffer.concat(records.flatMap((record) => [headersOf(record), bytesOf(record.body)])));
          return Buffer.concat([begun(), long(records.length), long(data.length), data, sync]);
        },
        end: begun,
      };
    },
  };
}

function headersOf({ id, timeMs, headers }: SinkRecord): Buffer {
  const named = new Map([
    ["timestamp", Buffer.from(String(timeMs))],
    ["id", Buffer.from(id)],
  ]);
  // Avro's strings are UTF-8: what is none becomes the mark for a wrong character.
  for (const { name, value } of headers) named.set(name, Buffer.from(value.toString("utf8")));
  return mapOf([...named]);
}

function mapOf(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const pairs = entries.flatMap(([name, value]) => [bytesOf(Buffer.from(name)), bytesOf(value)]);
  return Buffer.concat([...(entries.length === 0 ? [] : [long(entries.length), ...pairs]), long(0)]);
}

function bytesOf(bytes: Buffer): Buffer {
  return Buffer.concat([long(bytes.length), bytes]);
}

/** A zigzag varint; ours are never negative. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
