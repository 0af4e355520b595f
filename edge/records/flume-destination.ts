import type { z } from "zod";
import { AppError } from "../../shared/errors/app-error.ts";
import type { OutgoingEvent } from "../../shared/flume-rpc/event.ts";
import { ConnectionLost, type Peer } from "../../shared/outgoing/peer.ts";
import type { Context } from "../core/context.ts";
import type { Finding } from "../core/sink.ts";
import type { flumePeerFields } from "./flume-fields.ts";
import type { RecordDestination, SinkRecord } from "./record-destination.ts";

/** A connection of Flume's RPC. It ends with ConnectionLost. */
export interface FlumeClient {
  readonly isOpen: boolean;
  /** Requests that wait for their answers. */
  readonly waitingCount: number;
  connect(signal: AbortSignal): Promise<void>;
  /** Resolves with Flume's status: 0 is OK. An event's last header of a name counts. */
  appendBatch(events: readonly OutgoingEvent[]): Promise<number>;
  close(): void;
}

/** What `flumePeerFields` yield. */
export type FlumePeerConfig = z.output<z.ZodObject<ReturnType<typeof flumePeerFields>>>;

/** Whom to connect to. */
export function flumePeer({ hostname: host, port, tls, connectTimeout, requestTimeout }: FlumePeerConfig): Peer {
  return { host, port, tls, connectTimeoutMs: connectTimeout, requestTimeoutMs: requestTimeout };
}

const ok = 0;

/**
 * A Flume's source (Avro, Thrift). It answers OK when its channels have the events, or FAILED, and says no more: its channel is full,
 * or the batch is larger than its transactions. So a batch that failed is tried in halves; a single event is tried again.
 */
export class FlumeDestination implements RecordDestination {
  private client: FlumeClient | undefined;
  private connecting: Promise<FlumeClient> | undefined;
  private openedMs = 0;
  private last = "not connected yet";

  constructor(
    private readonly config: FlumePeerConfig,
    private readonly makeClient: () => FlumeClient,
    private readonly context: Pick<Context, "clock">,
  ) {}

  private get peerName(): string {
    return `${this.config.hostname}:${this.config.port}`;
  }

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<undefined> {
    const what = `send ${records.length} events to ${this.peerName}`;
    let answer: number;
    let isConnected = false;
    try {
      const client = await this.connected(signal);
      isConnected = true;
      answer = await this.unlessAborted(client.appendBatch(records.map((record) => this.outgoing(record))), signal);
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause;
      this.last = cause.message;
      throw new AppError("EDGE_DESTINATION_AWAY", what, { cause, nothingSent: !isConnected });
    }
    this.last = answer === ok ? "OK" : "FAILED";
    if (answer === ok) return undefined;
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
    const { peerName } = this;
    const client = this.makeClient();
    try {
      await client.connect(signal);
      // An empty batch: whether it speaks Flume's protocol, and nothing arrives.
      await this.unlessAborted(client.appendBatch([]), signal);
      return [{ what: peerName, says: "takes events" }];
    } catch (cause) {
      return [{ what: peerName, error: new AppError("EDGE_DESTINATION_AWAY", `connect to ${peerName}`, { cause }) }];
    } finally {
      client.close();
    }
  }

  /** The connection, opened where there is none; writers that come meanwhile wait for the same one. */
  private async connected(signal: AbortSignal): Promise<FlumeClient> {
    const { client } = this;
    const { resetConnectionInterval: intervalMs = Number.POSITIVE_INFINITY } = this.config;
    const nowMs = this.context.clock.uptimeMs();
    const isOld = nowMs - this.openedMs > intervalMs && client?.waitingCount === 0;
    if (client?.isOpen === true && !isOld) return client;
    if (this.connecting === undefined) {
      client?.close();
      this.connecting = this.open(signal).finally(() => {
        this.connecting = undefined;
      });
    }
    return this.connecting;
  }

  private async open(signal: AbortSignal): Promise<FlumeClient> {
    const client = this.makeClient();
    await client.connect(signal);
    this.client = client;
    this.openedMs = this.context.clock.uptimeMs();
    return client;
  }

  private outgoing({ headers, key, body }: SinkRecord): OutgoingEvent {
    const all = new Map<string, Uint8Array>();
    if (key !== undefined) all.set(this.config.keyHeader, key);
    for (const { name, value } of headers) all.set(name, value);
    return { headers: all, body };
  }

  /** What is answered after an abort nobody hears: the request may be taken, and comes again. */
  private unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const give = () => reject(new ConnectionLost("stopped before it was answered"));
      if (signal.aborted) give();
      signal.addEventListener("abort", give, { once: true });
      answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", give));
    });
  }
}
