import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { decompressBounded } from "../../compression/decompress-bounded.ts";

/** A batch of somebody else's that is compressed in a way we cannot read. */
export class CodecError extends Error {
  override readonly name = "CodecError";
  constructor(readonly codec: string) {
    super(`decompress a record batch: codec ${codec} is not supported (none, gzip and zstd are)`);
  }
}

/** What kafkajs hands a codec when it compresses: an encoder whose `buffer` is what was written so far. */
interface Encoded {
  readonly buffer: Buffer;
}

const zstd = {
  compress: async (encoded: Encoded) => Bun.zstdCompressSync(encoded.buffer, { level: 1 }),
  decompress: async (bytes: Buffer) => decompressBounded("zstd", bytes),
};

const unsupported = (codec: string) => ({
  compress: async (): Promise<Buffer> => {
    throw new CodecError(codec);
  },
  decompress: async (): Promise<Buffer> => {
    throw new CodecError(codec);
  },
});

/**
 * Registers what kafkajs lacks. Only gzip is built into it; zstd comes from Bun. A batch in snappy or lz4 fails with a
 * `CodecError` that names the codec, so that whoever consumes can count it. Idempotent, for the whole process.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd;
  CompressionCodecs[CompressionTypes.Snappy] = () => unsupported("snappy");
  CompressionCodecs[CompressionTypes.LZ4] = () => unsupported("lz4");
}
