/**
 * COPY's binary format (PostgreSQL's manual, COPY, Binary Format): a signature, then per row the number of fields and each
 * field as its length and bytes. It costs a third of what an insert of arrays does, on both sides, and no byte has to be
 * escaped.
 */
import type { SQL } from "bun";

const signature = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
/** About so much is written at once. */
const chunkBytes = 1024 * 1024;

/** Fields of rows, one after the other. */
export class CopyEncoder {
  private buffer = Buffer.allocUnsafe(chunkBytes + 64 * 1024);
  private at = 0;

  get bytes(): number {
    return this.at;
  }

  /** Begins a row of so many fields. */
  row(fields: number): void {
    this.room(2);
    this.at = this.buffer.writeInt16BE(fields, this.at);
  }

  int4(value: number | null): void {
    if (value === null) {
      this.none();
      return;
    }
    this.room(8);
    this.at = this.buffer.writeInt32BE(value, this.buffer.writeInt32BE(4, this.at));
  }

  /** Whole numbers of up to 53 bits. */
  int8(value: number | null): void {
    if (value === null) {
      this.none();
      return;
    }
    this.room(12);
    const high = Math.floor(value / 2 ** 32);
    let at = this.buffer.writeInt32BE(8, this.at);
    at = this.buffer.writeInt32BE(high, at);
    this.at = this.buffer.writeUInt32BE(value - high * 2 ** 32, at);
  }

  bytea(value: Uint8Array | null): void {
    if (value === null) {
      this.none();
      return;
    }
    this.room(4 + value.length);
    const at = this.buffer.writeInt32BE(value.length, this.at);
    this.buffer.set(value, at);
    this.at = at + value.length;
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** What was encoded since the last time; the encoder goes on with other memory. */
  take(): Uint8Array {
    const taken = this.buffer.subarray(0, this.at);
    this.buffer = Buffer.allocUnsafe(chunkBytes + 64 * 1024);
    this.at = 0;
    return taken;
  }

  private none(): void {
    this.room(4);
    this.at = this.buffer.writeInt32BE(-1, this.at);
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

/** The bytes of a COPY, encoded as they are asked for. */
export function* copyChunks<Item>(
  items: Iterable<Item>,
  encode: (row: CopyEncoder, item: Item) => void,
): Generator<Uint8Array> {
  const encoder = new CopyEncoder();
  encoder.raw(signature);
  for (const item of items) {
    encode(encoder, item);
    if (encoder.bytes >= chunkBytes) yield encoder.take();
  }
  encoder.row(-1);
  yield encoder.take();
}

/** Copies rows into a table; `columns` in the order in which they are encoded. */
export async function copyInto(sql: SQL, columns: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const writer = sql.unsafe(`copy ${columns} from stdin (format binary)`).writable().getWriter();
  try {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  } catch (thrown) {
    await writer.abort(thrown).catch(() => {}); // It is over already; what counts is why.
    throw thrown;
  }
}
