/**
 * Takes a syslog message apart, of RFC 3164 and of RFC 5424, as they come from devices: what is not understood stays in the
 * body, and nothing of a message is ever lost.
 *
 *     <PRI>Mmm dd hh:mm:ss HOST rest                        RFC 3164; the year is the one that brings it closest to now
 *     <PRI>1 TIME HOST APP PROCID MSGID SD rest             RFC 5424; `-` stands for nothing
 *     <PRI>TIME HOST rest                                   rsyslog's forward format: a full time without the version
 *
 * By hand and on bytes: with one object for all messages, and strings only for what becomes a header.
 */

/** The parts that are kept in front of the body, as Flume's `keepFields` does. */
export type KeptField = "priority" | "version" | "timestamp" | "hostname";

/** How a message is read. */
export interface SyslogOptions {
  /** Of times without a zone. */
  readonly timeZone: "local" | "utc";
  /** The time of this machine, for years. */
  readonly now: () => number;
}

const open = 60;
const close = 62;
const space = 32;
const dash = 45;
const digit = (code: number | undefined) => code !== undefined && code >= 48 && code <= 57;
const months = new Map(
  ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].map((name, at) => [name, at]),
);
const hostname = /^[\w:][\w.@:-]*$/;
const shortTime = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2})/;
const fullTime = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/;
const timeCharactersMax = 40;
const priorityMax = 191;
const dayMs = 86_400_000;

/** One message; the same object for the next. */
export class SyslogMessage {
  /** It begins with a priority. All else of a message without one is its body. */
  isValid = false;
  /** Time and host were understood; false: they stay in the body. */
  hasHeader = false;
  facility = 0;
  severity = 0;
  priority = "";
  version = "";
  /** As it was written; empty: none. */
  timeText = "";
  /** Milliseconds since 1970; undefined: it says none. */
  timeMs: number | undefined;
  /** Empty: it says none. */
  host = "";
  /** The body is `buffer[bodyStart..end)`. */
  bodyStart = 0;

  private lastTime = "";
  private lastTimeMs: number | undefined;

  constructor(private readonly options: SyslogOptions) {}

  parse(buffer: Buffer, start: number, end: number): void {
    this.reset(start);
    let at = this.readPriority(buffer, start, end);
    if (at < 0) return;
    this.isValid = true;
    if (digit(buffer[at]) && buffer[at + 1] === space && at + 2 < end) {
      this.version = String.fromCharCode(buffer[at] ?? 0);
      at += 2;
    }
    const next = this.readTime(buffer, at, end);
    if (next < 0) return;
    this.readHost(buffer, next, end);
  }

  private reset(start: number): void {
    this.isValid = false;
    this.hasHeader = false;
    this.facility = 0;
    this.severity = 0;
    this.priority = "";
    this.version = "";
    this.timeText = "";
    this.timeMs = undefined;
    this.host = "";
    this.bodyStart = start;
  }

  /** Where the text behind `<PRI>` begins; -1: there is none. */
  private readPriority(buffer: Buffer, start: number, end: number): number {
    if (buffer[start] !== open) return -1;
    let at = start + 1;
    let value = 0;
    for (; at < end && at < start + 4 && digit(buffer[at]); at++) value = value * 10 + (buffer[at] ?? 0) - 48;
    if (at === start + 1 || at >= end || buffer[at] !== close || value > priorityMax) return -1;
    this.priority = buffer.toString("latin1", start + 1, at);
    this.facility = value >> 3;
    this.severity = value & 7;
    return at + 1;
  }

  /** Where the text behind the time and its space begins; -1: there is none that is understood. */
  private readTime(buffer: Buffer, at: number, end: number): number {
    if (buffer[at] === dash && buffer[at + 1] === space && at + 1 < end) {
      this.timeText = "-";
      return at + 2;
    }
    const text = buffer.toString("latin1", at, Math.min(end, at + timeCharactersMax));
    const short = shortTime.exec(text)?.[0];
    const written = short ?? text.slice(0, text.indexOf(" "));
    if (written === "" || text[written.length] !== " ") return -1;
    if (written !== this.lastTime) {
      this.lastTime = written;
      this.lastTimeMs = short === undefined ? this.full(written) : this.short(written);
    }
    if (this.lastTimeMs === undefined) return -1;
    this.timeText = written;
    this.timeMs = this.lastTimeMs;
    return at + written.length + 1;
  }

  private readHost(buffer: Buffer, at: number, end: number): void {
    const found = buffer.indexOf(space, at);
    const stop = found < 0 || found >= end ? end : found;
    const text = stop - at > 255 ? "" : buffer.toString("latin1", at, stop);
    // `su:` is the name of a program in a message without a host.
    if (text !== "-" && (!hostname.test(text) || text.endsWith(":"))) {
      this.timeText = "";
      this.timeMs = undefined;
      return;
    }
    this.host = text === "-" ? "" : text;
    this.hasHeader = true;
    this.bodyStart = Math.min(end, stop + 1);
  }

  private full(text: string): number | undefined {
    const [, year, month, day, hour, minute, second, fraction = "0", zone] = fullTime.exec(text) ?? [];
    if (year === undefined) return undefined;
    const ms = Math.floor(Number(`0.${fraction}`) * 1_000);
    const parts = [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)] as const;
    const timeMs = this.timeOf(parts, zone === undefined ? this.options.timeZone : "utc");
    if (timeMs === undefined) return undefined;
    return timeMs + ms - offsetMs(zone ?? "Z");
  }

  /** Without a year: that of now, or the one beside it, such that the time lies in the eleven months before now or soon after. */
  private short(text: string): number | undefined {
    const [, name = "", day, hour, minute, second] = shortTime.exec(text) ?? [];
    const month = months.get(name);
    if (month === undefined) return undefined;
    const nowMs = this.options.now();
    const year = new Date(nowMs).getUTCFullYear();
    let closest: number | undefined;
    for (const each of [year, year - 1, year + 1]) {
      const parts = [each, month, Number(day), Number(hour), Number(minute), Number(second)] as const;
      const timeMs = this.timeOf(parts, this.options.timeZone);
      if (timeMs !== undefined && timeMs - nowMs < 31 * dayMs && nowMs - timeMs < 335 * dayMs) return timeMs;
      closest ??= timeMs;
    }
    return closest;
  }

  private timeOf(parts: readonly [number, number, number, number, number, number], zone: "local" | "utc") {
    const [year, month, day, hour, minute, second] = parts;
    // A leap second is the one before it.
    if (month > 11 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
    const time = new Date(Date.UTC(year, month, day, hour, minute, Math.min(second, 59)));
    if (time.getUTCDate() !== day) return undefined;
    return zone === "utc" ? time.getTime() : new Date(year, month, day, hour, minute, Math.min(second, 59)).getTime();
  }
}

function offsetMs(zone: string): number {
  if (zone === "Z") return 0;
  const digits = zone.replace(":", "");
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (digits.startsWith("-") ? -minutes : minutes) * 60_000;
}

/** The body with the parts in front of it that are to be kept, in Flume's order. */
export function withKeptFields(message: SyslogMessage, body: Buffer, fields: ReadonlySet<KeptField>): Buffer {
  let kept = fields.has("priority") ? `<${message.priority}>` : "";
  if (fields.has("version") && message.version !== "") kept += `${message.version} `;
  if (fields.has("timestamp")) kept += `${message.timeText} `;
  if (fields.has("hostname")) kept += `${message.host === "" ? "-" : message.host} `;
  return Buffer.concat([Buffer.from(kept, "latin1"), body]);
}
