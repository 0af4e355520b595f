/**
 * A batch that is signed by the gateway that made it. The signature stands after the records, in a frame that every
 * decoder of zstd leaves out (RFC 8878, 3.1.2 "Skippable Frames"), so that no consumer has to know of it:
 *
 *     header (61 bytes)  zstd frame of the records  54 2a 4d 18  4c 00 00 00  "TGS1"  key's name (8)  signature (64)
 *
 * Signed are a fixed text, the number of records, and the SHA-256 of the compressed records. Agent, epoch, stream, lane,
 * number, time, key and value stand in the records, so none of them can be changed, and no record can be taken out of a
 * batch or put into one. What a producer stamps (producer id, epoch, sequence) and what a broker writes (offset, times,
 * CRC) is not signed: it changes on the way. Half a batch is no longer signed; whoever cuts it signs the parts.
 */
import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { KEY_ID_BYTES, type SigningKey } from "../../signature/keys.ts";
import { codecNumbers, compress, decompress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import { at, HEADER_BYTES } from "./header.ts";

const frameMagic = 0x184d2a54;
const frameHeaderBytes = 8;
const mark = Buffer.from("TGS1");
const signatureBytes = 64;
const payloadBytes = mark.length + KEY_ID_BYTES + signatureBytes;

/** What a signature adds to a batch. */
export const SIGNATURE_BYTES = frameHeaderBytes + payloadBytes;

const purpose = Buffer.from("tailgate record batch, signed by its gateway, 1\0");
const codecMask = 7;

/** A batch and the CRC-32C of what follows its header. */
export interface BatchBytes {
  readonly bytes: Buffer;
  readonly recordsCrc: number;
}

/**
 * What follows a batch to sign it: `stampBatch` is told it as the trailer, and it is sent right after the batch. The batch
 * is of zstd (`asZstd`), and nothing of it is copied or changed.
 */
export function signatureOf(batch: Buffer, key: SigningKey): Buffer {
  const frame = Buffer.allocUnsafe(SIGNATURE_BYTES);
  let end = frame.writeUInt32LE(frameMagic);
  end = frame.writeUInt32LE(payloadBytes, end);
  for (const piece of [mark, key.id, sign(null, messageOf(batch), key.privateKey)]) end += piece.copy(frame, end);
  return frame;
}

/** The batch itself, or, when it is not compressed with zstd, another one with its records that is. */
export function asZstd(batch: BatchBytes): BatchBytes {
  const attributes = batch.bytes.readInt16BE(at.attributes);
  const codec = attributes & codecMask;
  if (codec === codecNumbers.zstd) return batch;
  const records = compress("zstd", decompress(codec, batch.bytes.subarray(HEADER_BYTES)));
  const bytes = Buffer.concat([batch.bytes.subarray(0, HEADER_BYTES), records]);
  bytes.writeInt32BE(bytes.length - at.partitionLeaderEpoch, at.batchLength);
  bytes.writeInt16BE((attributes & ~codecMask) | codecNumbers.zstd, at.attributes);
  const recordsCrc = crc32c(bytes, HEADER_BYTES);
  bytes.writeUInt32BE(crc32c(bytes, at.attributes), at.crc);
  return { bytes, recordsCrc };
}

/** A signature as it stands in a batch; not yet checked. */
export interface FoundSignature {
  /** Name of the key, hexadecimal. */
  readonly keyId: string;
  /** Whether the key's owner signed this batch. */
  verifiedBy(key: KeyObject): boolean;
}

/** The signature of exactly one batch; undefined: it has none. */
export function findSignature(batch: Buffer): FoundSignature | undefined {
  const start = batch.length - SIGNATURE_BYTES;
  if (start <= HEADER_BYTES || (batch.readInt16BE(at.attributes) & codecMask) !== codecNumbers.zstd) return undefined;
  if (batch.readUInt32LE(start) !== frameMagic || batch.readUInt32LE(start + 4) !== payloadBytes) return undefined;
  const keyStart = start + frameHeaderBytes + mark.length;
  if (!batch.subarray(start + frameHeaderBytes, keyStart).equals(mark)) return undefined;
  const signature = batch.subarray(keyStart + KEY_ID_BYTES);
  return {
    keyId: batch.toString("hex", keyStart, keyStart + KEY_ID_BYTES),
    verifiedBy: (key) => verify(null, messageOf(batch.subarray(0, start)), key, signature),
  };
}

/** What is signed, of a batch without its signature. */
function messageOf(batch: Buffer): Buffer {
  const digest = createHash("sha256").update(batch.subarray(HEADER_BYTES)).digest();
  return Buffer.concat([purpose, batch.subarray(at.recordCount, HEADER_BYTES), digest]);
}
