import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { AppError } from "../errors/app-error.ts";
import { zstdBytesMax } from "./zstd-bound.ts";

/**
 * A batch that decompresses to more is nobody's log: ours hold up to 4 MiB, producers fill theirs up to what a broker takes
 * (1 MiB by default) or to some multiple of it. A few KiB can claim gigabytes, and this much has to fit into memory.
 */
export const outputBytesMax = 64 * 1024 * 1024;

const decoders = { gzip: gunzipSync, zstd: zstdDecompressSync } as const;

/**
 * Decompresses bytes that somebody else may have made: ends as soon as there is more than `outputBytesMax`.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when they are damaged, or hold more.
 */
export function decompressBounded(codec: keyof typeof decoders, bytes: Buffer): Buffer {
  try {
    if (codec === "zstd" && (zstdBytesMax(bytes) ?? Number.POSITIVE_INFINITY) <= outputBytesMax) {
      return Bun.zstdDecompressSync(bytes);
    }
    return decoders[codec](bytes, { maxOutputLength: outputBytesMax });
  } catch (cause) {
    const tooLarge = cause instanceof RangeError && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    const what = tooLarge ? `they hold more than ${outputBytesMax} bytes` : "they are damaged";
    throw new AppError("RECORD_BATCH_CORRUPT", `decompress ${bytes.length} bytes (${codec}): ${what}`, { cause });
  }
}
