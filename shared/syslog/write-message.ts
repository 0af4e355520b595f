/** Writes syslog messages, of RFC 5424 and of RFC 3164; `message.ts` reads them. A body is bytes and stays as it is. */

/** Facilities by the names that people write, in the order of their numbers (RFC 5424, table 1). */
export const facilities = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "syslog",
  "lpr",
  "news",
  "uucp",
  "cron",
  "authpriv",
  "ftp",
  "ntp",
  "audit",
  "alert",
  "clock",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
] as const;
/** Severities in the order of their numbers (RFC 5424, table 2). */
export const severities = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;

/** What stands before a body. */
export interface SyslogHead {
  readonly facility: number;
  readonly severity: number;
  readonly timeMs: number;
  /** Empty: it has none. */
  readonly host: string;
  readonly app: string;
}

/** One element of structured data: its name, and its parameters. */
export interface SyslogElement {
  readonly id: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `<PRI>1 TIME HOST APP - - [SD] body`. */
export function write5424(head: SyslogHead, elements: readonly SyslogElement[], body: Buffer): Buffer {
  const { facility, severity, timeMs, host, app } = head;
  // A time that no date can hold is said to be unknown, as the RFC has it.
  const time = isShown(timeMs) ? new Date(timeMs).toISOString() : "-";
  const data = elements.length === 0 ? "-" : elements.map(elementText).join("");
  const front = `<${facility * 8 + severity}>1 ${time} ${word(host, 255)} ${word(app, 48)} - - ${data}`;
  return body.length === 0 ? Buffer.from(front, "utf8") : Buffer.concat([Buffer.from(`${front} `, "utf8"), body]);
}

/** `<PRI>Mmm dd hh:mm:ss HOST APP: body`; the RFC has no year, no zone, and seconds alone. */
export function write3164(head: SyslogHead, timeZone: "local" | "utc", body: Buffer): Buffer {
  const { facility, severity, timeMs, host, app } = head;
  const time = shortTime(isShown(timeMs) ? timeMs : 0, timeZone);
  const tag = app.replaceAll(/[^\w./-]/g, "_").slice(0, 32);
  const front = `<${facility * 8 + severity}>${time} ${word(host, 255)} ${tag === "" ? "-" : tag}: `;
  return Buffer.concat([Buffer.from(front, "latin1"), body]);
}

/** The RFC's years have four digits. */
function isShown(timeMs: number): boolean {
  return timeMs >= -62_167_219_200_000 && timeMs <= 253_402_300_799_999;
}

function shortTime(timeMs: number, timeZone: "local" | "utc"): string {
  const date = new Date(timeMs);
  const [month, day, hour, minute, second] =
    timeZone === "utc"
      ? [date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
      : [date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  const clock = [hour, minute, second].map((part) => String(part).padStart(2, "0")).join(":");
  return `${months[month]} ${String(day).padStart(2, " ")} ${clock}`;
}

/** Printable ASCII without spaces, as names in a head must be; `-` stands for none. */
function word(text: string, charactersMax: number): string {
  const safe = text.replaceAll(/[^!-~]/g, "_").slice(0, charactersMax);
  return safe === "" ? "-" : safe;
}

function elementText({ id, parameters }: SyslogElement): string {
  const shown = parameters.map(([name, value]) => ` ${sdName(name)}="${value.replaceAll(/["\\\]]/g, "\\$&")}"`);
  return `[${id}${shown.join("")}]`;
}

/** SD-NAME: at most 32 printable characters, none of `= ] "` among them. */
function sdName(name: string): string {
  const safe = name.replaceAll(/[^!-~]|[=\]"]/g, "_").slice(0, 32);
  return safe === "" ? "_" : safe;
}
