import { hostname } from "node:os";
import { facilities, severities, write3164, write5424 } from "../../../shared/syslog/write-message.ts";
import { Escapes } from "../../records/escapes.ts";
import type { SinkRecord } from "../../records/record-destination.ts";
import type { Config } from "./config.ts";

const lineFeed = 10;
/** What a line feed in a body becomes where one ends the message. */
const escapedLineFeed = "#012";

/** From events to syslog messages. */
export class MessageRenderer {
  private readonly ownHost = hostname();
  /** By stream. */
  private readonly apps = new Map<string, Escapes>();

  constructor(private readonly config: Config) {}

  /** The message, without what stands around it on a connection. */
  message(record: SinkRecord): Buffer {
    const { config } = this;
    const { body, timeMs } = record;
    const head = {
      facility: numberIn(record, "Facility", facilities.length) ?? facilities.indexOf(config.facility),
      severity: numberIn(record, "Severity", severities.length) ?? severities.indexOf(config.severity),
      timeMs,
      host: headerOf(record, config.hostHeader) ?? this.ownHost,
      app: this.app(record),
    };
    if (config.format === "3164") return write3164(head, config.timeZone, body);
    return write5424(head, elementsOf(record, config), body);
  }

  /** The same as it travels on a connection. */
  framed(message: Buffer): readonly Buffer[] {
    if (this.config.framing === "octets") return [Buffer.from(`${message.length} `, "latin1"), message];
    if (!message.includes(lineFeed)) return [message, newline];
    return [Buffer.from(message.toString("latin1").replaceAll("\n", escapedLineFeed), "latin1"), newline];
  }

  private app(record: SinkRecord): string {
    const { stream } = record;
    let escapes = this.apps.get(stream);
    if (escapes === undefined) {
      escapes = new Escapes(this.config.app, { names: { stream }, missing: "-" });
      this.apps.set(stream, escapes);
    }
    return escapes.render(record);
  }
}

const newline = Buffer.from("\n");

function elementsOf({ id, key, headers }: SinkRecord, { structuredData, sdId }: Config) {
  if (structuredData === "none") return [];
  const parameters: (readonly [string, string])[] = [["id", id]];
  if (structuredData === "all") {
    if (key !== undefined) parameters.push(["key", key.toString("utf8")]);
    for (const { name, value } of headers) parameters.push([name, value.toString("utf8")]);
  }
  return [{ id: sdId, parameters }];
}

function headerOf({ headers }: SinkRecord, wanted: string): string | undefined {
  return headers.find(({ name }) => name === wanted)?.value.toString("utf8");
}

/** A header that holds a number below `end`. */
function numberIn(record: SinkRecord, name: string, end: number): number | undefined {
  const text = headerOf(record, name);
  if (text === undefined || !/^\d{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value < end ? value : undefined;
}
