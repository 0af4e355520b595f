/**
 * The frames of Avro's RPC over TCP, as its Java library sends them: a serial number that an answer repeats, a count of parts,
 * and each part with its length before it; 4 bytes each, in network order.
 */
import { AvroMistake } from "./binary.ts";

/** One message. */
export interface Frame {
  readonly serial: number;
  /** A copy, or a slice of what was received: see `readFrame`. */
  readonly payload: Buffer;
  /** Bytes of the whole frame. */
  readonly length: number;
}

/** Java writes a part for each of its buffers of 8 KB. */
const partsMax = 1 << 20;

/**
 * The first frame of `bytes`; undefined while it is not whole. The payload is a copy.
 *
 * @param bytesMax a larger frame is a mistake, known before it was received.
 * @throws AvroMistake.
 */
export function readFrame(bytes: Buffer, bytesMax: number): Frame | undefined {
  if (bytes.length < 8) return undefined;
  const serial = bytes.readInt32BE(0);
  const parts = bytes.readInt32BE(4);
  if (parts < 0 || parts > partsMax) throw new AvroMistake(`a frame of ${parts} parts`);
  let at = 8;
  const found: Buffer[] = [];
  for (let part = 0; part < parts; part++) {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readInt32BE(at);
    at += 4 + length;
    if (length < 0 || at > bytesMax) throw new AvroMistake(`a frame of more than ${bytesMax} bytes`);
    if (at > bytes.length) return undefined;
    found.push(bytes.subarray(at - length, at));
  }
  return { serial, payload: Buffer.concat(found), length: at };
}

/** A frame of one part. */
export function writeFrame(serial: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(12 + payload.length);
  frame.writeInt32BE(serial, 0);
  frame.writeInt32BE(1, 4);
  frame.writeInt32BE(payload.length, 8);
  payload.copy(frame, 12);
  return frame;
}
