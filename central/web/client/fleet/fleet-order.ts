/** Which vehicles are shown and in which order: what needs a look stands on top. */

/** A vehicle as the list shows it. */
export interface FleetRow {
  readonly vehicle: string;
  readonly events: number;
  readonly streams: number;
  /** Since the latest event of any of its streams, when the list was read; negative: its clock is ahead. */
  readonly ageMs: number;
  /** When that was, by the steady clock. */
  readonly readMs: number;
  readonly clockAhead: boolean;
  /** Who sent the latest event; empty: it had no identity. */
  readonly agent: string;
  /** The stream of the latest event, and its first bytes. */
  readonly stream: string;
  readonly value: string;
}

/** How a vehicle is, by the age of its latest event. */
export type Mood = "live" | "silent" | "away";

/** A vehicle that has said nothing for so long is silent. */
export const silentAfterMs = 60_000;
/** … and for so long, away. */
export const awayAfterMs = 86_400_000;

/** Its age now. */
export function ageAt(row: FleetRow, nowMs: number): number {
  return row.ageMs + nowMs - row.readMs;
}

/** Of an age. */
export function moodOf(ageMs: number): Mood {
  if (ageMs > awayAfterMs) return "away";
  return ageMs > silentAfterMs ? "silent" : "live";
}

/** What the reader wants to see. */
export interface FleetFilter {
  readonly text: string;
  readonly mood: Mood | "all" | "ahead";
}

/** Rows that pass, those that fell silent last on top, then those away, then the live ones by name. */
export function orderFleet(rows: readonly FleetRow[], filter: FleetFilter, nowMs: number): readonly FleetRow[] {
  const text = filter.text.trim().toLowerCase();
  const ranks: Readonly<Record<Mood, number>> = { silent: 0, away: 1, live: 2 };
  return rows
    .map((row) => ({ row, ageMs: ageAt(row, nowMs) }))
    .map(({ row, ageMs }) => ({ row, ageMs, mood: moodOf(ageMs) }))
    .filter(({ row, mood }) => {
      if (text !== "" && !row.vehicle.toLowerCase().includes(text)) return false;
      if (filter.mood === "ahead") return row.clockAhead;
      return filter.mood === "all" || filter.mood === mood;
    })
    .sort((a, b) => {
      if (a.mood !== b.mood) return ranks[a.mood] - ranks[b.mood];
      if (a.mood !== "live" && a.ageMs !== b.ageMs) return a.ageMs - b.ageMs;
      return a.row.vehicle < b.row.vehicle ? -1 : 1;
    })
    .map(({ row }) => row);
}

/** How many of each there are. */
export function countMoods(rows: readonly FleetRow[], nowMs: number): Record<Mood | "all" | "ahead", number> {
  const counts = { all: rows.length, live: 0, silent: 0, away: 0, ahead: 0 };
  for (const row of rows) {
    counts[moodOf(ageAt(row, nowMs))]++;
    if (row.clockAhead) counts.ahead++;
  }
  return counts;
}
