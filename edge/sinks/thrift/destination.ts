import { ThriftClient, ThriftConnectionLost } from "../../../shared/thrift-rpc/client.ts";
import type { Context } from "../../core/context.ts";
import { type FlumeClient, FlumeDestination, type FlumeRecord } from "../../records/flume-destination.ts";
import type { Config } from "./config.ts";

/** A Flume's Thrift source. */
export function thriftDestination(config: Config, context: Pick<Context, "clock">): FlumeDestination {
  const { hostname: host, port, protocol, tls, connectTimeout, requestTimeout } = config;
  const peer = { host, port, protocol, tls, connectTimeoutMs: connectTimeout, requestTimeoutMs: requestTimeout };
  const words = {
    peerName: `${host}:${port}`,
    keyHeader: config.keyHeader,
    resetConnectionIntervalMs: config.resetConnectionInterval,
    open: () => new Calls(new ThriftClient(peer)),
    isLost: (thrown: unknown) => thrown instanceof ThriftConnectionLost,
    lost: (message: string) => new ThriftConnectionLost(message),
  };
  return new FlumeDestination(words, context);
}

class Calls implements FlumeClient {
  constructor(private readonly client: ThriftClient) {}

  get isOpen(): boolean {
    return this.client.isOpen;
  }

  get waitingCount(): number {
    return this.client.waitingCount;
  }

  connect(signal: AbortSignal): Promise<void> {
    return this.client.connect(signal);
  }

  send(events: readonly FlumeRecord[]): Promise<number> {
    return this.client.appendBatch(events);
  }

  close(): void {
    this.client.close();
  }
}
