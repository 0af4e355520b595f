/** How a time may be written in a line. */
export type TimeFormat = "auto" | "iso8601" | "epoch_ms" | "epoch_s";

/** Milliseconds since 1970; undefined when the text is no time of its format. */
export type TimeReader = (text: string) => number | undefined;

/** Below this an integer cannot be milliseconds of this century: `auto` reads it as seconds. */
const epochMsMin = 100_000_000_000;

/** A reader of one format. It remembers the last day it met: the lines of a file are mostly of one. */
export function timeReader(format: TimeFormat): TimeReader {
  switch (format) {
    case "iso8601":
      return isoReader();
    case "epoch_ms":
      return (text) => parseEpoch(text, 1);
    case "epoch_s":
      return (text) => parseEpoch(text, 1_000);
    case "auto": {
      const iso = isoReader();
      return (text) => {
        if (text.charCodeAt(4) === dash) return iso(text);
        const number = parseEpoch(text, 1);
        return number !== undefined && number < epochMsMin ? parseEpoch(text, 1_000) : number;
      };
    }
  }
}

function parseEpoch(text: string, factor: number): number | undefined {
  if (!/^-?\d+(?:\.\d*)?$/.test(text)) return undefined;
  const ms = Math.trunc(Number(text) * factor);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const dash = 45;
const isoDate = /^(\d{4})-(\d\d)-(\d\d)$/;
const isoTime = /^[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(?:Z|([+-])(\d\d):?(\d\d)?)?$/;

/** ISO 8601 date and time, `T` or a space between, any number of decimals; UTC when no zone is written. */
function isoReader(): TimeReader {
  let day = "";
  let dayMs: number | undefined;
  return (text) => {
    if (text.length < 16) return undefined;
    if (!text.startsWith(day) || day === "") {
      day = text.slice(0, 10);
      dayMs = parseDay(day);
    }
    const timeMs = quickTime(text) ?? parseTime(text.slice(10));
    return dayMs === undefined || timeMs === undefined ? undefined : dayMs + timeMs;
  };
}

function parseDay(text: string): number | undefined {
  const match = isoDate.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? Date.UTC(year, month - 1, day) : undefined;
}

/** `Thh:mm:ss[.sss]Z`, which most clocks write; undefined for anything else, right or wrong. */
function quickTime(text: string): number | undefined {
  const { length } = text;
  const decimals = length === 24;
  if (!(decimals || length === 20) || text.charCodeAt(length - 1) !== 90 || text.charCodeAt(10) !== 84)
    return undefined;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58 || (decimals && text.charCodeAt(19) !== 46))
    return undefined;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const ms = decimals ? twoDigits(text, 20) * 10 + text.charCodeAt(22) - 48 : 0;
  const last = decimals ? text.charCodeAt(22) - 48 : 0;
  // NaN from what is no digit fails every comparison.
  const valid = hour <= 23 && minute <= 59 && second <= 59 && ms >= 0 && ms <= 999 && last >= 0 && last <= 9;
  return valid ? ((hour * 60 + minute) * 60 + second) * 1_000 + ms : undefined;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function parseTime(text: string): number | undefined {
  const match = isoTime.exec(text);
  if (match === null) return undefined;
  const [, hour, minute, second = "0", fraction = "", sign, zoneHours = "0", zoneMinutes = "0"] = match;
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const local = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000 + ms;
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return sign === "-" ? local + offset : local - offset;
}
