/** Avro's binary encoding, as far as its RPC and Flume's events need it. What is read is not trusted: every length has a bound. */

/** What is not Avro, or more than it may be. */
export class AvroMistake extends Error {
  override readonly name = "AvroMistake";
}

/** Reads from a buffer. Slices that it gives belong to the buffer. @throws AvroMistake. */
export class AvroReader {
  constructor(
    private readonly buffer: Buffer,
    private at = 0,
  ) {}

  get rest(): Buffer {
    return this.buffer.subarray(this.at);
  }

  /** Zigzag varint; lengths and counts only, so what no number holds exactly is a mistake. */
  long(): number {
    const { buffer } = this;
    const first = buffer[this.at] ?? noMore();
    if (first < 128) {
      this.at++;
      return first % 2 === 0 ? first / 2 : -(first + 1) / 2;
    }
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = buffer[this.at++] ?? noMore();
      value += (byte & 127) * factor;
      if (byte >= 128) continue;
      const number = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      if (Number.isSafeInteger(number)) return number;
    }
    throw new AvroMistake("a number that is too large");
  }

  boolean(): boolean {
    const [byte = 2] = this.fixed(1);
    if (byte > 1) throw new AvroMistake(`${byte} is no boolean`);
    return byte === 1;
  }

  fixed(length: number): Buffer {
    const end = this.at + length;
    if (length < 0 || end > this.buffer.length) throw new AvroMistake("a length behind the end");
    const slice = this.buffer.subarray(this.at, end);
    this.at = end;
    return slice;
  }

  bytes(): Buffer {
    return this.fixed(this.long());
  }

  string(): string {
    return this.bytes().toString("utf8");
  }

  /** Calls `read` for every item of an array or a map, which come in blocks. @param max more items are a mistake. */
  items(max: number, read: () => void): void {
    let total = 0;
    for (let count = this.long(); count !== 0; count = this.long()) {
      if (count < 0) {
        // A block that says its size in bytes.
        this.long();
        count = -count;
      }
      total += count;
      if (total > max) throw new AvroMistake(`more than ${max} items`);
      for (let index = 0; index < count; index++) read();
    }
  }
}

function noMore(): never {
  throw new AvroMistake("ends too early");
}

/** Writes into a buffer that grows. */
export class AvroWriter {
  private buffer: Buffer;
  private end = 0;

  constructor(size = 1024) {
    this.buffer = Buffer.allocUnsafeSlow(size);
  }

  /** What was written; valid until more is. */
  get written(): Buffer {
    return this.buffer.subarray(0, this.end);
  }

  /** Begins anew; buffers that were given before are overwritten. */
  clear(): void {
    this.end = 0;
  }

  long(value: number): this {
    this.room(10);
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.end++] = (rest % 128) | 128;
    this.buffer[this.end++] = rest;
    return this;
  }

  boolean(value: boolean): this {
    this.room(1);
    this.buffer[this.end++] = value ? 1 : 0;
    return this;
  }

  fixed(bytes: Uint8Array): this {
    this.room(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    return this.long(bytes.length).fixed(bytes);
  }

  string(text: string): this {
    const length = Buffer.byteLength(text, "utf8");
    this.long(length).room(length);
    this.end += this.buffer.write(text, this.end, length, "utf8");
    return this;
  }

  private room(length: number): void {
    if (this.end + length <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.end + length));
    this.buffer.copy(larger, 0, 0, this.end);
    this.buffer = larger;
  }
}
