/**
 * One connection of a listener, as its source reads and writes it.
 *
 * Reading is by pull: `fill` waits for more bytes, `bytes` are all that are not consumed yet, `consume` lets go of those
 * that were understood. While nobody asks, at most one chunk is received; then the socket is paused, the kernel's buffer
 * fills, and the peer has to wait. What connections hold counts against the memory of their listener (`held-bytes.ts`).
 */
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";
import type { BytesHolder, HeldBytes } from "./held-bytes.ts";
import type { ConnectionRefusal } from "./telemetry.ts";

/** Deadlines of a connection, in milliseconds. */
export interface ConnectionTimes {
  /** Without a byte, while none is waited for. */
  readonly idleMs: number;
  /** From the first byte of a message to its last; also for a peer that does not read. */
  readonly messageMs: number;
}

/** Half closed connections linger so long, for the peer to read what was said last. */
const lingerMs = 2_000;
const handshakeMsMax = 10_000;
const empty: Buffer = Buffer.alloc(0);

type Phase = "handshake" | "open" | "ending" | "closed";

export class Connection implements BytesHolder {
  /** Address and port of the peer; `unix` for a Unix socket. */
  readonly peer: string;
  /** The peer's address alone; empty for a Unix socket. */
  readonly peerAddress: string;
  /** The common name in the peer's certificate. */
  peerName: string | undefined;
  /** Where it came in. */
  readonly localPort: number;
  /** What was received and not consumed. Valid until the next `fill`. */
  bytes: Buffer = empty;

  private phase: Phase;
  private store: Buffer = empty;
  private peerEnded = false;
  private stopping = false;
  private paused = false;
  private waiting: ((more: boolean) => void) | undefined;
  private readonly outgoing: Buffer[] = [];
  private readonly flushed: ((sent: boolean) => void)[] = [];
  private readonly gone = new AbortController();
  /** Came while nobody waited. */
  private early: Buffer = empty;
  private messageSinceMs: number | undefined;
  private lastByteMs: number;
  private lastSentMs: number;
  private endingSinceMs = 0;

  constructor(
    private readonly socket: Bun.Socket<Connection | undefined>,
    private readonly held: HeldBytes<Connection>,
    encrypted: boolean,
    private readonly onGone: () => void,
  ) {
    const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "";
    this.peerAddress = address;
    this.peer = address === "" ? "unix" : `${address.includes(":") ? `[${address}]` : address}:${socket.remotePort}`;
    this.localPort = socket.localPort;
    this.phase = encrypted ? "handshake" : "open";
    this.lastByteMs = performance.now();
    this.lastSentMs = this.lastByteMs;
  }

  /** Aborts when the peer has ended its side, or the connection is gone: nobody may wait for an answer any more. */
  get left(): AbortSignal {
    return this.gone.signal;
  }

  get isOpen(): boolean {
    return this.phase === "open";
  }

  /** Nothing more will be read: the source stops. */
  get isStopping(): boolean {
    return this.stopping;
  }

