/**
 * The logs of containers. A runtime wraps each line that a program writes, with its stream and its time, and divides a
 * long line into pieces:
 *
 *   docker (json-file)   {"log":"a piece","stream":"stdout","time":"2026-11-26T17:00:00.1Z"}   the last piece ends with \n
 *   cri                  2026-11-26T17:00:00.1+00:00 stdout P a piece                          the last piece says F
 *
 * Pieces are joined per stream. Both streams share a file, so whole lines of one may stand between the pieces of the
 * other. Nothing is kept of a line that is not complete: it is read again from its first piece, and `given` says how many
 * of the lines that end behind that place were given before. So a place in the file and that number are all there is to
 * remember.
 *
 * A line that is none of these passes as it is.
 */
import { decodeText } from "../system/short-texts.ts";
import type { Ending, LineOutput, LineSplitterOptions, Splitter } from "./split-lines.ts";

/** How a runtime writes. */
export type ContainerFormat = "docker" | "cri";

/** How a container runtime's lines are split. */
export interface ContainerSplitterOptions extends LineSplitterOptions {
  readonly format: ContainerFormat;
  /** Said before each line that is given; undefined: the line is not of that format. */
  readonly about: (facts: RecordFacts | undefined) => void;
}

/** What the runtime says of a line; of a joined one what it says of the first piece. */
export interface RecordFacts {
  readonly stream: string;
  /** Milliseconds since 1970; 0: not known. */
  readonly timeMs: number;
}

interface Piece extends RecordFacts {
  readonly body: Buffer;
  readonly isLast: boolean;
}

interface Open {
  readonly start: number;
  readonly first: Piece;
  readonly bodies: Buffer[];
}

const lineFeed = 10;
const carriageReturn = 13;
/** Beyond the longest line that is forwarded, so much of a wrapped one may be wrapping. */
const wrappingBytesMax = 4_096;

/** Gives the lines that a container wrote, out of the lines that its runtime wrapped them in. */
export class ContainerSplitter implements Splitter {
  skipping = false;
  given = 0;
  private readonly open = new Map<string, Open>();
  /** Places where the lines end that were completed in this pass. */
  private readonly ends: number[] = [];

  constructor(private readonly options: ContainerSplitterOptions) {}

  begin(_offset: number, given: number): void {
    this.given = given;
  }

  split(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    this.open.clear();
    this.ends.length = 0;
    const borrowed = buffer[end] ?? 0;
    buffer[end] = lineFeed;
    let at = this.skipping ? this.skip(buffer, start, end, output, ending) : start;
    while (at < end) {
      const found = buffer.indexOf(lineFeed, at);
      if (found === end && ending !== "final") break;
      this.take(buffer, at, found, output);
      at = found === end ? end : found + 1;
    }
    if (end - at > this.options.lineBytesMax + wrappingBytesMax) {
      this.endOpen(at, output);
      this.options.about(undefined);
      output.cutLine(buffer, at, at + this.options.lineBytesMax);
      this.skipping = true;
      at = this.skip(buffer, at + this.options.lineBytesMax, end, output, ending);
    }
    if (ending === "final") this.endOpen(end, output);
    buffer[end] = borrowed;
    let place = this.placeBefore(at);
    if (place === start && end - start >= rangeBytesMax) {
      // It fills all that can be read at once: it is never seen whole.
      this.endOpen(at, output);
      place = at;
    }
    this.given = this.ends.filter((each) => each > place).length;
    return place;
  }

  /** Where to go on: before the first line that is not complete. */
  private placeBefore(at: number): number {
    let place = at;
    for (const { start } of this.open.values()) place = Math.min(place, start);
    return place;
  }

  private take(buffer: Buffer, start: number, end: number, output: LineOutput): void {
    const piece = this.options.format === "docker" ? dockerPiece(buffer, start, end) : criPiece(buffer, start, end);
    if (piece === undefined) {
      this.give(buffer.subarray(start, end), undefined, end, output);
      return;
    }
    const open = this.open.get(piece.stream);
    if (open === undefined && piece.isLast) {
      this.give(piece.body, piece, end, output);
    } else if (open === undefined) {
      this.open.set(piece.stream, { start, first: piece, bodies: [piece.body] });
    } else {
      open.bodies.push(piece.body);
      if (!piece.isLast) return;
      this.open.delete(piece.stream);
      this.give(Buffer.concat(open.bodies), open.first, end, output);
    }
  }

  /** What is not complete is given as it is. */
  private endOpen(at: number, output: LineOutput): void {
    for (const { first, bodies } of this.open.values()) this.give(Buffer.concat(bodies), first, at, output);
    this.open.clear();
  }

  private give(body: Buffer, facts: RecordFacts | undefined, end: number, output: LineOutput): void {
    const { lineBytesMax, stripCarriageReturn, skipEmptyLines, about } = this.options;
    this.ends.push(end);
    if (this.ends.length <= this.given) return;
    let stop = body.length;
    if (stripCarriageReturn && stop > 0 && body[stop - 1] === carriageReturn) stop--;
    if (stop === 0 && skipEmptyLines) return;
    about(facts);
    if (stop <= lineBytesMax) {
      output.line(body, 0, stop);
      return;
    }
    output.cutLine(body, 0, lineBytesMax);
    output.leftOut(stop - lineBytesMax);
  }

  private skip(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    const found = buffer.indexOf(lineFeed, start);
    output.leftOut(found - start);
    this.skipping = found === end && ending !== "final";
    return found === end ? end : found + 1;
  }
}

/** As much as a source reads at once, less what it may have read before. */
const rangeBytesMax = 1024 * 1024 - 1024;

function dockerPiece(buffer: Buffer, start: number, end: number): Piece | undefined {
  let value: unknown;
  try {
    value = JSON.parse(decodeText(buffer, start, end));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  if (typeof value !== "object" || value === null || !("log" in value) || typeof value.log !== "string")
    return undefined;
  const { log } = value;
  const isLast = log.endsWith("\n");
  const stream = "stream" in value && typeof value.stream === "string" ? value.stream : "";
  const timeMs = "time" in value && typeof value.time === "string" ? timeOf(value.time) : 0;
  return { stream, timeMs, isLast, body: Buffer.from(isLast ? log.slice(0, -1) : log) };
}

const criLine = /^(\S+) (stdout|stderr) ([A-Z]+(?::[A-Za-z0-9]+)*) /;
const criHeadBytesMax = 128;

function criPiece(buffer: Buffer, start: number, end: number): Piece | undefined {
  const head = criLine.exec(buffer.toString("latin1", start, Math.min(end, start + criHeadBytesMax)));
  const [all, time, stream, tags] = head ?? [];
  if (all === undefined || time === undefined || stream === undefined || tags === undefined) return undefined;
  const isLast = !tags.split(":").includes("P");
  const body = buffer.subarray(start + all.length, end);
  return { stream, timeMs: timeOf(time), isLast, body };
}

/** Runtimes write nanoseconds; a date holds milliseconds. */
function timeOf(text: string): number {
  const time = Date.parse(text.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(time) ? 0 : time;
}
