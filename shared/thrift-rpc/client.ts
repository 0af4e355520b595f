/**
 * A connection to a Flume's Thrift source, in frames. Thrift's servers answer the calls of a connection in their order, so several
 * may be under way. When anything is wrong (a deadline, an answer that makes no sense, the end of the connection), the
 * connection is cut and everybody who waits hears so: nobody can say then which calls were taken.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { OutgoingEvent } from "../flume-rpc/event.ts";
import { ConnectionLost, type Peer, tlsOptions, untilConnected } from "../outgoing/peer.ts";
import { readReply, readThriftFrame, writeAppendBatch } from "./flume.ts";
import { ThriftMistake, type ThriftProtocol } from "./protocol.ts";

/** Which of the two encodings is spoken. */
export interface ThriftPeer extends Peer {
  readonly protocol: ThriftProtocol;
}

interface Waiting {
  readonly serial: number;
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** An answer is a number, or a sentence. */
const answerBytesMax = 1024 * 1024;

export class ThriftClient {
  private socket: Socket | undefined;
  private waiting: Waiting[] = [];
  private received: Buffer = Buffer.alloc(0);
  private serial = 0;
  private lost: Error | undefined;

  constructor(private readonly peer: ThriftPeer) {}

  /** Whether calls may be made. */
  get isOpen(): boolean {
    return this.socket !== undefined && this.lost === undefined;
  }

  /** Calls that wait for their answers. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  /** @throws ConnectionLost when there is no connection in time, or the signal aborts. */
  connect(signal: AbortSignal): Promise<void> {
    const { host, port, tls } = this.peer;
    const socket =
      tls === undefined ? connectPlain({ host, port }) : connectTls({ host, port, ...tlsOptions(this.peer) });
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    return untilConnected(socket, this.peer, signal, (error) => this.cut(error));
  }

  /** Calls `appendBatch`; resolves with Flume's status. @throws ConnectionLost. */
  appendBatch(events: readonly OutgoingEvent[]): Promise<number> {
    const { socket } = this;
    if (socket === undefined || this.lost !== undefined) {
      return Promise.reject(this.lost ?? new ConnectionLost("not connected"));
    }
    const serial = ++this.serial;
    const { protocol, requestTimeoutMs } = this.peer;
    return new Promise((resolve, reject) => {
      const late = () => this.cut(new ConnectionLost(`no answer within ${requestTimeoutMs} ms`));
      this.waiting.push({ serial, resolve, reject, timer: setTimeout(late, requestTimeoutMs) });
      socket.write(writeAppendBatch(protocol, serial, events));
    });
  }

  close(): void {
    this.cut(new ConnectionLost("closed by us"));
  }

  private take(chunk: Buffer): void {
    if (this.lost !== undefined) return;
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    try {
      for (let frame = this.next(); frame !== undefined; frame = this.next()) {
        const reply = readReply(this.peer.protocol, frame);
        const waiting = this.waiting.shift();
        if (waiting?.serial !== reply.serial) throw new ThriftMistake(`an answer to call ${reply.serial}, out of turn`);
        clearTimeout(waiting.timer);
        if ("status" in reply) waiting.resolve(reply.status);
        else waiting.reject(new ConnectionLost(`the other side failed: ${reply.error}`));
      }
    } catch (thrown) {
      if (!(thrown instanceof ThriftMistake)) throw thrown;
      this.cut(new ConnectionLost(thrown.message));
    }
  }

  private next(): Buffer | undefined {
    const frame = readThriftFrame(this.received, answerBytesMax);
    if (frame !== undefined) this.received = this.received.subarray(4 + frame.length);
    return frame;
  }

  private cut(error: Error): Error {
    if (this.lost !== undefined) return this.lost;
    this.lost = error;
    this.socket?.destroy();
    for (const { reject, timer } of this.waiting) {
      clearTimeout(timer);
      reject(error);
    }
    this.waiting = [];
    return error;
  }
}
