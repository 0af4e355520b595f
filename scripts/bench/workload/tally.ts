import type { RecordForm } from "../agents/agent.ts";
import { NUMBER_AT, NUMBER_BASE, PAYLOAD_BYTES, TIME_AT, VEHICLES, WARM_FROM } from "./lines.ts";
import type { InputLines } from "./mapped-lines.ts";

/** What an independent reader of the topic found, against the file that was written. */
export interface TallyResult {
  /** Different lines of the input that are in the topic. */
  readonly delivered: number;
  readonly lost: number;
  /** Records beyond the first of a line. */
  readonly repeated: number;
  /** Records that are no line of the input, or differ from it in a byte. */
  readonly altered: number;
  /** Lines whose first record stands behind that of a later line of the same vehicle. */
  readonly disordered: number;
  /** When the broker appended each delivered line, milliseconds since 1970, sorted. */
  readonly appendedMs: Float64Array;
  /** From the time in a line to the broker's append time, one entry a delivered line, sorted. */
  readonly latenciesMs: Float64Array;
}

const newline = 0x0a;
const quote = 0x22;

/**
 * Counts what came out against what went in. It knows the input file's bytes and nothing of the pipeline: line `n`
 * must be there once, byte for byte, behind the vehicle's earlier lines.
 */
export class Tally {
  private readonly seen: Uint8Array;
  private readonly latencies: Float64Array;
  private readonly appended: Float64Array;
  private readonly lastOfVehicle = new Int32Array(VEHICLES).fill(-1);
  private delivered = 0;
  private repeated = 0;
  private altered = 0;
  private disordered = 0;

  constructor(private readonly input: InputLines) {
    this.seen = new Uint8Array(input.count);
    this.latencies = new Float64Array(input.count);
    this.appended = new Float64Array(input.count);
  }

  /** One record of the topic, without a newline at its end. */
  add(appendMs: number, payload: Uint8Array): void {
    const number = payload.length === PAYLOAD_BYTES ? digits(payload, NUMBER_AT, NUMBER_AT + 10) : Number.NaN;
    if (number >= WARM_FROM) return;
    const n = number - NUMBER_BASE;
    if (!(n >= 0 && n < this.input.count) || !this.equalsLine(n, payload)) {
      this.altered++;
      return;
    }
    if (this.seen[n] === 1) {
      this.repeated++;
      return;
    }
    this.seen[n] = 1;
    this.appended[this.delivered] = appendMs;
    this.latencies[this.delivered++] = appendMs - digits(payload, TIME_AT, TIME_AT + 13);
    const vehicle = n % VEHICLES;
    if (n < (this.lastOfVehicle[vehicle] ?? -1)) this.disordered++;
    else this.lastOfVehicle[vehicle] = n;
  }

  verdict(): TallyResult {
    return {
      delivered: this.delivered,
      lost: this.input.count - this.delivered,
      repeated: this.repeated,
      altered: this.altered,
      disordered: this.disordered,
      appendedMs: this.appended.slice(0, this.delivered).sort(),
      latenciesMs: this.latencies.slice(0, this.delivered).sort(),
    };
  }

  private equalsLine(n: number, payload: Uint8Array): boolean {
    return Buffer.compare(payload, this.input.line(n)) === 0;
  }
}

/**
 * Cuts the reader's output, `APPENDTIME PAYLOAD\n` a record, into records for a tally. Output comes in chunks of any
 * size; a record's end may be in the next one.
 */
export class RecordLines {
  private rest: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly tally: Tally,
    private readonly form: RecordForm = "line",
  ) {}

  push(chunk: Uint8Array): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(newline, from); end !== -1; end = bytes.indexOf(newline, from)) {
      // The append time is 13 digits and a space.
      this.tally.add(digits(bytes, from, from + 13), this.lineOf(bytes.subarray(from + 14, end)));
      from = end + 1;
    }
    this.rest = bytes.slice(from);
  }

  /** A value that is no JSON string stays as it is, and then counts as altered. */
  private lineOf(value: Uint8Array): Uint8Array {
    if (this.form === "line" || value[0] !== quote) return value;
    return Buffer.from(String(JSON.parse(Buffer.from(value).toString("utf8"))), "utf8");
  }
}

/** The decimal number in `bytes[from, to)`; NaN when something else stands there. */
function digits(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
