/** Cuts a byte stream of the Kafka protocol into its frames: a four-byte length, then that many bytes. */
export class FrameSplitter {
  private pending: Buffer = Buffer.alloc(0);

  /** The frames that are complete now, each with its length in front. */
  push(chunk: Buffer): Buffer[] {
    let data = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    const frames: Buffer[] = [];
    while (data.length >= 4) {
      const end = 4 + data.readInt32BE(0);
      if (data.length < end) break;
      frames.push(data.subarray(0, end));
      data = data.subarray(end);
    }
    this.pending = data;
    return frames;
  }

  /** What came of a frame that is not complete. */
  get rest(): Buffer {
    return this.pending;
  }
}

/** Api keys of the requests that tests aim faults at (Kafka protocol guide). */
export const apiKeys = { produce: 0, fetch: 1, metadata: 3, initProducerId: 22, describeProducers: 61 } as const;

/** Api key and correlation id of a request frame; undefined for what is too short to be one (a raw SASL token). */
export function requestOf(frame: Buffer): { apiKey: number; correlationId: number } | undefined {
  if (frame.length < 12) return undefined;
  return { apiKey: frame.readInt16BE(4), correlationId: frame.readInt32BE(8) };
}

/** Correlation id of an answer frame. */
export function answerOf(frame: Buffer): number | undefined {
  return frame.length < 8 ? undefined : frame.readInt32BE(4);
}
