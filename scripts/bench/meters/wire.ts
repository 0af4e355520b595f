import { connect, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../../shared/clock/clock.ts";
import { apiKeys } from "../../drivers/faults/kafka-frames.ts";
import { FrameCounter } from "./frame-counter.ts";

/** Traffic since the last `reset`, TCP payload without headers of the network. */
export interface WireUsage {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly produceRequests: number;
  readonly requests: number;
}

/**
 * Stands between an agent and the broker, which advertises this port to it: counts bytes and requests, and can be cut.
 */
export class WireMeter implements AsyncDisposable {
  /** When the first Produce request since the last `reset` came by, milliseconds since 1970. */
  firstProduceMs: number | undefined;
  private counters: FrameCounter[] = [];
  private receivedBytes = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private isCut = false;

  constructor(
    private readonly target: { readonly host: string; readonly port: number },
    private readonly clock: Clock,
  ) {
    this.server = createServer((client) => this.join(client));
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, "127.0.0.1", resolve);
    });
  }

  usage(): WireUsage {
    let sentBytes = 0;
    let produceRequests = 0;
    let requests = 0;
    for (const counter of this.counters) {
      sentBytes += counter.bytes;
      produceRequests += counter.count(apiKeys.produce);
      for (const count of counter.requests.values()) requests += count;
    }
    return { sentBytes, receivedBytes: this.receivedBytes, produceRequests, requests };
  }

  /** From now on nobody reaches the broker from here: connections break, new ones are closed at once. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** The way is open again. */
  restore(): void {
    this.isCut = false;
  }

  /** Takes the time of the next Produce request anew; the counters run on (take differences). */
  reset(): void {
    this.firstProduceMs = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private join(client: Socket): void {
    if (this.isCut) {
      client.destroy();
      return;
    }
    const broker = connect(this.target);
    const counter = new FrameCounter();
    this.counters.push(counter);
    client.setNoDelay(true);
    broker.setNoDelay(true);
    client.on("data", (chunk: Buffer) => {
      const before = counter.count(apiKeys.produce);
      counter.push(chunk);
      if (this.firstProduceMs === undefined && counter.count(apiKeys.produce) > before) {
        this.firstProduceMs = this.clock.now();
      }
    });
    broker.on("data", (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
    });
    client.pipe(broker);
    broker.pipe(client);
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.sockets.add(socket);
      // Either side may break at any time: the other one is to see it, nobody else.
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
}

/** What happened between two readings. */
export function wireBetween(before: WireUsage, after: WireUsage): WireUsage {
  return {
    sentBytes: after.sentBytes - before.sentBytes,
    receivedBytes: after.receivedBytes - before.receivedBytes,
    produceRequests: after.produceRequests - before.produceRequests,
    requests: after.requests - before.requests,
  };
}
