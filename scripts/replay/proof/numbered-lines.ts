/**
 * The lines of a test: line `n` of a stream is a pure function of the stream's name and `n`, so that whoever reads
 * lines back needs no list of what was written, only how many.
 *
 *     {"stream":"a","n":1000000123,"car":"car-003","speed":71.4,…}
 *
 * The number (and a thousand million, so that it always has ten digits) stands at a fixed place. Cars take turns: car `n % cars` wrote line `n`, so within a car numbers ascend.
 */
export interface NumberedLinesOptions {
  /** One letter or digit: which writer the line is from. */
  readonly stream: string;
  readonly cars: number;
  /** Bytes of a line without its line feed. */
  readonly lineBytes: number;
}

const digits = 10;
const base = 1_000_000_000;
const numberAt = '{"stream":"a","n":'.length;

/** Makes lines, and recognises them. */
export class NumberedLines {
  readonly options: NumberedLinesOptions;

  constructor(options: Partial<NumberedLinesOptions> = {}) {
    this.options = { stream: "a", cars: 10, lineBytes: 190, ...options };
  }

  /** The line, without a line feed. */
  text(n: number): string {
    const { stream, lineBytes } = this.options;
    const noise = scatter(n);
    const speed = (60 + 40 * Math.sin(n / 400 + (n % 7)) + (noise & 7) / 10).toFixed(1);
    const head =
      `{"stream":"${stream}","n":${base + n},"car":"${this.car(n)}","speed":${speed},` +
      `"accelerator":${(noise >>> 3) % 101},"brake":${(noise >>> 10) % 2},"steering":${((noise >>> 11) % 720) - 360},` +
      `"area":"${(31.2 + (n % 10_000) / 1e5).toFixed(5)},${(121.4 + ((noise >>> 20) & 127) / 1e4).toFixed(5)}"`;
    return `${head.padEnd(lineBytes - 1, " ")}}`;
  }

  car(n: number): string {
    return `car-${String(n % this.options.cars).padStart(3, "0")}`;
  }

  /** Lines `from` to `to - 1`, each with its line feed. */
  block(from: number, to: number): Buffer {
    const lines: string[] = [];
    for (let n = from; n < to; n++) lines.push(this.text(n), "\n");
    return Buffer.from(lines.join(""), "utf8");
  }

  /** The number a line claims to have, by its shape alone; undefined when it is no line of this stream. */
  numberOf(line: Buffer): number | undefined {
    const { stream } = this.options;
    if (line.length < numberAt + digits || line.toString("latin1", 0, numberAt) !== `{"stream":"${stream}","n":`) {
      return undefined;
    }
    const n = Number(line.toString("latin1", numberAt, numberAt + digits)) - base;
    return Number.isInteger(n) && n >= 0 ? n : undefined;
  }
}

/** Scatters the bits of a number (the finisher of MurmurHash3). */
function scatter(n: number): number {
  let bits = n | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
