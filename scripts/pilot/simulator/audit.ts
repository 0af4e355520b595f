/**
 * The independent checker's core. It is shown lines, in whatever order some place holds them, and says what is missing,
 * repeated, altered or out of order. It knows the simulator's worlds (every line from its number) and nothing of the
 * pipeline: not its files, not its formats, not its counters.
 */
import { garbageLine, hasGarbage } from "./garbage.ts";
import type { Progress, Worlds } from "./manifest.ts";
import { renderLine, type Scenario, type StreamName, vehicleName } from "./scenario.ts";

/** What was found wrong or right in one stream. */
export interface AuditResult {
  readonly stream: StreamName;
  /** Lines that the simulator wrote. */
  readonly expected: number;
  /** Different lines seen, each exactly as it was written. */
  readonly arrived: number;
  readonly missing: number;
  /** Lines seen again; a line seen three times counts two. */
  readonly repeated: number;
  /** Lines of a car that came after a later one of the same car, in one channel. */
  readonly outOfOrder: number;
  /** Lines whose text differs from what was written. */
  readonly altered: number;
  /** Lines with a number that was never written. */
  readonly unknown: number;
  /** A few of each kind, for people: `missing lines 4711-4720`. */
  readonly examples: readonly string[];
  /** Every expected line once and as written, in order, and nothing else. */
  readonly ok: boolean;
}

const examplesMax = 8;
const pattern = /^\{"line":(\d+),"stream":"(driving|status)","vehicle":"([^"]*)","carLine":(\d+),/;

/** Sees lines and keeps the books: a byte a line, whatever their size. */
export class LineAudit {
  /** What was no line of the simulator at all: garbage, fragments. */
  other = 0;
  private readonly books: Record<StreamName, StreamBook>;

  /** @param written how many lines of each stream were written; they are the lines from 0 on. */
  constructor(worlds: Worlds, written: Readonly<Progress>) {
    this.books = {
      driving: new StreamBook(worlds.driving, written.driving),
      status: new StreamBook(worlds.status, written.status),
    };
  }

  /**
   * One line as it lies somewhere, without its line end. `channel` names whatever keeps an order of its own, such as a
   * partition or a file: within it, a car's lines must come in the order they were written.
   */
  see(line: string | Uint8Array, channel = ""): void {
    const text = typeof line === "string" ? line : decoder.decode(line);
    const match = pattern.exec(text);
    const stream = match?.[2];
    if (match === null || !(stream === "driving" || stream === "status")) {
      this.other++;
      return;
    }
    if (!this.books[stream].see(text, Number(match[1]), channel)) this.other++;
  }

  /** What one stream's books say now. */
  result(stream: StreamName): AuditResult {
    return this.books[stream].result();
  }

  /** Different lines of a stream seen so far; cheap, for waiting. */
  arrived(stream: StreamName): number {
    return this.books[stream].arrived;
  }
}

/** How many lines of garbage stand between the first `lines` lines of a world. */
export function garbageCount(world: Scenario, lines: number): number {
  let count = 0;
  for (let k = 0; k < lines; k++) if (hasGarbage(world, k) && garbageLine(world, k).length > 0) count++;
  return count;
}

/** The result as one line for the terminal. */
export function summarize(result: AuditResult): string {
  const { stream, expected, arrived, missing, repeated, outOfOrder, altered, unknown } = result;
  const counts = `missing ${missing}, repeated ${repeated}, out of order ${outOfOrder}, altered ${altered}`;
  return `${stream}: ${expected} lines written, ${arrived} arrived, ${counts}${unknown > 0 ? `, unknown ${unknown}` : ""}`;
}

const decoder = new TextDecoder();

class StreamBook {
  arrived = 0;
  private readonly seen: Uint8Array;
  private readonly lastOfCar = new Map<string, Int32Array>();
  private readonly counts = { repeated: 0, outOfOrder: 0, altered: 0, unknown: 0 };
  private readonly examples: string[] = [];

  constructor(
    private readonly world: Scenario,
    private readonly expected: number,
  ) {
    this.seen = new Uint8Array(expected);
  }

  /** False when the text is a mere beginning of a line: a logger was killed while it wrote. */
  see(text: string, k: number, channel: string): boolean {
    // A whole line has its only brace at its end.
    if (!text.endsWith("}")) return false;
    if (k >= this.expected) {
      this.note("unknown", `line ${k} was never written (${this.expected} were): ${text.slice(0, 100)}`);
      return true;
    }
    const written = renderLine(this.world, k);
    if (text !== written) {
      this.note("altered", `line ${k} is altered: ${text.slice(0, 200)}`);
      return true;
    }
    if (this.seen[k] !== 0) {
      this.note("repeated", `line ${k} is repeated`);
      return true;
    }
    this.seen[k] = 1;
    this.arrived++;
    this.checkOrder(k, channel);
    return true;
  }

  result(): AuditResult {
    const missing = this.expected - this.arrived;
    const examples = [...this.missingRanges(), ...this.examples];
    const { repeated, outOfOrder, altered, unknown } = this.counts;
    const ok = missing + repeated + outOfOrder + altered + unknown === 0;
    const { stream } = this.world;
    return { stream, expected: this.expected, arrived: this.arrived, missing, ...this.counts, examples, ok };
  }

  private checkOrder(k: number, channel: string): void {
    let last = this.lastOfCar.get(channel);
    if (last === undefined) {
      last = new Int32Array(this.world.cars).fill(-1);
      this.lastOfCar.set(channel, last);
    }
    const car = k % this.world.cars;
    const carLine = Math.floor(k / this.world.cars);
    const before = last[car] ?? -1;
    if (carLine < before) {
      this.note("outOfOrder", `line ${carLine} of ${vehicleName(car)} came after its line ${before} (${channel})`);
    }
    last[car] = Math.max(before, carLine);
  }

  private note(kind: keyof typeof this.counts, example: string): void {
    this.counts[kind]++;
    if (this.counts[kind] <= examplesMax) this.examples.push(example);
  }

  private missingRanges(): string[] {
    const ranges: string[] = [];
    for (let k = this.seen.indexOf(0); k >= 0 && ranges.length < examplesMax; k = this.seen.indexOf(0, k)) {
      const next = this.seen.indexOf(1, k);
      const last = (next < 0 ? this.expected : next) - 1;
      ranges.push(k === last ? `line ${k} is missing` : `lines ${k}-${last} are missing`);
      k = last + 1;
    }
    return ranges;
  }
}
