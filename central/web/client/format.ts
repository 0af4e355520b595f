/** How numbers, times and ages are written on the page. */

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** A count, or a dash where nobody knows. */
export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : whole.format(value);
}

/** A measured number. */
export function formatNumber(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : short.format(value);
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** How long ago, in the largest unit that fits. */
export function formatAge(ms: number): string {
  if (ms < 0) return `${formatAge(-ms)} ahead`;
  const [unit, size] = units.find(([, bound]) => ms >= bound) ?? (["s", 1_000] as const);
  return `${Math.floor(ms / size)} ${unit}`;
}

/** A moment, in the reader's own zone. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(ms);
  const pad = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** A part of a whole; never 100 % while something is missing. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const percent = (part * 100) / whole;
  if (percent >= 100) return "100 %";
  return `${Math.min(99.99, percent).toFixed(percent > 99 ? 2 : 1)} %`;
}

/** Bytes as people say them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
