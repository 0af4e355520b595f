/**
 * Counts the requests in one direction of a connection: each is a 4-byte size, then a 2-byte api key (Kafka protocol
 * guide, "Request Header"). Chunks are cut anywhere; nothing is kept but the few bytes of a half-seen header.
 */
export class FrameCounter {
  /** How many, by api key. */
  readonly requests = new Map<number, number>();
  bytes = 0;
  private readonly header = Buffer.alloc(6);
  private headerBytes = 0;
  private bodyBytesLeft = 0;

  push(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.bodyBytesLeft > 0) {
        const skipped = Math.min(this.bodyBytesLeft, chunk.length - at);
        this.bodyBytesLeft -= skipped;
        at += skipped;
        continue;
      }
      this.header[this.headerBytes++] = chunk[at++] ?? 0;
      if (this.headerBytes === this.header.length) this.countRequest();
    }
  }

  count(apiKey: number): number {
    return this.requests.get(apiKey) ?? 0;
  }

  private countRequest(): void {
    const apiKey = this.header.readInt16BE(4);
    this.requests.set(apiKey, this.count(apiKey) + 1);
    this.headerBytes = 0;
    // The size does not count itself, and the api key has been read.
    this.bodyBytesLeft = this.header.readInt32BE(0) - 2;
  }
}
