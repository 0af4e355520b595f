import { AppError } from "../../../shared/errors/app-error.ts";
import { ConnectionLost, type Peer } from "../../../shared/outgoing/peer.ts";
import type { Finding } from "../../core/sink.ts";
import type { EventRefusal, RecordDestination, SinkRecord } from "../../records/record-destination.ts";
import type { Config } from "./config.ts";
import { Datagrams } from "./datagrams.ts";
import { MessageRenderer } from "./render.ts";
import { SyslogStream } from "./stream.ts";

/** A syslog server. */
export class SyslogDestination implements RecordDestination {
  private readonly renderer: MessageRenderer;
  /** With `acknowledge: none`: connections that stand and nobody writes to now. */
  private readonly idle: SyslogStream[] = [];
  private readonly open = new Set<SyslogStream>();
  private datagrams: Datagrams | undefined;
  private last = "nothing sent yet";

  constructor(private readonly config: Config) {
    this.renderer = new MessageRenderer(config);
  }

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<readonly EventRefusal[]> {
    const { messageBytesMax, transport } = this.config;
    const refusals: EventRefusal[] = [];
    const messages: Buffer[] = [];
    for (const record of records) {
      const message = this.renderer.message(record);
      if (message.length <= messageBytesMax) messages.push(message);
      else refusals.push({ record, reason: `a message of ${message.length} bytes, at most ${messageBytesMax} may be` });
    }
    if (messages.length === 0) return refusals;
    try {
      if (transport === "udp") await this.asDatagrams(messages, signal);
      else await this.onConnection(messages, signal);
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause;
      this.last = cause.message;
      throw new AppError("EDGE_DESTINATION_AWAY", `send ${messages.length} messages to ${this.peerName}`, { cause });
    }
    this.last = "taken";
    return refusals;
  }

  async stop(): Promise<void> {
    for (const stream of this.open) stream.close();
    await this.datagrams?.close();
    this.datagrams = undefined;
  }

  status(): Readonly<Record<string, unknown>> {
    return { to: this.peerName, connections: this.open.size, last: this.last };
  }

  /** Connects and says nothing; of UDP nothing can be found out. */
  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const what = this.peerName;
    if (this.config.transport === "udp") return [{ what, says: "datagrams are answered by nobody: nothing was tried" }];
    const stream = new SyslogStream(this.peer);
    try {
      await stream.connect(signal);
      return [{ what, says: "takes connections" }];
    } catch (cause) {
      return [{ what, error: new AppError("EDGE_DESTINATION_AWAY", `connect to ${what}`, { cause }) }];
    } finally {
      stream.close();
    }
  }

  private get peerName(): string {
    return `${this.config.hostname}:${this.config.port}`;
  }

  private get peer(): Peer {
    const { hostname: host, port, tls, connectTimeout: connectTimeoutMs, timeout: requestTimeoutMs } = this.config;
    return { host, port, tls, connectTimeoutMs, requestTimeoutMs };
  }

  private async onConnection(messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const bytes = Buffer.concat(messages.flatMap((message) => this.renderer.framed(message)));
    const stream = await this.connected(signal);
    try {
      await stream.write(bytes, signal);
      if (this.config.acknowledge === "close") await stream.end(signal);
    } finally {
      if (this.config.acknowledge === "none" && stream.isOpen) this.idle.push(stream);
      else this.letGo(stream);
    }
  }

  private async connected(signal: AbortSignal): Promise<SyslogStream> {
    for (let idle = this.idle.pop(); idle !== undefined; idle = this.idle.pop()) {
      if (idle.isOpen) return idle;
      this.letGo(idle);
    }
    const stream = new SyslogStream(this.peer);
    this.open.add(stream);
    try {
      await stream.connect(signal);
    } catch (cause) {
      this.letGo(stream);
      if (!(cause instanceof ConnectionLost)) throw cause;
      this.last = cause.message;
      throw new AppError("EDGE_DESTINATION_AWAY", `connect to ${this.peerName}`, { cause, nothingSent: true });
    }
    return stream;
  }

  private letGo(stream: SyslogStream): void {
    this.open.delete(stream);
    stream.close();
  }

  private async asDatagrams(messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
    this.datagrams ??= new Datagrams(this.config);
    for (const message of messages) {
      if (signal.aborted) throw new ConnectionLost("stopped in the middle");
      await this.datagrams.send(message);
    }
  }
}
