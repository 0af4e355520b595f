/**
 * Numbers over time, in buckets: count, min, max, average and last of a field of JSON values. Events come in the order of time,
 * so one bucket is open at a time.
 */

/** A field by its JSON pointer (RFC 6901), taken apart. */
export type Pointer = readonly string[];

/** The parts of a pointer; undefined when the text is none. */
export function readPointer(text: string): Pointer | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What a value has at the pointer. */
export type FieldReading = number | "not JSON" | "not a number" | "absent";

/** Never throws: what a vehicle sent is what it sent. */
export function readField(value: Buffer | null, pointer: Pointer): FieldReading {
  let at: unknown;
  try {
    at = JSON.parse(value?.toString() ?? "");
  } catch {
    return "not JSON";
  }
  for (const part of pointer) {
    if (Array.isArray(at)) at = /^(0|[1-9]\d{0,8})$/.test(part) ? at[Number(part)] : undefined;
    else if (typeof at === "object" && at !== null) at = Object.hasOwn(at, part) ? Reflect.get(at, part) : undefined;
    else return "absent";
  }
  if (at === undefined) return "absent";
  // A number that JSON can say and a double cannot (1e999) is no number to count with.
  return typeof at === "number" && Number.isFinite(at) ? at : "not a number";
}

/** One bucket. A bucket without a number is not there. */
export interface Bucket {
  readonly fromMs: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly last: number;
}

/** Gathers readings in the order of their times. */
export class Buckets {
  readonly closed: Bucket[] = [];
  readonly counts = { numbers: 0, absent: 0, notNumbers: 0, notJson: 0 };
  private open: { index: number; count: number; min: number; max: number; mean: number; last: number } | undefined;

  constructor(
    private readonly fromMs: number,
    private readonly bucketMs: number,
  ) {}

  /** Which bucket a time is in. */
  indexOf(timeMs: number): number {
    return Math.floor((timeMs - this.fromMs) / this.bucketMs);
  }

  add(timeMs: number, reading: FieldReading): void {
    if (typeof reading !== "number") {
      if (reading === "absent") this.counts.absent++;
      else if (reading === "not JSON") this.counts.notJson++;
      else this.counts.notNumbers++;
      return;
    }
    this.counts.numbers++;
    const index = this.indexOf(timeMs);
    if (this.open?.index !== index) {
      this.close();
      this.open = { index, count: 1, min: reading, max: reading, mean: reading, last: reading };
      return;
    }
    const open = this.open;
    open.count++;
    open.min = Math.min(open.min, reading);
    open.max = Math.max(open.max, reading);
    // A running mean: the sum of large numbers could leave the range of a double.
    open.mean += reading / open.count - open.mean / open.count;
    open.last = reading;
  }

  /** Ends the open bucket. */
  close(): void {
    if (this.open === undefined) return;
    const { index, count, min, max, mean, last } = this.open;
    this.closed.push({ fromMs: this.fromMs + index * this.bucketMs, count, min, max, avg: mean, last });
    this.open = undefined;
  }
}
