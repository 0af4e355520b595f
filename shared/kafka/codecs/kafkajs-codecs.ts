import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { decompressBounded } from "../../compression/decompress-bounded.ts";
import { invariant } from "../../errors/invariant.ts";
import { decompressLz4 } from "./lz4.ts";
import { decompressSnappy } from "./snappy.ts";

/** What kafkajs hands a codec when it compresses: an encoder whose `buffer` is what was written so far. */
interface Encoded {
  readonly buffer: Buffer;
}

const zstd = {
  compress: async (encoded: Encoded) => Bun.zstdCompressSync(encoded.buffer, { level: 1 }),
  decompress: async (bytes: Buffer) => decompressBounded("zstd", bytes),
};

/** A codec of other producers: read, and never written. */
const foreign = (codec: string, decompress: (bytes: Buffer) => Buffer) => ({
  compress: async (): Promise<Buffer> => {
    invariant(false, `nothing is compressed with ${codec}`);
  },
  decompress: async (bytes: Buffer) => decompress(bytes),
});

const snappy = foreign("snappy", decompressSnappy);
const lz4 = foreign("lz4", decompressLz4);

/** Registers what kafkajs lacks: only gzip is built into it. Idempotent, for the whole process. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd;
  CompressionCodecs[CompressionTypes.Snappy] = () => snappy;
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4;
}
