/**
 * Which table an event is in. A day of event time has a table of its own when it is near the clock; all others share
 * `event_rest`, so that a clock of 1970 or 2099, or a sender that means harm, makes no tables without end.
 */
const dayMs = 86_400_000;

/** In `event_rest`. No day near any clock has this number. */
export const restDay = 0;
/** Days before today with a table of their own: a vehicle that was away for a year is still stored by day. */
const daysBack = 400;
/** And after it: clocks that are a little ahead, and machines in other zones. */
const daysAhead = 2;

/** The day under which an event is stored. Where it was stored is not where it would be stored later: ask for both. */
export function dayOf(timeMs: number, nowMs: number): number {
  const day = calendarDay(timeMs);
  const today = calendarDay(nowMs);
  return day >= today - daysBack && day <= today + daysAhead && day > restDay ? day : restDay;
}

/** Days since 1970. */
export function calendarDay(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** When a day begins, milliseconds since 1970. */
export function dayStartMs(day: number): number {
  return day * dayMs;
}

/** The name of a day's table. */
export function tableOf(day: number): string {
  if (day === restDay) return "event_rest";
  return `event_${new Date(dayStartMs(day)).toISOString().slice(0, 10).replaceAll("-", "_")}`;
}

/** The day of a table; undefined for one that is not ours. */
export function dayOfTable(table: string): number | undefined {
  if (table === "event_rest") return restDay;
  const found = /^event_(\d{4})_(\d\d)_(\d\d)$/.exec(table);
  return found === null ? undefined : calendarDay(Date.parse(`${found[1]}-${found[2]}-${found[3]}T00:00:00Z`));
}
