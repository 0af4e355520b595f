/**
 * Parameters of the routes. Only what is plain is taken: a text that could mean two things is refused with the words for
 * what was probably meant, because a wrong guess is an answer that looks right.
 */
import { z } from "@hono/zod-openapi";

/** A whole number in decimal digits, and nothing else: no blanks, no exponent, no sign, no empty text. */
function wholeNumber(min: number, max: number, standard: number) {
  const words = `write a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, words)
    .transform(Number)
    .refine((value) => value >= min && value <= max, words)
    .default(standard);
}

/** Such a number as a parameter of the query. */
export function numberParameter(bounds: { min: number; max: number; standard: number }, description: string) {
  const { min, max, standard } = bounds;
  return wholeNumber(min, max, standard).openapi({
    type: "integer",
    minimum: min,
    maximum: max,
    default: standard,
    description,
  });
}

/** `limit`, with its bounds. */
export function limitParameter(standard: number, max: number) {
  return numberParameter(
    { min: 1, max, standard },
    "Rows a page, at most. A page of large rows ends earlier, after some 4 MiB; `next` is there whenever there are more rows.",
  );
}

/** `cursor`: from `next` of the page before. */
export const cursorParameter = z
  .string()
  .optional()
  .openapi({ description: "`next` of the page before; opaque, and good for the same parameters only." });

/** A name that is looked for. */
export function nameParameter(description?: string) {
  return z
    .string()
    .min(1)
    .max(256)
    .openapi(description === undefined ? {} : { description });
}

/**
 * The vehicle in the query, for the routes that have it in their path: a client takes `.` and `..` out of a path, percent-encoded
 * or not, before central sees it (WHATWG URL). Nothing else may stand in the query: a name spelled wrong is no question about all.
 */
export const namedVehicle = {
  vehicle: z.string().min(1).max(1_024).openapi({ description: "Any name, `.` and `..` too.", example: "car-001" }),
};

/** An agent's, an epoch's or a stream's name, as an identity spells it. */
export function identityNameParameter(description: string) {
  return z
    .string()
    .regex(/^[\w-]{1,128}$/, "a name of at most 128 letters, digits, dashes and underscores")
    .openapi({ description });
}

/** The end of time, for those who do not name one: what a JavaScript date can hold. */
export const timeMsMax = 8.64e15;

/** Below this a number is more likely a year or seconds: 1973-03-03 in milliseconds, the year 5138 in seconds. */
const plainMsMin = 1e11;

/** A point in time: milliseconds since 1970, or RFC 3339 with its zone. */
export const timeParameter = z
  .string()
  .max(40)
  .transform((text, context) => {
    const found = readTime(text);
    if (typeof found === "number") return found;
    context.addIssue({ code: "custom", message: found });
    return z.NEVER;
  });

/** `timeParameter` in the document. */
export function timeDescription(words: string) {
  return {
    type: "string" as const,
    description: `${words} Milliseconds since 1970, or a date and time with its zone (RFC 3339).`,
    example: "2026-11-20T12:00:00Z",
  };
}

/** The time, or what is wrong with the text and what to write instead. */
export function readTime(text: string): number | string {
  if (/^-?\d+$/.test(text)) return readNumber(text);
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)$/i.exec(text);
  if (match === null) return explainShape(text);
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "00", fraction = "", zone = ""] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const localMs = Date.parse(local);
  // 30 February and 25 o'clock: a date that is written out again must be the same.
  if (Number.isNaN(localMs) || new Date(localMs).toISOString() !== local) return `"${text}" is not in the calendar`;
  if (/^z$/i.test(zone)) return localMs;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 23 || minutes > 59) return `"${zone}" is no zone`;
  const offsetMs = (hours * 60 + minutes) * 60_000;
  return zone.startsWith("-") ? localMs + offsetMs : localMs - offsetMs;
}

function readNumber(text: string): number | string {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || Math.abs(value) > timeMsMax) return `${text} is beyond all time`;
  if (value === 0 || Math.abs(value) >= plainMsMin) return value === 0 ? 0 : value;
  if (/^\d{4}$/.test(text)) return `${text} is a year or milliseconds: write ${text}-01-01T00:00:00Z`;
  const seconds = new Date(value * 1_000).toISOString();
  return `${text} is too small for milliseconds since 1970; if seconds were meant, write ${value * 1_000} or ${seconds}`;
}

function explainShape(text: string): string {
  const standard = "write milliseconds since 1970, or a date and time with its zone, as in 2026-11-20T12:00:00Z";
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `"${text}" is a whole day: write the time and the zone, ${text}T00:00:00Z`;
  if (/^\d{4}-\d\d-\d\dT[\d:.]+ \d\d:\d\d$/.test(text)) {
    return `"${text}" has a blank where a plus belongs: in a URL the plus of a zone is written %2B`;
  }
  if (/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text)) return `"${text}" has no zone: add Z, or one such as %2B01:00`;
  return `"${text}" is not plain: ${standard}`;
}