  /** Waits for more bytes. False: no more will come, because the peer has ended, or the source stops. One caller at a time. */
  fill(): Promise<boolean> {
    if (this.phase !== "open") return Promise.resolve(false);
    if (this.early.length > 0) {
      this.append(this.early);
      this.early = empty;
      this.resume();
      return Promise.resolve(true);
    }
    if (this.stopping || this.peerEnded) return Promise.resolve(false);
    this.resume();
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.held.waits(this);
    });
  }

  /** The first `count` of `bytes` were understood. */
  consume(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.messageSinceMs = this.bytes.length === 0 ? undefined : performance.now();
    if (this.bytes.length === 0) {
      this.bytes = empty;
      this.store = empty;
    }
    this.held.add(-count);
  }

  /** Sends; resolves with false when the connection ended before all was given to the kernel. In the order of calls. */
  write(text: Buffer | string): Promise<boolean> {
    if (this.phase !== "open") return Promise.resolve(false);
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    if (this.outgoing.length === 0) {
      this.lastSentMs = performance.now();
      const sent = this.socket.write(bytes);
      if (sent === bytes.length) return Promise.resolve(true);
      this.outgoing.push(bytes.subarray(Math.max(0, sent)));
    } else this.outgoing.push(bytes);
    return new Promise((resolve) => this.flushed.push(resolve));
  }

  /**
   * Ends our side when all is sent; what the peer still sends is thrown away. By `shutdown`: `end` of Bun's closes the other
   * direction too, and a peer that still sends then gets a reset before it has read the answer.
   */
  end(): void {
    if (this.phase !== "open") return;
    this.phase = "ending";
    this.endingSinceMs = performance.now();
    this.letGo();
    if (this.outgoing.length === 0) this.socket.shutdown();
    this.resume();
  }

  /** Cuts it off. */
  destroy(): void {
    if (this.phase === "closed") return;
    this.socket.terminate();
    this.onClose();
  }

  // What follows is for the listener alone.

  /** Bytes came. */
  onData(chunk: Buffer): void {
    if (this.phase !== "open") return;
    this.lastByteMs = performance.now();
    this.held.add(chunk.length);
    const { waiting } = this;
    if (waiting !== undefined) {
      this.append(chunk);
      this.waiting = undefined;
      waiting(true);
      return;
    }
    this.early = this.early.length === 0 ? chunk : Buffer.concat([this.early, chunk]);
    this.pause();
  }

  /** The peer sends no more. */
  onEnd(): void {
    this.peerEnded = true;
    this.gone.abort();
    if (this.early.length === 0) this.wake(false);
    if (this.phase === "ending" && this.outgoing.length === 0) this.destroy();
  }

  onClose(): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.peerEnded = true;
    this.gone.abort();
    this.letGo();
    this.outgoing.length = 0;
    for (const resolve of this.flushed.splice(0)) resolve(false);
    this.wake(false);
    this.onGone();
  }

  /** The kernel takes more. */
  onDrain(): void {
    if (this.phase === "closed") return;
    this.lastSentMs = performance.now();
    for (let next = this.outgoing[0]; next !== undefined; next = this.outgoing[0]) {
      const sent = this.socket.write(next);
      if (sent < next.length) {
        this.outgoing[0] = next.subarray(Math.max(0, sent));
        return;
      }
      this.outgoing.shift();
      this.flushed.shift()?.(true);
    }
    if (this.phase === "ending") this.socket.shutdown();
  }

  /** The handshake is over, and the peer may be here. */
  onSecure(peerName: string | undefined): void {
    this.peerName = peerName;
    this.phase = "open";
    this.lastByteMs = performance.now();
  }

  /** The source stops: who waits for bytes hears that none come. */
  stop(): void {
    this.stopping = true;
    this.wake(false);
    if (this.phase === "handshake") this.destroy();
  }

  /** Why it should be cut off now; undefined: it may stay. */
  overdue(nowMs: number, times: ConnectionTimes): ConnectionRefusal | "linger" | undefined {
    const { idleMs, messageMs } = times;
    if (this.phase === "ending") return nowMs - this.endingSinceMs > lingerMs ? "linger" : undefined;
    if (this.phase === "handshake") return nowMs - this.lastByteMs > handshakeMsMax ? "tls" : undefined;
    if (this.outgoing.length > 0 && nowMs - this.lastSentMs > messageMs) return "slow";
    if (this.waiting === undefined || this.held.isFull) return undefined;
    if (this.messageSinceMs !== undefined && nowMs - this.messageSinceMs > messageMs) return "slow";
    return nowMs - this.lastByteMs > idleMs ? "idle" : undefined;
  }

  /** It waits for bytes: what it holds is no whole message. */
  get isWaiting(): boolean {
    return this.waiting !== undefined;
  }

  get heldBytes(): number {
    return this.bytes.length + this.early.length;
  }

  pause(): void {
    if (this.paused || this.phase === "closed") return;
    this.paused = true;
    this.socket.pause();
  }

  /** Goes on reading, when somebody waits for it and there is memory. */
  resume(): void {
    if (!this.paused || this.phase === "closed" || (this.held.isFull && this.phase === "open")) return;
    this.paused = false;
    this.socket.resume();
  }

  private append(chunk: Buffer): void {
    this.messageSinceMs ??= performance.now();
    const { bytes, store } = this;
    if (bytes.length === 0) {
      this.bytes = chunk;
      this.store = empty;
      return;
    }
    const needed = bytes.length + chunk.length;
    const at = bytes.byteOffset - store.byteOffset;
    if (bytes.buffer === store.buffer && at >= 0 && at + needed <= store.length) {
      chunk.copy(store, at + bytes.length);
      this.bytes = store.subarray(at, at + needed);
      return;
    }
    // Many chunks of one message: doubled, so that no byte is copied more than twice on average.
    this.store = Buffer.allocUnsafeSlow(bytes.length < chunk.length ? needed : 2 * needed);
    bytes.copy(this.store);
    chunk.copy(this.store, bytes.length);
    this.bytes = this.store.subarray(0, needed);
  }

  private letGo(): void {
    this.held.add(-this.heldBytes);
    this.bytes = empty;
    this.store = empty;
    this.early = empty;
  }

  private wake(more: boolean): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.(more);
  }
}

/** For sources: what the peer sent is not of the protocol. The connection is cut, and it is said and counted. */
export function protocolError(message: string): AppError {
  return new AppError(codes.EDGE_PROTOCOL, message);
}
