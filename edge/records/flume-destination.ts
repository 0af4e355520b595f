import { AppError } from "../../shared/errors/app-error.ts";
import type { Context } from "../core/context.ts";
import type { Finding } from "../core/sink.ts";
import type { RecordDestination, SinkRecord } from "./record-destination.ts";

/** One event as a Flume gets it; of headers with one name the last one counts. */
export interface FlumeRecord {
  readonly headers: ReadonlyMap<string, Uint8Array>;
  readonly body: Uint8Array;
}

/** A connection of Flume's RPC. It ends with an error that `isLost` knows. */
export interface FlumeClient {
  readonly isOpen: boolean;
  /** Requests that wait for their answers. */
  readonly waitingCount: number;
  connect(signal: AbortSignal): Promise<void>;
  /** Resolves with Flume's status: 0 is OK. */
  send(events: readonly FlumeRecord[]): Promise<number>;
  close(): void;
}

/** Which Flume, and how to speak with it. */
export interface FlumeWords {
  /** For messages: host and port. */
  readonly peerName: string;
  readonly keyHeader: string;
  readonly resetConnectionIntervalMs: number | undefined;
  open(): FlumeClient;
  /** Whether it says that the connection is gone, so that nobody knows what was taken. */
  isLost(thrown: unknown): thrown is Error;
  lost(message: string): Error;
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
    private readonly words: FlumeWords,
    private readonly context: Pick<Context, "clock">,
  ) {}

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<undefined> {
    const { words } = this;
    const what = `send ${records.length} events to ${words.peerName}`;
    let answer: number;
    try {
      const client = await this.connected(signal);
      answer = await this.unlessAborted(client.send(records.map((record) => this.flumeRecord(record))), signal);
    } catch (cause) {
      if (!words.isLost(cause)) throw cause;
      this.last = cause.message;
      throw new AppError("EDGE_DESTINATION_AWAY", what, { cause });
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
    return { state: connected ? "connected" : "away", to: this.words.peerName, last: this.last };
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const { peerName } = this.words;
    const client = this.words.open();
    try {
      await client.connect(signal);
      // An empty batch: whether it speaks Flume's protocol, and nothing arrives.
      await this.unlessAborted(client.send([]), signal);
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
    const { resetConnectionIntervalMs = Number.POSITIVE_INFINITY } = this.words;
    const nowMs = this.context.clock.uptimeMs();
    const isOld = nowMs - this.openedMs > resetConnectionIntervalMs && client?.waitingCount === 0;
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
    const client = this.words.open();
    await client.connect(signal);
    this.client = client;
    this.openedMs = this.context.clock.uptimeMs();
    return client;
  }

  private flumeRecord({ headers, key, body }: SinkRecord): FlumeRecord {
    const all = new Map<string, Uint8Array>();
    if (key !== undefined) all.set(this.words.keyHeader, key);
    for (const { name, value } of headers) all.set(name, value);
    return { headers: all, body };
  }

  /** What is answered after an abort nobody hears: the request may be taken, and comes again. */
  private unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const give = () => reject(this.words.lost("stopped before it was answered"));
      if (signal.aborted) give();
      signal.addEventListener("abort", give, { once: true });
      answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", give));
    });
  }
}
