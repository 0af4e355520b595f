/** How a time may be written in a line. */
export type TimeFormat = "auto" | "iso8601" | "epoch_ms" | "epoch_s";

/** Below this an integer cannot be milliseconds of this century: `auto` reads it as seconds. */
const epochMsMin = 100_000_000_000;

/** Milliseconds since 1970; undefined when the text is no time of that format. */
export function parseEventTime(text: string, format: TimeFormat): number | undefined {
  switch (format) {
    case "iso8601":
      return parseIso(text);
    case "epoch_ms":
      return parseEpoch(text, 1);
    case "epoch_s":
      return parseEpoch(text, 1_000);
    case "auto": {
      const number = parseEpoch(text, 1);
      if (number === undefined) return parseIso(text);
      return number < epochMsMin ? parseEpoch(text, 1_000) : number;
    }
  }
}

function parseEpoch(text: string, factor: number): number | undefined {
  if (!/^-?\d+(?:\.\d*)?$/.test(text)) return undefined;
  const ms = Math.trunc(Number(text) * factor);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const iso = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(?:(Z)|([+-])(\d\d):?(\d\d)?)?$/;

/** ISO 8601 date and time, `T` or a space between, any number of decimals; UTC when no zone is written. */
function parseIso(text: string): number | undefined {
  const match = iso.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = "0", fraction = "", , sign, zoneHours = "0", zoneMinutes = "0"] =
    match;
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), ms);
  const valid = Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31;
  if (!valid || Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const offsetMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return sign === "-" ? utc + offsetMs : utc - offsetMs;
}
