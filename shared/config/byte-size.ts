import { z } from "zod";

/** Bounds of a size field, in bytes. */
export interface ByteSizeBounds {
  readonly min?: number;
  readonly max?: number;
}

/** IEC 80000-13: KiB is 1,024 bytes, kB is 1,000. */
const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};
const example = 'write a number with B, kB, MB, GB (thousands) or KiB, MiB, GiB (1,024s), as in "64MiB"';

/**
 * A config field for an amount of bytes: `"64MiB"`, `"1GB"`, or a number of bytes. Yields whole bytes.
 * Defaults read best as `.prefault("64MiB")`.
 */
export function byteSize(bounds: ByteSizeBounds = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return z
    .union([z.number(), z.string()], { error: `not a size: ${example}` })
    .transform((written, context) => {
      const bytes = typeof written === "number" ? written : parseByteSize(written);
      const refuse = (message: string) => {
        context.addIssue({ code: "custom", message });
        return z.NEVER;
      };
      if (bytes === undefined) return refuse(`"${written}" is not a size: ${hint(String(written))}`);
      if (!Number.isFinite(bytes) || bytes < 0) return refuse(`${written} is not a size: it must be 0 or more`);
      if (bytes < min) return refuse(`${show(written)} is too small: at least ${formatByteSize(min)}`);
      if (bytes > max) return refuse(`${show(written)} is too large: at most ${formatByteSize(max)}`);
      return Math.round(bytes);
    })
    .meta({ format: "byte-size" });
}

/** Bytes of a text like `64MiB`; undefined when it is none. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim());
  if (match === null) return undefined;
  const unit = unitBytes[match[2]?.toLowerCase() ?? ""];
  return unit === undefined ? undefined : Number(match[1]) * unit;
}

/** For people: `64 MiB`, `1.5 GiB`, `12 B`. Exact where one unit divides it, else one decimal. */
export function formatByteSize(bytes: number): string {
  for (const [unit, size] of [
    ["TiB", 1024 ** 4],
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`;
  }
  return `${bytes} B`;
}

function hint(written: string): string {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])$/i.exec(written.trim());
  if (match === null) return example;
  const [, amount, letter = ""] = match;
  const thousands = letter.toLowerCase() === "k" ? "k" : letter.toUpperCase();
  return `its unit can mean two things; write ${amount}${thousands}B or ${amount}${letter.toUpperCase()}iB`;
}

function show(written: number | string): string {
  return typeof written === "number" ? formatByteSize(written) : `"${written}"`;
}
