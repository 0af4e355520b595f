import { type KeptField, SyslogMessage, withKeptFields } from "../../../shared/syslog/message.ts";
import type { EventView } from "../../core/event-view.ts";

/** What `syslogFields` reads. */
export interface SyslogConfig {
  readonly keepFields: "none" | "all" | readonly KeptField[];
  readonly timeZone: "local" | "utc";
  readonly eventTime: "message" | "received";
  readonly key: "none" | "host" | "client_ip";
  readonly clientIpHeader?: string | undefined;
}

/** Flume's header for a message that is none, or was cut. */
const statusHeader = "flume.syslog.status";

/**
 * Makes events of syslog messages, with the headers that Flume gives them. One object for a connection, or for all datagrams:
 * `read` looks at a message, then `buffer[start..end)` is the event's body and `prepare` sets the rest on its view.
 */
export class SyslogReader {
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Who sends. */
  clientIp = "";

  private readonly message: SyslogMessage;
  private readonly kept: ReadonlySet<KeptField> | undefined;
  private isCut = false;

  constructor(
    private readonly config: SyslogConfig,
    now: () => number,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    const { keepFields, timeZone } = config;
    this.message = new SyslogMessage({ timeZone, now });
    this.kept = typeof keepFields === "string" ? undefined : new Set(keepFields);
  }

  /** It begins with a priority. */
  get isValid(): boolean {
    return this.message.isValid;
  }

  read(buffer: Buffer, start: number, end: number, isCut: boolean): void {
    const { message, config, kept } = this;
    message.parse(buffer, start, end);
    this.isCut = isCut;
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    if (config.keepFields === "all" || !message.hasHeader) return;
    this.start = message.bodyStart;
    if (kept === undefined) return;
    this.buffer = withKeptFields(message, buffer.subarray(message.bodyStart, end), kept);
    this.start = 0;
    this.end = this.buffer.length;
  }

  readonly prepare = (view: EventView): void => {
    const { message, config, clientIp } = this;
    view.setHeader("Facility", String(message.facility));
    view.setHeader("Severity", String(message.severity));
    if (message.priority !== "") view.setHeader("priority", message.priority);
    if (message.version !== "") view.setHeader("version", message.version);
    if (message.timeMs !== undefined) {
      view.setHeader("timestamp", String(message.timeMs));
      if (config.eventTime === "message") view.eventTimeMs = message.timeMs;
    }
    if (message.host !== "") view.setHeader("host", message.host);
    if (!message.isValid) view.setHeader(statusHeader, "Invalid");
    else if (this.isCut) view.setHeader(statusHeader, "Incomplete");
    if (config.clientIpHeader !== undefined) view.setHeader(config.clientIpHeader, clientIp);
    for (const name in this.headers) view.setHeader(name, this.headers[name] ?? "");
    const key = config.key === "host" ? message.host : config.key === "client_ip" ? clientIp : "";
    if (key !== "") view.key = key;
  };
}
