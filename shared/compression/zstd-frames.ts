/**
 * Follows the frames of a zstd stream without decompressing them (RFC 8878, 3.1). The runtime's decoder takes a stream that ends
 * in the middle of a frame for a complete one, and what is no frame for nothing: who must not lose a line in silence asks here.
 */

const magic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const dictionaryBytes = [0, 1, 2, 4] as const;
const sizeBytes = [0, 2, 4, 8] as const;
const checksumBytes = 4;

/** What the bytes that are being collected are. */
type Part = "magic" | "skippable size" | "descriptor" | "block header";
const partBytes: Readonly<Record<Part, number>> = {
  magic: 4,
  "skippable size": 4,
  descriptor: 1,
  "block header": 3,
};

/** See above. Holds a few bytes, whatever a stream claims. */
export class ZstdFrames {
  private part: Part = "magic";
  private readonly held = Buffer.alloc(4);
  private heldBytes = 0;
  private skipBytes = 0;
  private hasChecksum = false;

  /** Takes the next bytes. Answers false where something else than a frame begins: nothing can be said of what follows. */
  push(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.skipBytes > 0) {
        const bytes = Math.min(this.skipBytes, chunk.length - at);
        this.skipBytes -= bytes;
        at += bytes;
        continue;
      }
      this.held[this.heldBytes++] = chunk[at++] ?? 0;
      if (this.heldBytes < partBytes[this.part]) continue;
      this.heldBytes = 0;
      if (!this.step()) return false;
    }
    return true;
  }

  /** Whether the bytes so far end where a frame ends. */
  get isComplete(): boolean {
    return this.part === "magic" && this.heldBytes === 0 && this.skipBytes === 0;
  }

  private step(): boolean {
    switch (this.part) {
      case "magic": {
        const found = this.held.readUInt32LE();
        this.part = found === magic ? "descriptor" : "skippable size";
        return found === magic || (found & ~0xf) >>> 0 === skippableMagic;
      }
      case "skippable size":
        this.skipBytes = this.held.readUInt32LE();
        this.part = "magic";
        return true;
      case "descriptor": {
        const flags = this.held.readUInt8();
        const isSingle = (flags & 0x20) !== 0;
        const size = flags >> 6 === 0 && isSingle ? 1 : (sizeBytes[flags >> 6] ?? 0);
        this.hasChecksum = (flags & 4) !== 0;
        this.skipBytes = (isSingle ? 0 : 1) + (dictionaryBytes[flags & 3] ?? 0) + size;
        this.part = "block header";
        return true;
      }
      case "block header": {
        const header = this.held.readUIntLE(0, 3);
        const type = (header >> 1) & 3;
        // One byte, repeated: the size is how often.
        this.skipBytes = type === 1 ? 1 : header >> 3;
        if ((header & 1) !== 0) {
          if (this.hasChecksum) this.skipBytes += checksumBytes;
          this.part = "magic";
        }
        return type !== 3;
      }
    }
  }
}
