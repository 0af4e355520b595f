import type { NumberedLines } from "./numbered-lines.ts";

/** What is wrong with what arrived; all zero is what every promise asks for. */
export interface TallyResult {
  /** Numbers that were written and never came. */
  readonly missing: number;
  /** Arrivals beyond the first of a number. */
  readonly repeated: number;
  /** Arrivals whose bytes are not those of the line they claim to be. */
  readonly altered: number;
  /** Arrivals of a car with a lower number than one before, in the same place. */
  readonly disordered: number;
  /** Arrivals that are no line of the test, or one that should not have come. */
  readonly foreign: number;
  /** First ranges of what is missing or repeated: for the person who reads the failure. */
  readonly ranges: string;
}

/** Nothing missing, nothing twice, nothing else. */
export const complete: TallyResult = { missing: 0, repeated: 0, altered: 0, disordered: 0, foreign: 0, ranges: "" };

const shownRangesMax = 8;

/** Counts lines as they are read back. Knows how lines are made, and nothing of the product. */
export class Tally {
  private counts = new Uint8Array(1 << 16);
  private altered = 0;
  private disordered = 0;
  private foreign = 0;
  private readonly lastOf = new Map<string, number>();

  constructor(readonly lines: NumberedLines) {}

  /**
   * One arrival. `place` is what order is kept in (a partition); undefined when order cannot be told.
   * False when the line is not of this stream: another tally may know it.
   */
  add(line: Buffer, place?: string | number): boolean {
    const n = this.lines.numberOf(line);
    if (n === undefined) return false;
    if (line.toString("utf8") !== this.lines.text(n)) this.altered++;
    if (n >= this.counts.length) this.grow(n);
    const count = this.counts[n] ?? 0;
    if (count < 255) this.counts[n] = count + 1;
    // The first arrival of a number tells the order; a repeat is counted as what it is.
    if (place !== undefined && count === 0) this.keepOrder(n, place);
    return true;
  }

  /** Something arrived that no tally knows. */
  addForeign(): void {
    this.foreign++;
  }

  /** How often line `n` came. */
  count(n: number): number {
    return this.counts[n] ?? 0;
  }

  /** Different lines that came. */
  get distinct(): number {
    let distinct = 0;
    for (const count of this.counts) if (count > 0) distinct++;
    return distinct;
  }

  /** Compares with what was written: lines 0 to `written - 1`, of which those count that `expected` names. */
  verdict(written: number, expected: (n: number) => boolean = () => true): TallyResult {
    const missing: number[] = [];
    const repeated: number[] = [];
    let again = 0;
    let foreign = this.foreign;
    for (let n = 0; n < Math.max(written, this.counts.length); n++) {
      const count = this.count(n);
      const wanted = n < written && expected(n);
      if (wanted && count === 0) missing.push(n);
      if (!wanted) foreign += count;
      if (count > 1) {
        repeated.push(n);
        again += count - 1;
      }
    }
    const { altered, disordered } = this;
    return { missing: missing.length, repeated: again, altered, disordered, foreign, ranges: words(missing, repeated) };
  }

  private keepOrder(n: number, place: string | number): void {
    const key = `${place} ${n % this.lines.options.cars}`;
    if (n < (this.lastOf.get(key) ?? -1)) this.disordered++;
    else this.lastOf.set(key, n);
  }

  private grow(n: number): void {
    const counts = new Uint8Array(2 ** Math.ceil(Math.log2(n + 1)));
    counts.set(this.counts);
    this.counts = counts;
  }
}

function words(missing: readonly number[], repeated: readonly number[]): string {
  const parts = [
    ...ranges(missing).map((range) => `missing ${range}`),
    ...ranges(repeated).map((range) => `repeated ${range}`),
  ];
  return parts.join(", ");
}

/** `0-99`, `150`, … and how many more there are. */
function ranges(numbers: readonly number[]): string[] {
  const found: string[] = [];
  let first: number | undefined;
  for (const [index, n] of numbers.entries()) {
    first ??= n;
    if (numbers[index + 1] === n + 1) continue;
    found.push(first === n ? `${n}` : `${first}-${n}`);
    first = undefined;
  }
  const more = found.length - shownRangesMax;
  return more > 0 ? [...found.slice(0, shownRangesMax), `(${more} more ranges)`] : found;
}
