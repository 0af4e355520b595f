/**
 * A publisher's connection to an MQTT broker: messages of QoS 1, so many under way as the broker takes, each acknowledged by its id.
 * The broker keeps no session of ours: what was not acknowledged when a connection ends is published anew on the next one.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AppError } from "../../../shared/errors/app-error.ts";
import {
  type ConnectWords,
  connectPacket,
  disconnectPacket,
  type OutgoingMessage,
  type PacketHead,
  packetTypes,
  pingPacket,
  publishPacket,
  readConnack,
  readPacketHead,
  readPuback,
  wordsOfCode,
} from "../../../shared/mqtt/packets.ts";
import { ConnectionLost, type Peer, tlsOptions, untilConnected } from "../../../shared/outgoing/peer.ts";
import { codes } from "../../records/codes.ts";

/** What became of a message. */
export type PublishOutcome =
  /** The broker has it. */
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly code: number; readonly reason: string }
  /** It was sent, and the connection ended before an answer came. */
  | { readonly kind: "unsure"; readonly reason: string }
  | { readonly kind: "unsent"; readonly reason: string };

interface Waiting {
  readonly settle: (outcome: PublishOutcome) => void;
}

/** What a broker says to a publisher is short. */
const answerBytesMax = 256 * 1024;
const idMax = 65_535;

export class MqttClient {
  /** The broker takes no larger packet. */
  packetBytesMax = Number.POSITIVE_INFINITY;
  private inFlightMax: number;
  private socket: Socket | undefined;
  private received: Buffer = Buffer.alloc(0);
  private lost: Error | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly queue: { readonly message: OutgoingMessage; readonly settle: (outcome: PublishOutcome) => void }[] =
    [];
  private lastId = 0;
  private heardMs = 0;
  /** Something is waited for since then. */
  private waitsSinceMs = 0;
  private pulse: ReturnType<typeof setInterval> | undefined;
  private readonly login = Promise.withResolvers<void>();

  constructor(
    private readonly peer: Peer,
    private readonly words: ConnectWords,
  ) {
    this.inFlightMax = words.inFlightMax;
    this.login.promise.catch(() => undefined);
  }

  get isOpen(): boolean {
    return this.socket !== undefined && this.lost === undefined;
  }

  /** @throws ConnectionLost when there is no connection in time, or the signal aborts; AppError when the broker lets us not in. */
  async connect(signal: AbortSignal): Promise<void> {
    const { host, port, tls, connectTimeoutMs } = this.peer;
    const socket =
      tls === undefined ? connectPlain({ host, port }) : connectTls({ host, port, ...tlsOptions(this.peer) });
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.setNoDelay(true);
    const stop = () => this.cut(new ConnectionLost("stopped while it connected"));
    const late = setTimeout(() => this.cut(new ConnectionLost("the broker does not answer")), connectTimeoutMs);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await untilConnected(socket, this.peer, signal, (error) => this.cut(error));
      socket.write(connectPacket(this.words));
      await this.login.promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
    }
    this.heardMs = performance.now();
    this.pulse = setInterval(
      () => this.beat(),
      Math.min(this.words.keepAliveSeconds * 500, this.peer.requestTimeoutMs / 4),
    );
  }

  /** In their order; resolves when it is known of each what became of it, or that nobody knows. */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]> {
    const outcomes = messages.map(
      (message) => new Promise<PublishOutcome>((settle) => void this.queue.push({ message, settle })),
    );
    if (this.lost === undefined) this.send();
    else this.giveUp(this.lost);
    return Promise.all(outcomes);
  }

  /** Says good-bye. */
  close(): void {
    if (this.isOpen) this.socket?.write(disconnectPacket);
    this.cut(new ConnectionLost("closed by us"));
  }

  /** As many as may be under way. */
  private send(): void {
    const packets: Buffer[] = [];
    if (this.waiting.size === 0) this.waitsSinceMs = performance.now();
    while (this.waiting.size < Math.min(this.inFlightMax, idMax)) {
      const next = this.queue.shift();
      if (next === undefined) break;
      const id = this.freeId();
      this.waiting.set(id, { settle: next.settle });
      packets.push(publishPacket(this.words.version, id, next.message));
    }
    if (packets.length > 0) this.socket?.write(Buffer.concat(packets));
  }

  private freeId(): number {
    do this.lastId = this.lastId >= idMax ? 1 : this.lastId + 1;
    while (this.waiting.has(this.lastId));
    return this.lastId;
  }

  private beat(): void {
    const nowMs = performance.now();
    const { requestTimeoutMs } = this.peer;
    if (this.waiting.size > 0 && nowMs - this.waitsSinceMs > requestTimeoutMs) {
      this.cut(new ConnectionLost(`no acknowledgement within ${requestTimeoutMs} ms`));
      return;
    }
    const quietMs = nowMs - this.heardMs;
    if (quietMs > this.words.keepAliveSeconds * 1_500) this.cut(new ConnectionLost("the broker has fallen silent"));
    else if (quietMs > this.words.keepAliveSeconds * 400) this.socket?.write(pingPacket);
  }

  private take(chunk: Buffer): void {
    if (this.lost !== undefined) return;
    this.heardMs = performance.now();
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    for (;;) {
      const head = readPacketHead(this.received);
      if (head === "more") return;
      if (head === undefined || head.end > answerBytesMax) {
        this.cut(refusal("it does not answer as one"));
        return;
      }
      if (head.end > this.received.length) return;
      const refused = this.hear(this.received, head);
      if (refused !== undefined) {
        this.cut(refused);
        return;
      }
      this.received = this.received.subarray(head.end);
    }
  }

  /** One packet; answers why the connection has to end. */
  private hear(bytes: Buffer, head: PacketHead): Error | undefined {
    switch (head.type) {
      case packetTypes.connack: {
        const connack = readConnack(bytes, head);
        if (connack === undefined) return refusal("it does not answer as one");
        if (connack.code !== 0) return refusal(wordsOfCode(connack.code));
        this.inFlightMax = Math.min(this.inFlightMax, connack.inFlightMax ?? idMax);
        this.packetBytesMax = connack.packetBytesMax ?? Number.POSITIVE_INFINITY;
        this.login.resolve();
        return undefined;
      }
      case packetTypes.puback: {
        const puback = readPuback(bytes, head);
        if (puback === undefined) return new ConnectionLost("an acknowledgement cannot be read");
        const { id, code, reason = wordsOfCode(code) } = puback;
        this.waiting.get(id)?.settle(code < 128 ? { kind: "taken" } : { kind: "refused", code, reason });
        this.waiting.delete(id);
        this.waitsSinceMs = performance.now();
        this.send();
        return undefined;
      }
      case packetTypes.disconnect: {
        const code = head.end > head.bodyAt ? (bytes[head.bodyAt] ?? 0) : 0;
        return new ConnectionLost(`the broker ended the connection: ${wordsOfCode(code)}`);
      }
      default:
        return undefined;
    }
  }

  private cut(error: Error): Error {
    if (this.lost !== undefined) return this.lost;
    this.lost = error;
    clearInterval(this.pulse);
    this.socket?.destroy();
    this.login.reject(error);
    this.giveUp(error);
    return error;
  }

  private giveUp({ message: reason }: Error): void {
    for (const { settle } of this.waiting.values()) settle({ kind: "unsure", reason });
    this.waiting.clear();
    for (const { settle } of this.queue.splice(0)) settle({ kind: "unsent", reason });
  }
}

function refusal(why: string): AppError {
  return new AppError(codes.EDGE_MQTT_REFUSED, `log in at the broker: ${why}`, { nothingSent: true });
}
