/** Kafka's primitive types on the wire (Kafka protocol guide, "Protocol Primitive Types"), big-endian. */
export class WireWriter {
  private buffer: Buffer;
  private offset = 0;

  /** `bytes`: how many will be needed, roughly; it grows. */
  constructor(bytes = 256) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  /** What was written so far; not a copy. */
  get written(): Buffer {
    return this.buffer.subarray(0, this.offset);
  }

  int8(value: number): this {
    const at = this.room(1);
    this.buffer.writeInt8(value, at);
    return this;
  }
  int16(value: number): this {
    const at = this.room(2);
    this.buffer.writeInt16BE(value, at);
    return this;
  }
  int32(value: number): this {
    const at = this.room(4);
    this.buffer.writeInt32BE(value, at);
    return this;
  }
  int64(value: number | bigint): this {
    const at = this.room(8);
    this.buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value, "utf8");
    return this.int16(bytes.length).raw(bytes);
  }
  bytes(value: Buffer, more?: Buffer): this {
    this.int32(value.length + (more?.length ?? 0)).raw(value);
    return more === undefined ? this : this.raw(more);
  }
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }
  /** Unsigned varint: lengths of the compact types are written as length + 1. */
  uvarint(value: number): this {
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.buffer[this.room(1)] = (rest & 127) | 128;
    this.buffer[this.room(1)] = rest;
    return this;
  }
  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const bytes = Buffer.from(value, "utf8");
    return this.uvarint(bytes.length + 1).raw(bytes);
  }
  /** No tagged fields. */
  tags(): this {
    return this.uvarint(0);
  }

  private raw(bytes: Buffer): this {
    const at = this.room(bytes.length);
    bytes.copy(this.buffer, at);
    return this;
  }

  private room(bytes: number): number {
    const at = this.offset;
    this.offset += bytes;
    if (this.offset > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.offset, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, at);
      this.buffer = larger;
    }
    return at;
  }
}

/** Reads what `WireWriter` writes. Runs past the end throw RangeError, which the connection takes for a broken answer. */
export class WireReader {
  private offset = 0;

  constructor(private readonly buffer: Buffer) {}

  int8(): number {
    return this.buffer.readInt8(this.advance(1));
  }
  int16(): number {
    return this.buffer.readInt16BE(this.advance(2));
  }
  int32(): number {
    return this.buffer.readInt32BE(this.advance(4));
  }
  int64(): bigint {
    return this.buffer.readBigInt64BE(this.advance(8));
  }
  /** An int64 that is an offset or a time: exact up to 2^53. */
  long(): number {
    return Number(this.int64());
  }
  string(): string | undefined {
    const length = this.int16();
    return length < 0 ? undefined : this.take(length).toString("utf8");
  }
  bytes(): Buffer {
    const length = this.int32();
    return length < 0 ? Buffer.alloc(0) : this.take(length);
  }
  list<T>(read: () => T): T[] {
    return this.repeat(this.int32(), read);
  }
  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.buffer.readUInt8(this.advance(1));
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  compactString(): string | undefined {
    const length = this.uvarint() - 1;
    return length < 0 ? undefined : this.take(length).toString("utf8");
  }
  compactList<T>(read: () => T): T[] {
    return this.repeat(this.uvarint() - 1, read);
  }
  /** Skips tagged fields: whatever they say, we were fine without it. */
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.advance(this.uvarint());
    }
  }

  private repeat<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    for (let left = count; left > 0; left--) items.push(read());
    return items;
  }

  private take(length: number): Buffer {
    const at = this.advance(length);
    return this.buffer.subarray(at, at + length);
  }

  private advance(bytes: number): number {
    const at = this.offset;
    if (at + bytes > this.buffer.length) throw new RangeError(`the answer ends at byte ${this.buffer.length}`);
    this.offset += bytes;
    return at;
  }
}
