/**
 * A connection as its bytes are meant: as they are, or compressed as a whole, each way, with a flush behind each message; or
 * encrypted and then compressed, as a Flume does that has both.
 */
import { TLSSocket } from "node:tls";
import { constants, createDeflate, createInflate } from "node:zlib";
import { Gate } from "../../../shared/async/gate.ts";
import { AvroMistake } from "../../../shared/avro-rpc/binary.ts";
import { deflatedWire } from "../../../shared/avro-rpc/deflated-wire.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { type Connection, protocolError } from "../../listeners/connection.ts";
import type { ListenerTls } from "../../listeners/listener.ts";
import { wireOf } from "./wire.ts";

/** A client that connects and does not go on is cut off. */
const handshakeMsMax = 10_000;

/** What a talk reads and writes. */
export interface TalkStream {
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
export function plain(connection: Connection): TalkStream {
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
export function deflated(connection: Connection, bytesMax: number): TalkStream {
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

/** Encrypted, and compressed below that. What was decrypted waits here, about `bytesMax` of it; then nothing more is read. */
export function encryptedBelow(connection: Connection, tls: ListenerTls, bytesMax: number): TalkStream {
  const { cert, key, passphrase, clientCa } = tls;
  const changed = new Gate();
  const ended = new AbortController();
  let received: Buffer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let waitingBytes = 0;
  let failure: Error | undefined;
  const room = async () => {
    while (waitingBytes > bytesMax && !connection.left.aborted) await changed.wait(connection.left);
  };
  const wire = deflatedWire(wireOf(connection, room));
  const socket = new TLSSocket(wire, {
    isServer: true,
    cert,
    key,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  });
  const late = setTimeout(() => connection.destroy(), handshakeMsMax);
  const fail = (error: Error) => {
    if (!connection.left.aborted) failure ??= protocolError(`TLS, compressed: ${messageOf(error)}`);
    ended.abort();
  };
  socket.on("secure", () => {
    clearTimeout(late);
    if (clientCa !== undefined && !socket.authorized) fail(new Error("no certificate that is signed as it should be"));
  });
  socket.on("data", (chunk: Buffer) => {
    received.push(chunk);
    waitingBytes += chunk.length;
    changed.open();
  });
  socket.on("error", fail);
  wire.on("error", fail);
  for (const event of ["end", "close"] as const) socket.on(event, () => ended.abort());
  return {
    left: connection.left,
    get bytes() {
      return bytes;
    },
    fill: async () => {
      if (received.length === 0 && failure === undefined) await changed.wait(ended.signal);
      if (failure !== undefined) throw failure;
      if (received.length === 0) return false;
      bytes = Buffer.concat([bytes, ...received]);
      received = [];
      return true;
    },
    consume: (count) => {
      bytes = bytes.subarray(count);
      waitingBytes -= count;
      changed.open();
    },
    write: (message) =>
      new Promise((resolve) => {
        if (connection.isOpen) socket.write(message, (error) => resolve(error === undefined || error === null));
        else resolve(false);
      }),
    cut: () => connection.destroy(),
    close: () => {
      clearTimeout(late);
      socket.destroy();
      wire.destroy();
    },
  };
}
