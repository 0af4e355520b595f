/**
 * A connection to a Flume's Thrift source, in frames. Thrift's servers answer the calls of a connection in their order, so several
 * may be under way. When anything is wrong (a deadline, an answer that makes no sense, the end of the connection), the
 * connection is cut and everybody who waits hears so: nobody can say then which calls were taken.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type OutgoingEvent, readReply, readThriftFrame, writeAppendBatch } from "./flume.ts";
import { ThriftMistake, type ThriftProtocol } from "./protocol.ts";

/** Where to, and how. */
export interface ThriftPeer {
  readonly host: string;
  readonly port: number;
  readonly protocol: ThriftProtocol;
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly passphrase?: string | undefined;
        readonly serverName?: string | undefined;
      }
    | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** The connection is gone, or was never there: whether calls were taken is not known. */
export class ThriftConnectionLost extends Error {
  override readonly name = "ThriftConnectionLost";
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

  /** @throws ThriftConnectionLost when there is no connection in time, or the signal aborts. */
  connect(signal: AbortSignal): Promise<void> {
    const { host, port, tls, connectTimeoutMs } = this.peer;
    return new Promise((resolve, reject) => {
      const { ca, cert, key, passphrase, serverName = host } = tls ?? {};
      const socket =
        tls === undefined
          ? connectPlain({ host, port })
          : connectTls({
              host,
              port,
              servername: serverName,
              ...(ca === undefined ? {} : { ca }),
              ...(cert === undefined ? {} : { cert }),
              ...(key === undefined ? {} : { key }),
              ...(passphrase === undefined ? {} : { passphrase }),
            });
      this.socket = socket;
      const give = () => this.cut(new ThriftConnectionLost(`connect to ${host}:${port}: given up`));
      const late = () => this.cut(new ThriftConnectionLost(`connect to ${host}:${port}: no answer in time`));
      const timer = setTimeout(late, connectTimeoutMs);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", give);
      };
      socket.once(tls === undefined ? "connect" : "secureConnect", () => {
        settle();
        resolve();
      });
      socket.on("close", () => {
        settle();
        reject(this.cut(new ThriftConnectionLost("the connection was ended by the other side")));
      });
      socket.on("error", (error) => this.cut(new ThriftConnectionLost(error.message)));
      socket.on("data", (chunk: Buffer) => this.take(chunk));
      if (signal.aborted) give();
      else signal.addEventListener("abort", give, { once: true });
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 60_000);
    });
  }

  /** Calls `appendBatch`; resolves with Flume's status. @throws ThriftConnectionLost. */
  appendBatch(events: readonly OutgoingEvent[]): Promise<number> {
    const { socket } = this;
    if (socket === undefined || this.lost !== undefined) {
      return Promise.reject(this.lost ?? new ThriftConnectionLost("not connected"));
    }
    const serial = ++this.serial;
    const { protocol, requestTimeoutMs } = this.peer;
    return new Promise((resolve, reject) => {
      const late = () => this.cut(new ThriftConnectionLost(`no answer within ${requestTimeoutMs} ms`));
      this.waiting.push({ serial, resolve, reject, timer: setTimeout(late, requestTimeoutMs) });
      socket.write(writeAppendBatch(protocol, serial, events));
    });
  }

  close(): void {
    this.cut(new ThriftConnectionLost("closed by us"));
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
        else waiting.reject(new ThriftConnectionLost(`the other side failed: ${reply.error}`));
      }
    } catch (thrown) {
      if (!(thrown instanceof ThriftMistake)) throw thrown;
      this.cut(new ThriftConnectionLost(thrown.message));
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
