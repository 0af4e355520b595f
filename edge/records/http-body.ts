/** The body of a request that knows whether anybody has begun to take it. */
export class WatchedBody {
  /** It is asked for when there is a connection, with its TLS handshake behind it: before, nothing of it can be there. */
  begun = false;

  constructor(private readonly bytes: Uint8Array) {}

  get length(): number {
    return this.bytes.length;
  }

  stream(): ReadableStream<Uint8Array> {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.begun = true;
      controller.enqueue(this.bytes);
      controller.close();
    };
    // Nothing is read ahead: `pull` is the connection's own question.
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  }
}
