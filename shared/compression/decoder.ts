/** A decoder of the runtime, driven by hand: it gets its next input when everything that it made of the one before was taken. */
import type { Gunzip, ZstdDecompress } from "node:zlib";

/** What came of asking for more. */
export type DecoderStep =
  | { readonly kind: "piece"; readonly piece: Buffer }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly error: Error };

/** See above. */
export class Decoder {
  private isWriting = false;
  private isInputOver = false;
  private isOver = false;
  private error: Error | undefined;
  private wake = () => {};

  constructor(private readonly stream: Gunzip | ZstdDecompress) {
    stream.on("readable", () => this.wake());
    stream.on("end", () => this.ended());
    stream.on("close", () => this.ended());
    stream.on("error", (error) => {
      this.error ??= error;
      this.wake();
    });
  }

  /** How much of the input belongs to what was decoded. */
  get consumedBytes(): number {
    return this.stream.bytesWritten;
  }

  /** `input` answers undefined when there is no more. @throws what `input` throws. */
  async next(input: () => Buffer | undefined): Promise<DecoderStep> {
    for (;;) {
      const piece: unknown = this.stream.read();
      if (Buffer.isBuffer(piece)) return { kind: "piece", piece };
      if (this.error !== undefined) return { kind: "failed", error: this.error };
      if (this.isOver) return { kind: "end" };
      if (!this.isWriting && !this.isInputOver) this.write(input());
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  close(): void {
    this.stream.destroy();
  }

  private write(chunk: Buffer | undefined): void {
    if (chunk === undefined) {
      this.isInputOver = true;
      this.stream.end();
      return;
    }
    this.isWriting = true;
    this.stream.write(chunk, () => {
      this.isWriting = false;
      this.wake();
    });
  }

  private ended(): void {
    this.isOver = true;
    this.wake();
  }
}
