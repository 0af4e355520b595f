import { z } from "zod";

/** Bounds of a duration field, in milliseconds. */
export interface DurationBounds {
  readonly min?: number;
  readonly max?: number;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const whole = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const example = 'write a number with ms, s, m, h or d, as in "500ms", "1s", "2h", "1h30m"';

/**
 * A config field for a length of time: `"1s"`, `"50ms"`, `"2h"`, `"1h30m"`, or a number of milliseconds.
 * Yields whole milliseconds. Defaults read best as `.prefault("1s")`.
 */
export function duration(bounds: DurationBounds = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return z
    .union([z.number(), z.string()], { error: `not a duration: ${example}` })
    .transform((written, context) => {
      const ms = typeof written === "number" ? written : parseDuration(written);
      const refuse = (message: string) => {
        context.addIssue({ code: "custom", message });
        return z.NEVER;
      };
      if (ms === undefined) return refuse(`"${written}" is not a duration: ${example}`);
      if (!Number.isFinite(ms) || ms < 0) return refuse(`${written} is not a duration: it must be 0 or more`);
      if (ms < min) return refuse(`${show(written)} is too short: at least ${formatDuration(min)}`);
      if (ms > max) return refuse(`${show(written)} is too long: at most ${formatDuration(max)}`);
      return Math.round(ms);
    })
    .meta({ format: "duration" });
}

/** Milliseconds of a text like `1h30m`; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replaceAll(" ", "");
  if (!whole.test(compact)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    ms += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  }
  return ms;
}

/** The shortest exact way to write it: 90_000 → `90s`, 7_200_000 → `2h`. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const size = unitMs[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

function show(written: number | string): string {
  return typeof written === "number" ? formatDuration(written) : `"${written}"`;
}
