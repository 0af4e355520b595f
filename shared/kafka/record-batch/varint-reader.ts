import { AppError } from "../../errors/app-error.ts";

/** Reads the numbers of records from bytes, one behind the other: zigzag varints (KIP-98). */
export class VarintReader {
  position = 0;

  constructor(protected readonly bytes: Buffer) {}

  /**
   * The next number, up to 2^53; those beyond 31 bits (times) take the slower way.
   *
   * @throws AppError `RECORD_BATCH_CORRUPT`.
   */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.position++] ?? 256;
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 127;
    let scale = 128;
    for (let read = 1; read < 10; read++) {
      if (byte === 256) throw corrupt("the bytes end inside a number");
      byte = bytes[this.position++] ?? 256;
      value += (byte & 127) * scale;
      if (byte < 128 && read < 4) return (value >>> 1) ^ -(value & 1);
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw corrupt("a number of more than ten bytes");
  }
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `read the records of a batch: ${what}`);
}
