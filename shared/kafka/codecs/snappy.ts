import { AppError } from "../../errors/app-error.ts";
import { OutputBuffer } from "./output-buffer.ts";

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const xerialHeaderBytes = 16;

/**
 * Decompresses snappy as Kafka carries it (google/snappy, format_description.txt): one block, or blocks in the frame of
 * snappy-java, which Java producers write: 16 bytes of header, then length int32 and block, again and again.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT`.
 */
export function decompressSnappy(bytes: Buffer): Buffer {
  const output = new OutputBuffer("snappy");
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    block(bytes, output);
    return output.bytes();
  }
  for (let at = xerialHeaderBytes; at + 4 <= bytes.length; ) {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > bytes.length) throw corrupt("a block ends after the bytes");
    block(bytes.subarray(at, at + length), output);
    at += length;
  }
  return output.bytes();
}

function block(bytes: Buffer, output: OutputBuffer): void {
  let at = 0;
  let announced = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) throw corrupt("no length at the beginning");
    announced += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  const end = output.length + announced;
  const little = (count: number): number => {
    let value = 0;
    for (let index = 0; index < count; index++) value += (bytes[at + index] ?? 0) * 256 ** index;
    at += count;
    return value;
  };
  while (at < bytes.length) {
    const tag = bytes[at++] ?? 0;
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >>> 2;
      const length = 1 + (short < 60 ? short : little(short - 59));
      if (at + length > bytes.length) throw corrupt("a literal ends after its block");
      output.append(bytes, at, length);
      at += length;
    } else if (kind === 1) {
      const offset = (tag >>> 5) * 256 + little(1);
      output.repeat(offset, ((tag >>> 2) & 7) + 4);
    } else {
      const offset = little(kind === 2 ? 2 : 4);
      output.repeat(offset, (tag >>> 2) + 1);
    }
  }
  if (output.length !== end) throw corrupt("a block is not as long as it says");
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `decompress snappy: ${what}`);
}
