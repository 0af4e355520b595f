import { AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { AvroClient, AvroConnectionLost } from "../../../shared/avro-rpc/client.ts";
import { writeEvent } from "../../../shared/avro-rpc/flume-events.ts";
import type { Context } from "../../core/context.ts";
import { type FlumeClient, FlumeDestination, type FlumeRecord } from "../../records/flume-destination.ts";
import type { Config } from "./config.ts";

/** A Flume's Avro source. */
export function avroDestination(config: Config, context: Pick<Context, "clock">): FlumeDestination {
  const { hostname: host, port, tls, compression, connectTimeout, requestTimeout } = config;
  const peer = { host, port, tls, compression, connectTimeoutMs: connectTimeout, requestTimeoutMs: requestTimeout };
  const words = {
    peerName: `${host}:${port}`,
    keyHeader: config.keyHeader,
    resetConnectionIntervalMs: config.resetConnectionInterval,
    open: () => new Requests(new AvroClient(peer)),
    isLost: (thrown: unknown) => thrown instanceof AvroConnectionLost,
    lost: (message: string) => new AvroConnectionLost(message),
  };
  return new FlumeDestination(words, context);
}

class Requests implements FlumeClient {
  constructor(private readonly client: AvroClient) {}

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
    const writer = new AvroWriter(64 * 1024);
    if (events.length > 0) writer.long(events.length);
    for (const { headers, body } of events) writeEvent(writer, headers, body);
    return this.client.call("appendBatch", writer.long(0).written);
  }

  close(): void {
    this.client.close();
  }
}
