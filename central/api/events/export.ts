/**
 * Events as one long answer: NDJSON or CSV, of one vehicle or of all, read from the store page by page while the client
 * takes them. Each page is one state of the store; what is stored meanwhile before the place where the export stands is
 * not in it.
 */
import type { EventPosition, StoreReader } from "../../store/reader.ts";
import { eventBody } from "./schema.ts";

/** What is exported. */
export interface ExportQuery {
  /** All vehicles, in the order of names, when not given. */
  readonly vehicle: string | undefined;
  readonly stream: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly order: "asc" | "desc";
}

/** What an export may be written as. */
export type ExportFormat = "ndjson" | "csv";

/** As they go into `Content-Type`. */
export const exportTypes: Readonly<Record<ExportFormat, string>> = {
  ndjson: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8; header=present",
};

/** A part is at most this much, or one event: it is all that a slow client holds. */
const pageEvents = 1_000;
const pageBytes = 256 * 1024;
const namesAtOnce = 200;

type EventOut = ReturnType<typeof eventBody>;

/** The parts, each some whole lines. */
export async function* exportEvents(
  reader: StoreReader,
  query: ExportQuery,
  format: ExportFormat,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const line = format === "csv" ? csvLine : ndjsonLine;
  if (format === "csv") yield encoder.encode(csvHead);
  for await (const vehicle of vehiclesOf(reader, query.vehicle)) {
    let after: EventPosition | undefined;
    for (;;) {
      const page = await reader.events({ ...query, vehicle, after, limit: pageEvents, bytesMax: pageBytes });
      if (page.events.length > 0) {
        yield encoder.encode(page.events.map((row) => line(eventBody(vehicle, row))).join(""));
      }
      after = page.events.at(-1)?.position;
      if (!page.more || after === undefined) break;
    }
  }
}

async function* vehiclesOf(reader: StoreReader, vehicle: string | undefined): AsyncGenerator<string> {
  if (vehicle !== undefined) {
    yield vehicle;
    return;
  }
  let after = "";
  for (;;) {
    const names = await reader.vehicles(after, namesAtOnce, { valueBytesMax: 0, bytesMax: 1024 * 1024 });
    for (const { vehicle: name } of names) yield name;
    const last = names.at(-1)?.vehicle;
    if (last === undefined) return;
    after = last;
  }
}

function ndjsonLine(event: EventOut): string {
  return `${JSON.stringify(event)}\n`;
}

const columns = [
  "timeMs",
  "vehicle",
  "stream",
  "agent",
  "epoch",
  "lane",
  "seq",
  "topic",
  "partition",
  "offset",
  "value",
  "valueBase64",
] as const;

const csvHead = `${columns.join(",")}\r\n`;

/** RFC 4180. A column that the event lacks is empty; an empty value is two quotes, so that the two are not the same. */
function csvLine({ identity, ...event }: EventOut): string {
  const cells: Readonly<Record<string, string | number | undefined>> = { ...identity, ...event };
  return `${columns.map((name) => csvCell(cells[name])).join(",")}\r\n`;
}

function csvCell(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  return value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/**
 * What the client would rather have, of what there is: by `format`, else the first type in `Accept` that we know. JSON
 * pages when it names none.
 */
export function formatFor(
  format: ExportFormat | "json" | undefined,
  accept: string | undefined,
): ExportFormat | "json" {
  if (format !== undefined) return format;
  for (const part of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    if (parameters.some((text) => /^q=0(\.0*)?$/.test(text))) continue;
    if (type === "application/x-ndjson" || type === "application/jsonl") return "ndjson";
    if (type === "text/csv") return "csv";
    if (type === "application/json" || type === "*/*") return "json";
  }
  return "json";
}
