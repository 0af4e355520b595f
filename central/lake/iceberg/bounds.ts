/** The lowest and highest value of columns in a file, in Iceberg's single-value form: what readers leave files out by. */
import { columnId } from "../columns.ts";
import type { Row } from "../row.ts";

/** Of some columns, by their ids; a column that is not there may hold anything. */
export interface Bounds {
  readonly lower: readonly BoundOf[];
  readonly upper: readonly BoundOf[];
}

/** As Avro holds a map whose keys are no texts. */
export interface BoundOf {
  readonly key: number;
  readonly value: Buffer;
}

/** Longer texts are left out: a bound may be cut, but the upper one must not become less. */
const textBytesMax = 128;

/** Of rows, of which there is one at least. */
export function boundsOf(rows: readonly Row[]): Bounds {
  const lower: BoundOf[] = [];
  const upper: BoundOf[] = [];
  const put = (name: string, low: Buffer, high: Buffer) => {
    lower.push({ key: columnId(name), value: low });
    upper.push({ key: columnId(name), value: high });
  };
  const times = (name: string, of: (row: Row) => number) => {
    const [low, high] = range(rows, of);
    put(name, int64(low * 1_000), int64(high * 1_000));
  };
  times("event_time", ({ eventMs }) => eventMs);
  times("kafka_time", ({ kafkaMs }) => kafkaMs);
  const [lowOffset, highOffset] = range(rows, ({ offset }) => offset);
  put("offset", int64(lowOffset), int64(highOffset));
  for (const name of ["vehicle", "topic"] as const) {
    const [low, high] = textRange(rows, (row) => row[name]);
    if (Math.max(low.length, high.length) <= textBytesMax) put(name, low, high);
  }
  return { lower, upper };
}

/** The highest time in milliseconds that a column of times holds. */
export function highestMs({ upper }: Bounds, name: string): number | undefined {
  const id = columnId(name);
  const bound = upper.find(({ key }) => key === id);
  return bound && Number(bound.value.readBigInt64LE()) / 1_000;
}

/** Whether a column of texts may hold this one. */
export function mayHold({ lower, upper }: Bounds, name: string, text: string): boolean {
  const id = columnId(name);
  const bytes = Buffer.from(text);
  const low = lower.find(({ key }) => key === id)?.value;
  const high = upper.find(({ key }) => key === id)?.value;
  return (low === undefined || low.compare(bytes) <= 0) && (high === undefined || high.compare(bytes) >= 0);
}

function range(rows: readonly Row[], of: (row: Row) => number): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const value = of(row);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** In the order of bytes, which is that of Iceberg's texts and not JavaScript's. */
function textRange(rows: readonly Row[], of: (row: Row) => string): [low: Buffer, high: Buffer] {
  const texts = [...new Set(rows.map(of))].map((text) => Buffer.from(text)).sort((a, b) => a.compare(b));
  return [texts[0] ?? Buffer.alloc(0), texts.at(-1) ?? Buffer.alloc(0)];
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
