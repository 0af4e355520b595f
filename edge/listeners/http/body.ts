import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Refused } from "./request.ts";

const decoders: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  zstd: zstdDecompressSync,
};

/** The body as it was before `Content-Encoding`; ends as soon as there is more than `bytesMax`. */
export function decodeBody(bytes: Buffer, coding: string, bytesMax: number): Buffer | Refused {
  const name = coding.trim().toLowerCase();
  if (name === "" || name === "identity") return bytes;
  const decode = decoders[name];
  if (decode === undefined)
    return { status: 415, reason: "the content encoding is not known: gzip, deflate and zstd are" };
  try {
    return decode(bytes, { maxOutputLength: bytesMax });
  } catch (thrown) {
    const tooLarge = thrown instanceof RangeError && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE";
    if (tooLarge) return { status: 413, reason: `the body is larger than ${bytesMax} bytes when decompressed` };
    return { status: 400, reason: `the body cannot be decompressed (${name}): ${messageOf(thrown)}` };
  }
}
