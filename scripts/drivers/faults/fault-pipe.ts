import type { Socket } from "node:net";
import { Gate } from "../../../shared/async/gate.ts";
import { sleep } from "../../../shared/async/sleep.ts";

/** What the line between two sockets does to everything that passes. Read anew for each piece: faults come and go. */
export interface Link {
  readonly latencyMs: number;
  /** Added to the latency, between 0 and this, from the proxy's seed. Never reorders. */
  readonly jitterMs: number;
  /** Infinity for no limit. */
  readonly bytesPerSecond: number;
}

/** What a pipe asks its owner. */
export interface PipeOwner {
  link(): Link;
  /** 0 to 1, from the seed. */
  random(): number;
  /** Resolves at once unless nothing passes at the moment. */
  passable(signal: AbortSignal): Promise<void>;
}

type Item =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly dueMs: number }
  | { readonly kind: "run"; readonly dueMs: number; readonly run: () => void };

const queuedBytesMax = 8 * 1024 * 1024;
const pieceBytes = 16 * 1024;

/** One direction of one connection: a queue with a delay and a width, written out in order. */
export class FaultPipe {
  private readonly queue: Item[] = [];
  private queuedBytes = 0;
  private lastDueMs = 0;
  private readonly arrived = new Gate();

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly owner: PipeOwner,
    private readonly signal: AbortSignal,
  ) {
    void this.pump();
  }

  /** Takes bytes to deliver when their time has come. */
  send(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.queue.push({ kind: "bytes", bytes, dueMs: this.dueMs() });
    this.queuedBytes += bytes.length;
    if (this.queuedBytes > queuedBytesMax) this.from.pause();
    this.arrived.open();
  }

  /** Does something behind all bytes that were sent before: an end travels as slowly as data does. */
  behind(run: () => void): void {
    this.queue.push({ kind: "run", dueMs: this.dueMs(), run });
    this.arrived.open();
  }

  private dueMs(): number {
    const { latencyMs, jitterMs } = this.owner.link();
    this.lastDueMs = Math.max(this.lastDueMs, performance.now() + latencyMs + jitterMs * this.owner.random());
    return this.lastDueMs;
  }

  private async pump(): Promise<void> {
    while (!this.signal.aborted) {
      const item = this.queue.shift();
      if (item === undefined) {
        await this.arrived.wait(this.signal);
        continue;
      }
      const waitMs = item.dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs, this.signal);
      await this.owner.passable(this.signal);
      if (this.signal.aborted) return;
      if (item.kind === "run") item.run();
      else await this.write(item.bytes);
    }
  }

  private async write(bytes: Buffer): Promise<void> {
    const { bytesPerSecond } = this.owner.link();
    if (bytesPerSecond === Number.POSITIVE_INFINITY) {
      await this.writePiece(bytes);
    } else {
      for (let at = 0; at < bytes.length && !this.signal.aborted; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        await this.writePiece(piece);
        await sleep((piece.length / bytesPerSecond) * 1000, this.signal);
        await this.owner.passable(this.signal);
      }
    }
    this.queuedBytes -= bytes.length;
    if (this.queuedBytes <= queuedBytesMax) this.from.resume();
  }

  private writePiece(piece: Buffer): Promise<void> {
    if (this.to.destroyed || this.signal.aborted || this.to.write(piece)) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        this.to.off("drain", go);
        this.signal.removeEventListener("abort", go);
        resolve();
      };
      this.to.once("drain", go);
      this.signal.addEventListener("abort", go, { once: true });
    });
  }
}
