/** From two status pages to what people want to see: rates, fill, age, and what does not run. */
import { formatByteSize } from "../../../shared/config/byte-size.ts";
import type { Snapshot } from "./snapshot.ts";

/** A table: its head, then its rows. What begins with a digit stands right. */
export type Table = readonly (readonly string[])[];

/** Lanes that are shown; those that hold most. */
const lanesMax = 20;

/** Everything that `top` shows, a table a kind. */
export function figures(before: Snapshot, now: Snapshot): readonly Table[] {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1_000);
  const rate = (is: number, was: number) => rateText(Math.max(0, is - was) / seconds);
  return [
    [["SOURCE", "READ/S", "FILTERED/S", "STATE"], ...sources(before, now, rate)],
    [["CHANNEL", "EVENTS", "BYTES", "FILL", "OLDEST UNSENT", "TAKES"], ...channels(now)],
    [["SINK", "SENT/S", "LANES", "STATE"], ...sinks(before, now, rate)],
    [["LANE", "HELD", "SENT/S", "SINK", "TO", "STATE"], ...lanes(before, now, rate)],
  ];
}

type Rate = (is: number, was: number) => string;
type Row = readonly string[];

function sources(before: Snapshot, now: Snapshot, rate: Rate): readonly Row[] {
  return Object.entries(now.sources).flatMap(([name, { state }]) => {
    const was = bookOf(before, name);
    const is = bookOf(now, name);
    const links = Object.entries(now.filtered[name] ?? {}).map(([link, count]): Row => {
      return [`  ${link}`, "", rate(count, before.filtered[name]?.[link] ?? 0), ""];
    });
    return [[name, rate(is.read, was.read), rate(is.filtered, was.filtered), state], ...links];
  });
}

/** A stream has a book for each channel, and all say the same of what came before the selector. */
function bookOf({ books }: Snapshot, stream: string) {
  return books.find((book) => book.stream === stream) ?? { read: 0, filtered: 0 };
}

function channels(now: Snapshot): readonly Row[] {
  return Object.entries(now.channels).map(([name, { events, bytes, bytesMax, oldestMs, admission }]) => {
    const fill = bytesMax > 0 ? `${((100 * bytes) / bytesMax).toFixed(1)} %` : "";
    const oldest = oldestMs === undefined ? (events > 0 ? "unknown" : "") : ageText(oldestMs);
    return [name, count(events), formatByteSize(bytes), fill, oldest, admission === "open" ? "yes" : admission];
  });
}

function sinks(before: Snapshot, now: Snapshot, rate: Rate): readonly Row[] {
  const [sentNow, sentBefore] = [booksOf(now), booksOf(before)];
  return Object.entries(now.sinks).map(([name, { lanes: own }]) => {
    let is = 0;
    let was = 0;
    const states = new Map<string, number>();
    for (const lane of own) {
      is += sentNow.get(keyOf(lane))?.sent ?? 0;
      was += sentBefore.get(keyOf(lane))?.sent ?? 0;
      states.set(lane.state.kind, (states.get(lane.state.kind) ?? 0) + 1);
    }
    const words = [...states].map(([state, lanesThere]) => (states.size === 1 ? state : `${lanesThere} ${state}`));
    return [name, rate(is, was), count(own.length), words.join(", ")];
  });
}

function lanes(before: Snapshot, now: Snapshot, rate: Rate): readonly Row[] {
  const [is, was] = [booksOf(now), booksOf(before)];
  const all = Object.entries(now.sinks).flatMap(([sink, { lanes: own }]) =>
    own.map((lane) => ({ sink, lane, ...(is.get(keyOf(lane)) ?? { held: 0, sent: 0 }) })),
  );
  const shown = all.toSorted((a, b) => b.held - a.held).slice(0, lanesMax);
  const rows = shown.map(({ sink, lane, held, sent }): Row => {
    const { kind, message } = lane.state;
    const state = message === undefined ? kind : `${kind}: ${message}`;
    const sentRate = rate(sent, was.get(keyOf(lane))?.sent ?? 0);
    return [`${lane.stream}.${lane.lane}`, count(held), sentRate, sink, lane.group, state];
  });
  return all.length > shown.length ? [...rows, [`and ${all.length - shown.length} more`]] : rows;
}

/** What the channels know of each lane. */
function booksOf(snapshot: Snapshot) {
  const all = Object.values(snapshot.channels).flatMap((channel) => channel.lanes);
  return new Map(
    all.map(({ lane: { stream, number, epoch }, ...books }) => [keyOf({ stream, lane: number, epoch }), books]),
  );
}

function keyOf({ stream, lane, epoch }: { readonly stream: string; readonly lane: number; readonly epoch: string }) {
  return `${epoch}/${stream}.${lane}`;
}

function count(amount: number): string {
  return amount.toLocaleString("en-US");
}

function rateText(perSecond: number): string {
  return perSecond < 10 ? String(Math.round(perSecond * 10) / 10) : count(Math.round(perSecond));
}

function ageText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A table as lines, each column as wide as its widest cell. */
export function renderTable(table: Table): readonly string[] {
  const widths: number[] = [];
  for (const row of table.filter(({ length }) => length > 1)) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return table.map((row) =>
    row
      .map((cell, index) => {
        const width = index === row.length - 1 ? 0 : (widths[index] ?? 0);
        return /^\d/.test(cell) && index > 0 ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
