import { gunzipSync, type InflateRaw, inflateSync, zstdDecompressSync } from "node:zlib";
import { ZstdFrames } from "../../../shared/compression/zstd-frames.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Refused } from "./request.ts";

type Decode = (bytes: Buffer, maxOutputLength: number) => Buffer;

/** What the runtime answers when it is asked for `info`; its declarations do not say so. */
interface Decoded {
  readonly buffer: Buffer;
  readonly engine: Pick<InflateRaw, "bytesWritten">;
}

const gunzip: Decode = (bytes, maxOutputLength) => whole(bytes, gunzipSync(bytes, { maxOutputLength, info: true }));

const decoders: Readonly<Record<string, Decode>> = {
  gzip: gunzip,
  "x-gzip": gunzip,
  deflate: (bytes, maxOutputLength) => whole(bytes, inflateSync(bytes, { maxOutputLength, info: true })),
  zstd: (bytes, maxOutputLength) => {
    const frames = new ZstdFrames();
    if (!frames.push(bytes)) throw new Error(behind);
    if (!frames.isComplete) throw new Error("unexpected end of the body");
    return zstdDecompressSync(bytes, { maxOutputLength });
  },
};

const behind = "something else stands behind the compressed data";

/** The runtime's decoders say nothing of what stands behind the data: part of a body would be taken for all of it. */
function whole(bytes: Buffer, decoded: Buffer | Decoded): Buffer {
  if (Buffer.isBuffer(decoded)) return decoded;
  if (decoded.engine.bytesWritten !== bytes.length) throw new Error(behind);
  return decoded.buffer;
}

/** The body as it was before `Content-Encoding`; ends as soon as there is more than `bytesMax`. */
export function decodeBody(bytes: Buffer, coding: string, bytesMax: number): Buffer | Refused {
  const name = coding.trim().toLowerCase();
  if (name === "" || name === "identity") return bytes;
  const decode = decoders[name];
  if (decode === undefined)
    return { status: 415, reason: "the content encoding is not known: gzip, deflate and zstd are" };
  try {
    return decode(bytes, bytesMax);
  } catch (thrown) {
    const tooLarge = thrown instanceof RangeError && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE";
    if (tooLarge) return { status: 413, reason: `the body is larger than ${bytesMax} bytes when decompressed` };
    return { status: 400, reason: `the body cannot be decompressed (${name}): ${messageOf(thrown)}` };
  }
}
