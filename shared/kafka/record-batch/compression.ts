import { gzipSync } from "node:zlib";
import { decompressBounded } from "../../compression/decompress-bounded.ts";
import { AppError } from "../../errors/app-error.ts";
import { decompressLz4 } from "../codecs/lz4.ts";
import { decompressSnappy } from "../codecs/snappy.ts";

/** What Tailgate writes. */
export type Compression = "none" | "gzip" | "zstd";

/** Codec numbers of the record batch's attributes (Kafka protocol guide, "Record Batch"; zstd: KIP-110). */
export const codecNumbers: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, zstd: 4 };

/** Of whole batches: on log lines a little higher takes longer and saves nothing worth it (decision 0013). */
const level = 1;
/**
 * Small batches are those of a quiet flow, a few a second: there the link costs more than the CPU. Level 7 makes a second's
 * hundred lines 8 % smaller, for 0.2 ms.
 */
const smallLevel = 7;
const smallBytesMax = 64 * 1024;

/** Compresses the records part of a batch. */
export function compress(codec: Compression, records: Buffer): Uint8Array {
  switch (codec) {
    case "none":
      return records;
    case "gzip":
      return gzipSync(records, { level });
    case "zstd":
      return Bun.zstdCompressSync(records, { level: records.length > smallBytesMax ? level : smallLevel });
  }
}

/** Codecs of other producers, which are read and never written. */
const foreignCodecs = { snappy: 2, lz4: 3 } as const;

/**
 * Decompresses the records part of a batch, ours or another producer's. Each codec has a bound on what comes out.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` for a codec that nobody knows, damaged data, or data that holds more than any batch.
 */
export function decompress(codecNumber: number, records: Buffer): Buffer {
  switch (codecNumber) {
    case codecNumbers.none:
      return records;
    case codecNumbers.gzip:
      return decompressBounded("gzip", records);
    case foreignCodecs.snappy:
      return decompressSnappy(records);
    case foreignCodecs.lz4:
      return decompressLz4(records);
    case codecNumbers.zstd:
      return decompressBounded("zstd", records);
    default:
      throw new AppError("RECORD_BATCH_CORRUPT", `decompress records: codec ${codecNumber} is not known`);
  }
}
