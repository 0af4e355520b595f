/** A connection as its bytes are meant: as they are, or compressed as a whole, each way, with a flush behind each message. */
import { constants, createDeflate, createInflate } from "node:zlib";
import { AvroMistake } from "../../../shared/avro-rpc/binary.ts";
import type { Connection } from "../../listeners/connection.ts";

/** What a talk reads and writes. */
export interface Channel {
  /** Aborts when the sender has gone. */
  readonly left: AbortSignal;
  /** What was received and not consumed. Valid until the next `fill`. */
  readonly bytes: Buffer;
  fill(): Promise<boolean>;
  consume(count: number): void;
  write(bytes: Buffer): Promise<boolean>;
  /** Ends the connection without a word. */
  cut(): void;
  close(): void;
}

/** As it is. */
export function plain(connection: Connection): Channel {
  return {
    left: connection.left,
    get bytes() {
      return connection.bytes;
    },
    fill: () => connection.fill(),
    consume: (count) => connection.consume(count),
    write: (bytes) => connection.write(bytes),
    cut: () => connection.destroy(),
    close: () => {},
  };
}

/** Compressed with zlib. A few bytes may become very many: no more than `bytesMax` are kept. */
export function deflated(connection: Connection, bytesMax: number): Channel {
  const inflate = createInflate();
  const deflate = createDeflate();
  let received: Buffer[] = [];
  let receivedBytes = 0;
  let bytes: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let wake = () => {};
  inflate.on("data", (chunk: Buffer) => {
    received.push(chunk);
    receivedBytes += chunk.length;
    if (receivedBytes + bytes.length > 2 * bytesMax) inflate.destroy(new AvroMistake("more than a message may hold"));
  });
  inflate.on("error", (error: Error) => {
    failure =
      error instanceof AvroMistake ? error : new AvroMistake(`not compressed as it should be: ${error.message}`);
    wake();
  });
  // Compressed bytes come out in the order they went in, so one queue is enough.
  let writing: Promise<unknown> = Promise.resolve();
  let compressed: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => compressed.push(chunk));
  deflate.on("error", () => connection.destroy());
  const inflated = (chunk: Buffer) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      inflate.write(chunk, () => resolve());
    });
  return {
    left: connection.left,
    get bytes() {
      return bytes;
    },
    fill: async () => {
      if (!(await connection.fill())) return false;
      const chunk = Buffer.from(connection.bytes);
      connection.consume(chunk.length);
      await inflated(chunk);
      if (failure !== undefined) throw failure;
      bytes = Buffer.concat([bytes, ...received]);
      received = [];
      receivedBytes = 0;
      return true;
    },
    consume: (count) => {
      bytes = bytes.subarray(count);
    },
    write: (message) => {
      const written = writing.then(
        () =>
          new Promise<boolean>((resolve) => {
            deflate.write(message);
            deflate.flush(constants.Z_SYNC_FLUSH, () => {
              const out = Buffer.concat(compressed);
              compressed = [];
              resolve(connection.write(out));
            });
          }),
      );
      writing = written;
      return written;
    },
    cut: () => connection.destroy(),
    close: () => {
      inflate.destroy();
      deflate.destroy();
    },
  };
}
