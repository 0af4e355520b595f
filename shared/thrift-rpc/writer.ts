import type { ThriftMessage, ThriftProtocol } from "./protocol.ts";

const messageCodes = { call: 1, reply: 2, exception: 3, oneway: 4 } as const;
const codes = {
  binary: { i32: 8, binary: 11, struct: 12, map: 13, list: 15 },
  compact: { i32: 5, binary: 8, list: 9, map: 11, struct: 12 },
} as const;
/** Kinds that are written here. */
type WrittenKind = keyof (typeof codes)["binary"];

/** Writes a message into a buffer that grows. Fields of a structure come in the order of their numbers. */
export class ThriftWriter {
  private buffer: Buffer;
  private end = 4;

  constructor(
    private readonly protocol: ThriftProtocol,
    size = 1024,
  ) {
    this.buffer = Buffer.allocUnsafeSlow(size);
  }

  /** What was written, with its length before it. */
  get frame(): Buffer {
    this.buffer.writeInt32BE(this.end - 4, 0);
    return this.buffer.subarray(0, this.end);
  }

  message({ kind, name, serial }: ThriftMessage): this {
    if (this.protocol === "compact") {
      this.byte(0x82);
      this.byte((messageCodes[kind] << 5) | 1);
      this.varint(serial >>> 0);
      return this.text(name);
    }
    this.int32(0x80010000 | messageCodes[kind] | 0);
    return this.text(name).int32(serial);
  }

  /** The head of a field; `before` is the number of the field before it in the same structure, 0 for none. */
  field(kind: WrittenKind, id: number, before: number): this {
    const code = codes[this.protocol][kind];
    if (this.protocol === "binary") {
      this.byte(code);
      this.byte(id >> 8);
      return this.byte(id & 255);
    }
    const distance = id - before;
    if (distance > 0 && distance < 16) return this.byte((distance << 4) | code);
    this.byte(code);
    return this.varint(2 * id);
  }

  /** The end of a structure. */
  stop(): this {
    return this.byte(0);
  }

  listHead(kind: WrittenKind, count: number): this {
    const code = codes[this.protocol][kind];
    if (this.protocol === "binary") return this.byte(code).int32(count);
    if (count < 15) return this.byte((count << 4) | code);
    return this.byte(0xf0 | code).varint(count);
  }

  /** The head of a map of texts. */
  textsHead(count: number): this {
    const { binary } = codes[this.protocol];
    if (this.protocol === "binary") return this.byte(binary).byte(binary).int32(count);
    this.varint(count);
    return count === 0 ? this : this.byte((binary << 4) | binary);
  }

  i32(value: number): this {
    return this.protocol === "binary" ? this.int32(value) : this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(bytes: Uint8Array): this {
    this.length(bytes.length).room(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
    return this;
  }

  text(text: string): this {
    const length = Buffer.byteLength(text, "utf8");
    this.length(length).room(length);
    this.end += this.buffer.write(text, this.end, length, "utf8");
    return this;
  }

  private length(length: number): this {
    return this.protocol === "binary" ? this.int32(length) : this.varint(length);
  }

  private byte(value: number): this {
    this.room(1);
    this.buffer[this.end++] = value;
    return this;
  }

  private int32(value: number): this {
    this.room(4);
    this.end = this.buffer.writeInt32BE(value, this.end);
    return this;
  }

  private varint(value: number): this {
    this.room(10);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.end++] = (rest % 128) | 128;
    this.buffer[this.end++] = rest;
    return this;
  }

  private room(length: number): void {
    if (this.end + length <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.end + length));
    this.buffer.copy(larger, 0, 0, this.end);
    this.buffer = larger;
  }
}
