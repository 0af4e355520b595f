import { z } from "zod";
import { jsonEvent } from "../json-event.ts";
import type { SinkRecord } from "../record-destination.ts";

/** How events become the bytes of an object. */
export interface ObjectFormat {
  /** As in `.log.gz`. */
  readonly extension: string;
  /** Begins an object. The same name gives the same bytes. */
  begin(name: string): ObjectEncoder;
}

/** Encodes one object, piece by piece. */
export interface ObjectEncoder {
  records(records: readonly SinkRecord[]): Buffer;
  /** What stands at the end; empty: nothing. */
  end(): Buffer;
}

const newline = Buffer.from("\n");
const nothing = Buffer.alloc(0);

/** The bodies, a line each. A body that holds a line end is more than one line there. */
const text: ObjectFormat = {
  extension: ".log",
  begin: () => ({
    records: (records) => Buffer.concat(records.flatMap(({ body }) => [body, newline])),
    end: () => nothing,
  }),
};

/** An object a line: id, stream, time, key, headers, body. */
const ndjson: ObjectFormat = {
  extension: ".ndjson",
  begin: () => ({
    records: (records) => Buffer.from(records.map((each) => `${JSON.stringify(jsonEvent(each))}\n`).join(""), "utf8"),
    end: () => nothing,
  }),
};

/** Fields of every sink that writes objects of lines. */
export const lineFormatFields = () => ({
  format: z
    .enum(["text", "ndjson"])
    .default("text")
    .meta({ description: "text: the bodies, a line each. ndjson: objects with id, stream, time, key, headers, body." }),
  compression: z
    .enum(["none", "gzip", "zstd"])
    .default("none")
    .meta({ description: "Compression: each piece is a gzip member or a zstd frame, one after the other." }),
});

/** The format of the fields. */
export function lineFormat({
  format,
  compression,
}: {
  readonly format: "text" | "ndjson";
  readonly compression: "none" | "gzip" | "zstd";
}): ObjectFormat {
  return compressed(format === "text" ? text : ndjson, compression);
}

/** Each piece is a gzip member or a zstd frame of its own: readers take them one after the other as one. */
export function compressed(format: ObjectFormat, compression: "none" | "gzip" | "zstd"): ObjectFormat {
  if (compression === "none") return format;
  const press = (bytes: Buffer) => {
    if (bytes.length === 0) return bytes;
    const plain = new Uint8Array(bytes);
    return Buffer.from(compression === "gzip" ? Bun.gzipSync(plain) : Bun.zstdCompressSync(plain));
  };
  return {
    extension: `${format.extension}${compression === "gzip" ? ".gz" : ".zst"}`,
    begin: (name) => {
      const inner = format.begin(name);
      return { records: (records) => press(inner.records(records)), end: () => press(inner.end()) };
    },
  };
}
