/**
 * Names with escapes, as in Flume's HDFS sink: `%{header}` and parts of the event's time (`%Y-%m-%d/%H`), in a time zone and
 * rounded down. What comes out of a header is made harmless before it stands in a name: whoever writes the log must not
 * choose another folder.
 */
import type { SinkRecord } from "./record-destination.ts";

/** How times are shown. */
export interface EscapeOptions {
  /** An IANA name; undefined: UTC. */
  readonly timeZone?: string | undefined;
  /** Down to a multiple of so many of this unit. */
  readonly round?: { readonly value: number; readonly unit: "second" | "minute" | "hour" } | undefined;
  /** What names beside headers mean, as `stream` in `%{stream}`; a header of the same name comes first. */
  readonly names?: Readonly<Record<string, string>> | undefined;
  /** In the place of a header that the event does not have. */
  readonly missing?: string;
}

type Piece = { readonly text: string } | { readonly header: string } | { readonly time: string };

/** What is wrong with a pattern, as a sentence; undefined: nothing. */
export function escapeMistake(pattern: string): string | undefined {
  const parsed = parse(pattern);
  return typeof parsed === "string" ? parsed : undefined;
}

/** Renders the names of events. One object a pattern: it remembers the last times. */
export class Escapes {
  private readonly pieces: readonly Piece[];
  private readonly offsets = new Map<number, number>();
  private readonly zone: Intl.DateTimeFormat | undefined;

  /** @throws Error for a pattern that `escapeMistake` finds wrong. */
  constructor(
    pattern: string,
    private readonly options: EscapeOptions = {},
  ) {
    const parsed = parse(pattern);
    if (typeof parsed === "string") throw new Error(parsed);
    this.pieces = parsed;
    const { timeZone } = options;
    if (timeZone !== undefined && timeZone !== "UTC") {
      this.zone = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    }
  }

  /** Whether two events of one stream can have different names. */
  get isFixed(): boolean {
    return this.pieces.every((piece) => "text" in piece);
  }

  render(record: Pick<SinkRecord, "timeMs" | "headers">): string {
    let local: Local | undefined;
    let name = "";
    for (const piece of this.pieces) {
      if ("text" in piece) name += piece.text;
      else if ("header" in piece) name += this.header(record, piece.header);
      else {
        local ??= this.local(record.timeMs);
        name += times[piece.time]?.(local) ?? "";
      }
    }
    return name;
  }

  private header({ headers }: Pick<SinkRecord, "headers">, wanted: string): string {
    const value = headers.find(({ name }) => name === wanted)?.value.toString("utf8") ?? this.options.names?.[wanted];
    const safe = harmless(value ?? "");
    return safe === "" ? (this.options.missing ?? "unknown") : safe;
  }

  private local(timeMs: number): Local {
    // A time that no date can hold stands under the epoch.
    const known = Math.abs(timeMs) < 8.64e15 ? timeMs : 0;
    const offsetMs = this.offsetMs(known);
    const rounded = roundDown(known + offsetMs, this.options.round);
    return { date: new Date(rounded), timeMs: rounded - offsetMs, offsetMs };
  }

  /** Zones change their offset at whole quarters of an hour. */
  private offsetMs(timeMs: number): number {
    if (this.zone === undefined) return 0;
    const quarter = Math.floor(timeMs / 900_000);
    const known = this.offsets.get(quarter);
    if (known !== undefined) return known;
    if (this.offsets.size > 1_000) this.offsets.clear();
    const text = this.zone.formatToParts(timeMs).find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
    const match = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = match ?? [];
    const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 * (sign === "-" ? -1 : 1);
    this.offsets.set(quarter, ms);
    return ms;
  }
}

/** Whether the system knows the zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** A value that stands in one step of a path, and leads nowhere else. */
export function harmless(value: string): string {
  return value
    .replace(/[^\p{L}\p{N}._=@+-]/gu, "_")
    .replace(/^\.+/, "_")
    .slice(0, 200);
}

