import { expect, test } from "bun:test";
import { inflateRawSync } from "node:zlib";
import { avroContainer } from "./avro-container.ts";
import { sequenceFile } from "./sequence-file.ts";

const bodies = ["", "a", "x".repeat(300), "y".repeat(70_000)];
const records = bodies.map((body, seq) => ({
  id: `i${seq}`,
  stream: "s",
  seq,
  timeMs: 1_700_000_000_000 + seq,
  key: undefined,
  headers: [{ name: "car", value: Buffer.from("KA-1") }],
  body: Buffer.from(body),
}));

/** Reads what the specifications say, one value after the other. */
class Reader {
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  take(length: number): Buffer {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  int(): number {
    return this.take(4).readInt32BE();
  }

  avroLong(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.take(1)[0] ?? 0);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return Number((value >> 1n) ^ -(value & 1n));
    }
  }

  avroBytes(): Buffer {
    return this.take(this.avroLong());
  }

  avroMap(): Map<string, string> {
    const map = new Map<string, string>();
    for (let count = this.avroLong(); count !== 0; count = this.avroLong()) {
      for (let index = 0; index < count; index++) map.set(String(this.avroBytes()), String(this.avroBytes()));
    }
    return map;
  }

  /** Hadoop's WritableUtils.readVInt. */
  vint(): number {
    const first = this.take(1).readInt8();
    if (first >= -112) return first;
    return Number(`0x${this.take(-112 - first).toString("hex")}`);
  }
}

test.each([
  ["none", "null", (bytes: Buffer) => bytes],
  ["gzip", "deflate", (bytes: Buffer) => inflateRawSync(bytes)],
  ["zstd", "zstandard", (bytes: Buffer) => Buffer.from(Bun.zstdDecompressSync(new Uint8Array(bytes)))],
] as const)("avro container, %s: headers and bodies come back", (compression, codec, open) => {
  const encoder = avroContainer(compression).begin("name");
  const reader = new Reader(
    Buffer.concat([encoder.records(records.slice(0, 2)), encoder.records(records.slice(2)), encoder.end()]),
  );
  expect(reader.take(4).toString("latin1")).toBe("Obj\u0001");
  const meta = reader.avroMap();
  expect(meta.get("avro.codec")).toBe(codec);
  expect(JSON.parse(meta.get("avro.schema") ?? "")).toMatchObject({ name: "Event" });
  const sync = reader.take(16);
  const found: string[] = [];
  while (!reader.isAtEnd) {
    const count = reader.avroLong();
    const block = new Reader(open(reader.avroBytes()));
    for (let index = 0; index < count; index++) {
      expect(block.avroMap().get("car")).toBe("KA-1");
      found.push(String(block.avroBytes()));
    }
    expect(reader.take(16)).toEqual(sync);
  }
  expect(found).toEqual(bodies);
});

test("an avro container without events is a header", () => {
  expect(avroContainer("none").begin("name").end().subarray(0, 3).toString()).toBe("Obj");
});

test.each(["writable", "text"] as const)("SequenceFile of %s values: keys and bodies come back", (value) => {
  const encoder = sequenceFile(value).begin("name");
  const reader = new Reader(
    Buffer.concat([encoder.records(records.slice(0, 2)), encoder.records(records.slice(2)), encoder.end()]),
  );
  expect(reader.take(4).toString("latin1")).toBe("SEQ\u0006");
  const name = () => String(reader.take(reader.vint()));
  expect(name()).toBe("org.apache.hadoop.io.LongWritable");
  expect(name()).toBe(value === "text" ? "org.apache.hadoop.io.Text" : "org.apache.hadoop.io.BytesWritable");
  expect([...reader.take(2)]).toEqual([0, 0]);
  expect(reader.int()).toBe(0);
  const sync = reader.take(16);
  const found: [bigint, string][] = [];
  while (!reader.isAtEnd) {
    const length = reader.int();
    if (length === -1) {
      expect(reader.take(16)).toEqual(sync);
      continue;
    }
    expect(reader.int()).toBe(8);
    const record = new Reader(reader.take(length));
    const key = record.take(8).readBigInt64BE();
    const size = value === "text" ? record.vint() : record.int();
    expect(size).toBe(length - record.at);
    found.push([key, String(record.take(size))]);
  }
  expect(found).toEqual(bodies.map((body, seq) => [1_700_000_000_000n + BigInt(seq), body]));
});
