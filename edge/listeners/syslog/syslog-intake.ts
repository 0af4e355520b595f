import type { LineOutput } from "../../../shared/lines/split-lines.ts";
import type { EventView } from "../../core/event-view.ts";
import type { Intake } from "../../core/source.ts";
import { type KeptField, SyslogMessage, withKeptFields } from "./message.ts";

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

/** Appends syslog messages with the headers that Flume gives them. One object for a connection, or for all datagrams. */
export class SyslogIntake implements LineOutput {
  /** Who sends. */
  clientIp = "";

  private readonly message: SyslogMessage;
  private readonly kept: ReadonlySet<KeptField> | undefined;
  private cut = false;

  constructor(
    private readonly intake: Intake,
    private readonly config: SyslogConfig,
    now: () => number,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    const { keepFields, timeZone } = config;
    this.message = new SyslogMessage({ timeZone, now });
    this.kept = typeof keepFields === "string" ? undefined : new Set(keepFields);
  }

  line(buffer: Buffer, start: number, end: number): void {
    this.cut = false;
    this.append(buffer, start, end);
  }

  cutLine(buffer: Buffer, start: number, end: number): void {
    this.cut = true;
    this.append(buffer, start, end);
    this.intake.count("cut", 1);
  }

  leftOut(bytes: number): void {
    if (bytes > 0) this.intake.count("cut_bytes", bytes);
  }

  private append(buffer: Buffer, start: number, end: number): void {
    const { message, config, kept } = this;
    message.parse(buffer, start, end);
    if (!message.isValid) this.intake.count("syslog_invalid", 1);
    if (config.keepFields === "all" || !message.hasHeader) {
      this.intake.appendWith(buffer, start, end, this.prepare);
    } else if (kept === undefined) {
      this.intake.appendWith(buffer, message.bodyStart, end, this.prepare);
    } else {
      const whole = withKeptFields(message, buffer.subarray(message.bodyStart, end), kept);
      this.intake.appendWith(whole, 0, whole.length, this.prepare);
    }
  }

  private readonly prepare = (view: EventView): void => {
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
    else if (this.cut) view.setHeader(statusHeader, "Incomplete");
    if (config.clientIpHeader !== undefined) view.setHeader(config.clientIpHeader, clientIp);
    for (const name in this.headers) view.setHeader(name, this.headers[name] ?? "");
    const key = config.key === "host" ? message.host : config.key === "client_ip" ? clientIp : "";
    if (key !== "") view.key = key;
  };
}