interface Local {
  /** Its UTC fields are the local ones. */
  readonly date: Date;
  readonly timeMs: number;
  readonly offsetMs: number;
}

function roundDown(localMs: number, round: EscapeOptions["round"]): number {
  if (round === undefined) return localMs;
  const unitMs = { second: 1_000, minute: 60_000, hour: 3_600_000 }[round.unit];
  const withinMs = { second: 60_000, minute: 3_600_000, hour: 86_400_000 }[round.unit];
  // A multiple within the next larger unit, as Flume has it: 7 minutes are :00, :07, … :56.
  const begin = Math.floor(localMs / withinMs) * withinMs;
  const stepMs = unitMs * round.value;
  return begin + Math.floor((localMs - begin) / stepMs) * stepMs;
}

const two = (value: number) => String(value).padStart(2, "0");
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = "January February March April May June July August September October November December".split(" ");
const weekday = ({ date }: Local) => weekdays[date.getUTCDay()] ?? "";
const month = ({ date }: Local) => months[date.getUTCMonth()] ?? "";
const year = ({ date }: Local) => String(date.getUTCFullYear()).padStart(4, "0");
const hour12 = ({ date }: Local) => date.getUTCHours() % 12 || 12;
const clock = ({ date }: Local) => [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");

/** By letter, with Flume's meaning. */
const times: Readonly<Record<string, (local: Local) => string>> = {
  a: (local) => weekday(local).slice(0, 3),
  A: weekday,
  b: (local) => month(local).slice(0, 3),
  B: month,
  c: (local) =>
    `${weekday(local).slice(0, 3)} ${month(local).slice(0, 3)} ${local.date.getUTCDate()} ${clock(local)} ${year(local)}`,
  d: ({ date }) => two(date.getUTCDate()),
  D: (local) => `${two(local.date.getUTCMonth() + 1)}/${two(local.date.getUTCDate())}/${year(local).slice(-2)}`,
  e: ({ date }) => String(date.getUTCDate()),
  H: ({ date }) => two(date.getUTCHours()),
  I: (local) => two(hour12(local)),
  j: ({ date }) =>
    String(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / 86_400_000) + 1).padStart(3, "0"),
  k: ({ date }) => String(date.getUTCHours()),
  m: ({ date }) => two(date.getUTCMonth() + 1),
  M: ({ date }) => two(date.getUTCMinutes()),
  n: ({ date }) => String(date.getUTCMonth() + 1),
  p: ({ date }) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  s: ({ timeMs }) => String(Math.floor(timeMs / 1_000)),
  S: ({ date }) => two(date.getUTCSeconds()),
  t: ({ timeMs }) => String(timeMs),
  y: (local) => year(local).slice(-2),
  Y: year,
  z: ({ offsetMs }) => {
    const minutes = Math.abs(Math.round(offsetMs / 60_000));
    return `${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  },
};

/** The pieces, or what is wrong. */
function parse(pattern: string): readonly Piece[] | string {
  const pieces: Piece[] = [];
  let rest = pattern;
  while (rest !== "") {
    const at = rest.indexOf("%");
    if (at !== 0) {
      pieces.push({ text: at < 0 ? rest : rest.slice(0, at) });
      rest = at < 0 ? "" : rest.slice(at);
      continue;
    }
    const header = /^%\{([^{}]+)\}/.exec(rest);
    const letter = rest[1] ?? "";
    if (header?.[1] !== undefined) {
      pieces.push({ header: header[1] });
      rest = rest.slice(header[0].length);
    } else if (letter === "%" || letter in times) {
      pieces.push(letter === "%" ? { text: "%" } : { time: letter });
      rest = rest.slice(2);
    } else {
      return `"%${letter}" is no escape: write %{header}, %% or one of %${Object.keys(times).join(" %")}`;
    }
  }
  return pieces;
}
