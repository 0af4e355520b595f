/**
 * Messages of the formats before Kafka 0.11 (magic 0 and 1), which logs of old topics still hold:
 *
 *     offset int64 · size int32 · crc int32 (CRC-32 of all that follows) · magic int8 · attributes int8
 *     · timestamp int64 (magic 1 only) · key: int32 length, bytes · value: int32 length, bytes      (length -1: null)
 *
 * A compressed message holds others in its value. Its own offset is that of the last one inside. Offsets inside are absolute
 * with magic 0, and counted from the first one with magic 1. There are no headers: such records have no identity.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { decompress } from "../../../shared/kafka/record-batch/compression.ts";
import { blockOf, type PlainRecord, type RecordBlock } from "../../records/record-block.ts";

const codecMask = 7;
/** Kafka wrote the time of appending into the wrapper: it counts for all inside. */
const appendTimeBit = 8;
/** Offset and size, which the size does not count. */
const headBytes = 12;

interface Message extends PlainRecord {
  readonly magic: number;
  readonly attributes: number;
}

/**
 * The records of one message, the ones inside it when it is compressed.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when it is not what its size and its CRC say.
 */
export function decodeLegacy(bytes: Buffer): RecordBlock {
  const [outer, ...more] = readMessages(bytes);
  if (outer === undefined || more.length > 0) throw corrupt("it is not one message");
  const codec = outer.attributes & codecMask;
  if (codec === 0) return blockOf([outer]);
  if (outer.value === undefined) throw corrupt("it is compressed, and empty");
  const inner = readMessages(decompress(codec, outer.value));
  const last = inner.at(-1);
  if (last === undefined) throw corrupt("it is compressed, and holds none");
  if (inner.some(({ attributes }) => (attributes & codecMask) !== 0)) throw corrupt("it is compressed twice");
  const shift = outer.magic === 0 ? 0 : outer.offset - last.offset;
  const appended = outer.magic > 0 && (outer.attributes & appendTimeBit) !== 0;
  return blockOf(
    inner.map((record) => ({
      ...record,
      offset: record.offset + shift,
      timeMs: appended ? outer.timeMs : record.timeMs,
    })),
  );
}

function readMessages(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let start = 0; start < bytes.length; ) {
    if (bytes.length - start < headBytes) throw corrupt("the bytes end inside a message");
    const end = start + headBytes + bytes.readInt32BE(start + 8);
    if (end > bytes.length || end < start + headBytes + 6) throw corrupt("its size is not its own");
    messages.push(readMessage(bytes.subarray(start, end)));
    start = end;
  }
  return messages;
}

function readMessage(bytes: Buffer): Message {
  if (bytes.readUInt32BE(headBytes) !== Bun.hash.crc32(bytes.subarray(headBytes + 4))) {
    throw corrupt("its CRC does not match");
  }
  const magic = bytes.readInt8(headBytes + 4);
  if (magic !== 0 && magic !== 1) throw corrupt(`magic ${magic} among messages`);
  let position = headBytes + 6;
  const need = (count: number) => {
    if (count < 0 || position + count > bytes.length) throw corrupt("it is shorter than it says");
    position += count;
    return position - count;
  };
  const field = () => {
    const length = bytes.readInt32BE(need(4));
    if (length === -1) return undefined;
    const start = need(length);
    return bytes.subarray(start, start + length);
  };
  const timeMs = magic === 0 ? 0 : Number(bytes.readBigInt64BE(need(8)));
  const [key, value] = [field(), field()];
  if (position !== bytes.length) throw corrupt("it is longer than it says");
  const offset = Number(bytes.readBigInt64BE(0));
  return { offset, magic, attributes: bytes.readInt8(headBytes + 5), timeMs, key, value, identity: undefined };
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `read a message of the old format: ${what}`);
}
