import type { Expectation } from "../../config/test-cases.ts";

/** What became of an event in the chain of its source. */
export type Outcome =
  | { readonly kind: "filtered"; readonly by: string }
  | { readonly kind: "threw"; readonly error: string }
  | {
      readonly kind: "passed";
      readonly body: Buffer;
      readonly headers: ReadonlyMap<string, string>;
      readonly key: string | undefined;
      readonly timeMs: number;
      readonly channels: readonly string[];
    };

/** One thing that is not as it must be, each side as a person reads it. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

/** Everything in which an outcome differs from what was expected; what the expectation does not name is not looked at. */
export function differences(expected: Expectation, outcome: Outcome): readonly Difference[] {
  if (outcome.kind === "threw") return [{ what: "outcome", expected: wanted(expected), actual: outcome.error }];
  if (outcome.kind === "filtered") {
    if (expected.filtered === outcome.by) return [];
    return [{ what: "outcome", expected: wanted(expected), actual: `filtered by ${outcome.by}` }];
  }
  if (expected.filtered !== undefined) {
    const actual = `comes through to ${list(outcome.channels)}`;
    return [{ what: "outcome", expected: wanted(expected), actual }];
  }
  const found: Difference[] = [];
  const compare = (what: string, must: string, is: string) => {
    if (must !== is) found.push({ what, expected: must, actual: is });
  };
  const { body, bodyBase64, key, time, headers = {}, channels } = expected;
  if (body !== undefined) compareText(body, outcome.body, compare);
  if (bodyBase64 !== undefined) {
    compare("bodyBase64", Buffer.from(bodyBase64, "base64").toString("base64"), outcome.body.toString("base64"));
  }
  if (key !== undefined) compare("key", quoted(key), quoted(outcome.key));
  if (time !== undefined) compare("time", instant(time), instant(outcome.timeMs));
  for (const [name, must] of Object.entries(headers)) {
    compare(`header ${name}`, quoted(must), quoted(outcome.headers.get(name)));
  }
  if (channels !== undefined) compare("channels", list(channels), list(outcome.channels));
  return found;
}

/** Bytes decide, not what they look like as text: where two look the same, they are shown as Base64. */
function compareText(must: string, is: Buffer, compare: (what: string, must: string, is: string) => void): void {
  const bytes = Buffer.from(must, "utf8");
  if (bytes.equals(is)) return;
  const text = is.toString("utf8");
  if (text === must) compare("bodyBase64", bytes.toString("base64"), is.toString("base64"));
  else compare("body", quoted(must), quoted(text));
}

function wanted({ filtered }: Expectation): string {
  return filtered === undefined ? "comes through" : `filtered by ${filtered}`;
}

function quoted(value: string | null | undefined): string {
  return value === null || value === undefined ? "none" : JSON.stringify(value);
}

function list(channels: readonly string[]): string {
  return channels.length === 0 ? "no channel" : channels.toSorted().join(", ");
}

function instant(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
