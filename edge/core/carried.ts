/**
 * What is stored beside a batch of another agent (`PutBatch.carried`): which records it holds, in the words of the agent that numbered
 * them, and by which aggregators it came here.
 *
 *     gw-1/b3whum6k/driving.0/100-199
 *     gw-1/b3whum6k/driving.0/100-199 via=agg-1,agg-2
 *
 * Names are escaped as in a URL, so that no character of one ends it.
 */

/** The header of a request between agents that says the names. */
export const viaHeader = "tailgate-via";

/** More names are no path that somebody has built, but a circle. */
export const viaMax = 16;

/** The text, of the numbers and the aggregators that brought it, the first one first. */
export function carriedText(numbers: string, via: readonly string[]): string {
  return via.length === 0 ? numbers : `${numbers}${mark}${viaText(via)}`;
}

/** The numbers alone. */
export function numbersOf(carried: string): string {
  const at = carried.indexOf(mark);
  return at < 0 ? carried : carried.slice(0, at);
}

/** Names of the aggregators by which it came. */
export function viaOf(carried: string): readonly string[] {
  const at = carried.indexOf(mark);
  return at < 0 ? [] : (readVia(carried.slice(at + mark.length)) ?? []);
}

/** For a header of HTTP. */
export function viaText(via: readonly string[]): string {
  return via.map(encodeURIComponent).join(",");
}

/** Undefined: it is no list of names. */
export function readVia(text: string): readonly string[] | undefined {
  try {
    return text.split(",").flatMap((name) => (name.trim() === "" ? [] : [decodeURIComponent(name.trim())]));
  } catch {
    return undefined;
  }
}

const mark = " via=";
