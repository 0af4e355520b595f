import { AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { AvroClient, AvroConnectionLost, type AvroPeer } from "../../../shared/avro-rpc/client.ts";
import { writeEvent } from "../../../shared/avro-rpc/flume-events.ts";
import { status } from "../../../shared/avro-rpc/flume-protocol.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Context } from "../../core/context.ts";
import type { Finding } from "../../core/sink.ts";
import type { RecordDestination, SinkRecord } from "../../records/record-destination.ts";
import type { Config } from "./config.ts";

/**
 * A Flume's Avro source. It answers OK when its channels have the events, or FAILED, and says no more: its channel is full, or
 * the batch is larger than its transactions. So a batch that failed is tried in halves; a single event is tried again.
 */
export class AvroDestination implements RecordDestination {
  private client: AvroClient | undefined;
  private connecting: Promise<AvroClient> | undefined;
  private openedMs = 0;
  private last = "not connected yet";

  constructor(
    private readonly config: Config,
    private readonly context: Pick<Context, "clock">,
  ) {}

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<undefined> {
    const what = `send ${records.length} events to ${this.peerName}`;
    let answer: number;
    try {
      const client = await this.connected(signal);
      answer = await unlessAborted(client.call("appendBatch", this.encoded(records)), signal);
    } catch (cause) {
      if (!(cause instanceof AvroConnectionLost)) throw cause;
      this.last = cause.message;
      throw new AppError("EDGE_DESTINATION_AWAY", what, { cause });
    }
    this.last = answer === status.ok ? "OK" : "FAILED";
    if (answer === status.ok) return undefined;
    const hint = "Its channel is full, or its transactionCapacity is smaller than batchSize: its log says which.";
    if (records.length > 1) throw new AppError("EDGE_RECORD_REFUSED", `${what}: FAILED`, { hint });
    throw new AppError("EDGE_DESTINATION_AWAY", `${what}: FAILED`, { hint });
  }

  async stop(): Promise<void> {
    this.client?.close();
  }

  status(): Readonly<Record<string, unknown>> {
    const connected = this.client?.isOpen === true;
    return { state: connected ? "connected" : "away", to: this.peerName, last: this.last };
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const client = new AvroClient(this.peer);
    try {
      await client.connect(signal);
      // An empty batch: whether it speaks Flume's protocol, and nothing arrives.
      await unlessAborted(client.call("appendBatch", this.encoded([])), signal);
      return [{ what: this.peerName, says: "takes events" }];
    } catch (cause) {
      return [
        { what: this.peerName, error: new AppError("EDGE_DESTINATION_AWAY", `connect to ${this.peerName}`, { cause }) },
      ];
    } finally {
      client.close();
    }
  }

  private get peerName(): string {
    return `${this.config.hostname}:${this.config.port}`;
  }

  private get peer(): AvroPeer {
    const { hostname: host, port, tls, compression, connectTimeout, requestTimeout } = this.config;
    return { host, port, tls, compression, connectTimeoutMs: connectTimeout, requestTimeoutMs: requestTimeout };
  }

  /** The connection, opened where there is none; writers that come meanwhile wait for the same one. */
  private async connected(signal: AbortSignal): Promise<AvroClient> {
    const { client } = this;
    const { resetConnectionInterval = Number.POSITIVE_INFINITY } = this.config;
    const nowMs = this.context.clock.uptimeMs();
    const isOld = nowMs - this.openedMs > resetConnectionInterval && client?.waitingCount === 0;
    if (client?.isOpen === true && !isOld) return client;
    if (this.connecting === undefined) {
      client?.close();
      this.connecting = this.open(signal).finally(() => {
        this.connecting = undefined;
      });
    }
    return this.connecting;
  }

  private async open(signal: AbortSignal): Promise<AvroClient> {
    const client = new AvroClient(this.peer);
    await client.connect(signal);
    this.client = client;
    this.openedMs = this.context.clock.uptimeMs();
    return client;
  }

  private encoded(records: readonly SinkRecord[]): Buffer {
    const writer = new AvroWriter(64 * 1024);
    if (records.length > 0) writer.long(records.length);
    const { keyHeader } = this.config;
    for (const { headers, key, body } of records) {
      const all = new Map<string, Uint8Array>();
      if (key !== undefined) all.set(keyHeader, key);
      for (const { name, value } of headers) all.set(name, value);
      writeEvent(writer, all, body);
    }
    return writer.long(0).written;
  }
}

/** What is answered after an abort nobody hears: the request may be taken, and comes again. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => reject(new AvroConnectionLost("stopped before it was answered"));
    if (signal.aborted) give();
    signal.addEventListener("abort", give, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", give));
  });
}
