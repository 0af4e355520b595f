/**
 * How much zstd frames can come to, told from their outline (RFC 8878, 3.1), without decompressing: a block holds 128 KiB at most. The
 * runtime's own decoder has no bound and believes what a frame says of its size; it is twice as fast as the one that has a bound, and
 * on small batches three times, so it is asked where the outline says that it is safe.
 */

const magic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const blockBytesMax = 128 * 1024;
const dictionaryBytes = [0, 1, 2, 4] as const;
const checksumBytes = 4;

/** At most so many bytes come out of these frames, whatever they claim; undefined: they are no whole frames, or claim more than they can hold. */
export function zstdBytesMax(frames: Buffer): number | undefined {
  let total = 0;
  let at = 0;
  while (at < frames.length) {
    if (at + 8 > frames.length) return undefined;
    const found = frames.readUInt32LE(at);
    if ((found & ~0xf) >>> 0 === skippableMagic) {
      at += 8 + frames.readUInt32LE(at + 4);
      continue;
    }
    const frame = found === magic ? readFrame(frames, at + 4) : undefined;
    if (frame === undefined) return undefined;
    total += frame.bytesMax;
    at = frame.end;
  }
  return at === frames.length ? total : undefined;
}

interface Frame {
  readonly bytesMax: number;
  readonly end: number;
}

/** `start`: behind the magic number. */
function readFrame(frames: Buffer, start: number): Frame | undefined {
  const flags = frames.readUInt8(start);
  const isSingle = (flags & 0x20) !== 0;
  const sizeAt = start + 1 + (isSingle ? 0 : 1) + (dictionaryBytes[flags & 3] ?? 0);
  const claimed = claimedBytes(frames, sizeAt, flags >> 6, isSingle);
  if (claimed === undefined) return undefined;
  let at = sizeAt + claimed.fieldBytes;
  let bytesMax = 0;
  for (let isLast = false; !isLast; ) {
    if (at + 3 > frames.length) return undefined;
    const header = frames.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === 3) return undefined;
    isLast = (header & 1) !== 0;
    // One byte, repeated: the size is how often.
    at += 3 + (type === 1 ? 1 : header >> 3);
    bytesMax += blockBytesMax;
  }
  const end = at + ((flags & 4) === 0 ? 0 : checksumBytes);
  return claimed.bytes > bytesMax || end > frames.length ? undefined : { bytesMax, end };
}

/** What a frame says that it holds, and how long that field is; 0 where it does not say. Undefined: the frame ends before. */
function claimedBytes(frames: Buffer, at: number, code: number, isSingle: boolean) {
  const fieldBytes = code === 0 ? (isSingle ? 1 : 0) : 1 << code;
  if (at + fieldBytes > frames.length) return undefined;
  switch (fieldBytes) {
    case 0:
      return { fieldBytes, bytes: 0 };
    case 1:
      return { fieldBytes, bytes: frames.readUInt8(at) };
    case 2:
      return { fieldBytes, bytes: frames.readUInt16LE(at) + 256 };
    case 4:
      return { fieldBytes, bytes: frames.readUInt32LE(at) };
    default:
      return { fieldBytes, bytes: Number(frames.readBigUInt64LE(at)) };
  }
}
