/**
 * A connection to a Flume's Avro source. Requests may overlap; each answer names its request. The first one carries the handshake
 * and the others wait for it. When anything is wrong (a deadline, an answer that makes no sense, the end of the connection),
 * the connection is cut and everybody who waits hears so: nobody can say then which requests were taken.
 */
import { connect as connectPlain, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { constants, createDeflate, createInflate, type Deflate } from "node:zlib";
import type { OutgoingEvent } from "../flume-rpc/event.ts";
import { ConnectionLost, type Peer, tlsOptions, untilConnected } from "../outgoing/peer.ts";
import { AvroMistake, AvroReader, AvroWriter } from "./binary.ts";
import { deflatedWire } from "./deflated-wire.ts";
import { writeEvent } from "./flume-events.ts";
import { hashOf, protocolText } from "./flume-protocol.ts";
import { readFrame, writeFrame } from "./frames.ts";
import { readHandshakeResponse, skipMeta, writeHandshakeRequest } from "./handshake.ts";

/** Whether what is sent is compressed. */
export interface AvroPeer extends Peer {
  readonly compression: "none" | "deflate";
}

interface Waiting {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Answers are a word; a server's protocol text is some KB. */
const answerBytesMax = 1024 * 1024;
const hash = hashOf(protocolText);

export class AvroClient {
  private socket: Socket | undefined;
  /** Of a connection that is encrypted and then compressed: what is below TLS. */
  private wire: Duplex | undefined;
  private deflate: Deflate | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private received: Buffer = Buffer.alloc(0);
  private serial = 0;
  private agreed: Promise<void> | undefined;
  private lost: Error | undefined;

  constructor(private readonly peer: AvroPeer) {}

  /** Whether requests may be made. */
  get isOpen(): boolean {
    return this.socket !== undefined && this.lost === undefined;
  }

  /** Requests that wait for their answers. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** @throws ConnectionLost when there is no connection in time, or the signal aborts. */
  connect(signal: AbortSignal): Promise<void> {
    const { host, port, tls, compression } = this.peer;
    // Where both are set Flume compresses what is encrypted already.
    const isWrapped = tls !== undefined && compression === "deflate";
    const wire = isWrapped ? connectPlain({ host, port }) : undefined;
    if (wire !== undefined) this.wire = deflatedWire(wire);
    const over = this.wire === undefined ? { host, port } : { socket: this.wire };
    const socket = tls === undefined ? connectPlain({ host, port }) : connectTls({ ...over, ...tlsOptions(this.peer) });
    this.socket = socket;
    const connected = untilConnected(socket, this.peer, signal, (error) => this.cut(error));
    (wire ?? socket).setNoDelay(true);
    (wire ?? socket).setKeepAlive(true, 60_000);
    wire?.on("error", (error) => this.cut(new ConnectionLost(error.message)));
    if (compression === "deflate" && !isWrapped) this.compress(socket);
    else socket.on("data", (chunk: Buffer) => this.take(chunk));
    return connected;
  }

  /** Calls `appendBatch`; resolves with Flume's status. @throws ConnectionLost. */
  appendBatch(events: readonly OutgoingEvent[]): Promise<number> {
    const writer = new AvroWriter(64 * 1024);
    if (events.length > 0) writer.long(events.length);
    for (const { headers, body } of events) writeEvent(writer, headers, body);
    return this.call("appendBatch", writer.long(0).written);
  }

  /**
   * Calls `append` or `appendBatch`, with parameters that are written already. Resolves with Flume's answer, by its place in the enum.
   *
   * @throws ConnectionLost.
   */
  async call(message: "append" | "appendBatch", parameters: Buffer): Promise<number> {
    const call = new AvroWriter(parameters.length + 64).long(0).string(message).fixed(parameters).written;
    if (this.agreed !== undefined) {
      await this.agreed;
      return readStatus(new AvroReader(await this.ask(call)));
    }
    let agree = () => {};
    this.agreed = new Promise((resolve) => {
      agree = resolve;
    });
    try {
      return await this.first(call);
    } finally {
      // Whoever waited asks now, and hears it when the connection is gone.
      agree();
    }
  }

  close(): void {
    this.cut(new ConnectionLost("closed by us"));
  }

  /** The first call, behind a handshake; twice when the server has to be told what we speak. */
  private async first(call: Buffer): Promise<number> {
    let serverHash: Buffer = hash;
    for (const clientProtocol of [undefined, protocolText]) {
      const writer = new AvroWriter(call.length + 2_048);
      writeHandshakeRequest(writer, { clientHash: hash, clientProtocol, serverHash });
      const reader = new AvroReader(await this.ask(writer.fixed(call).written));
      const answer = readHandshakeResponse(reader);
      if (answer.match === "both" || answer.match === "client") return readStatus(reader);
      serverHash = answer.serverHash ?? serverHash;
    }
    throw this.cut(new ConnectionLost("the other side does not speak Flume's protocol"));
  }

  private ask(payload: Buffer): Promise<Buffer> {
    const { socket } = this;
    if (socket === undefined || this.lost !== undefined)
      return Promise.reject(this.lost ?? new ConnectionLost("not connected"));
    const serial = ++this.serial;
    return new Promise((resolve, reject) => {
      const late = () => this.cut(new ConnectionLost(`no answer within ${this.peer.requestTimeoutMs} ms`));
      this.waiting.set(serial, { resolve, reject, timer: setTimeout(late, this.peer.requestTimeoutMs) });
      const frame = writeFrame(serial, payload);
      if (this.deflate === undefined) socket.write(frame);
      else {
        this.deflate.write(frame);
        this.deflate.flush(constants.Z_SYNC_FLUSH);
      }
    });
  }

  private compress(socket: Socket): void {
    const deflate = createDeflate();
    const inflate = createInflate();
    deflate.on("data", (chunk: Buffer) => socket.write(chunk));
    inflate.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("data", (chunk: Buffer) => inflate.write(chunk));
    for (const stream of [deflate, inflate]) stream.on("error", (error) => this.cut(new ConnectionLost(error.message)));
    socket.on("close", () => inflate.destroy());
    this.deflate = deflate;
  }

  private take(chunk: Buffer): void {
    if (this.lost !== undefined) return;
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    try {
      for (
        let frame = readFrame(this.received, answerBytesMax);
        frame !== undefined;
        frame = readFrame(this.received, answerBytesMax)
      ) {
        this.received = this.received.subarray(frame.length);
        const waiting = this.waiting.get(frame.serial);
        if (waiting === undefined) throw new AvroMistake(`an answer to request ${frame.serial}, which was not made`);
        this.waiting.delete(frame.serial);
        clearTimeout(waiting.timer);
        waiting.resolve(frame.payload);
      }
    } catch (thrown) {
      if (!(thrown instanceof AvroMistake)) throw thrown;
      this.cut(new ConnectionLost(thrown.message));
    }
  }

  private cut(error: Error): Error {
    if (this.lost !== undefined) return this.lost;
    this.lost = error;
    this.socket?.destroy();
    this.wire?.destroy();
    this.deflate?.destroy();
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.waiting.clear();
    return error;
  }
}

/** The answer to a call. @throws ConnectionLost with the words of the other side. */
function readStatus(reader: AvroReader): number {
  try {
    skipMeta(reader);
    if (!reader.boolean()) return reader.long();
    reader.long();
    throw new ConnectionLost(`the other side failed: ${reader.string()}`);
  } catch (thrown) {
    throw thrown instanceof AvroMistake ? new ConnectionLost(thrown.message) : thrown;
  }
}
