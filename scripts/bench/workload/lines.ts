/**
 * The bench's input: one JSON line of a vehicle's driving data, always exactly 200 bytes with its newline, so that line
 * `n` of a file lies at byte `n * 200` and a checker can compare any record with what was written without an index.
 *
 * Every line is a pure function of its number and its time: the same everywhere, without a state to carry. The values
 * wander (speed, position, engine) and jitter, so that batches of a thousand lines compress between 6:1 and 10:1 with
 * zstd, as recorded traffic of this shape does.
 */
export const LINE_BYTES = 200;
/** The same without its newline: what a record holds. */
export const PAYLOAD_BYTES = LINE_BYTES - 1;

/** Where a line's 13 digits of time begin. */
export const TIME_AT = 5;

/** Where its 10 digits of number begin. */
export const NUMBER_AT = 23;

/** Vehicles that share the stream: line `n` belongs to vehicle `n % VEHICLES`. */
export const VEHICLES = 100;

/** Lines that only warm an agent up carry numbers from here on; a checker leaves them out. */
export const WARM_FROM = 8_000_000_000;

/** Every number has ten digits, so that it has one width; the first line of a file is `NUMBER_BASE`. */
export const NUMBER_BASE = 1_000_000_000;

/** Time of line 0 in inputs that are made beforehand; the following lines are 10 ms apart. */
export const PREPARED_FROM_MS = 1_764_000_000_000;

const turnSignals = ["off", "off", "off", "off", "off", "left", "off", "right"] as const;

/** Line `n` (from 0) written at `timeMs` (13 digits: years 2001 to 2286), newline included. */
export function driveLine(n: number, timeMs: number): string {
  const vehicle = n % VEHICLES;
  const step = Math.floor(n / VEHICLES);
  const noise = mix(n);
  const phase = step / 40 + vehicle;
  const speed = 62 + 38 * Math.sin(phase / 3) + ((noise >>> 4) & 7) / 10;
  const accelerator = Math.max(0, Math.round(40 * Math.cos(phase / 3) + 20));
  const brake = Math.max(0, Math.round(-30 * Math.cos(phase / 3) - 12));
  const steering = Math.round(9 * Math.sin(phase)) + ((noise >>> 8) & 3);
  const latitude = 31.2 + vehicle / 1000 + step / 100_000;
  const longitude = 121.4 + Math.sin(phase / 50) / 10 + ((noise >>> 20) & 127) / 10_000;
  const text =
    `{"t":${timeMs},"n":${NUMBER_BASE + n},"vehicle":"car-${String(vehicle).padStart(3, "0")}"` +
    `,"speed":${speed.toFixed(1)},"accelerator":${accelerator},"brake":${brake},"steering":${steering}` +
    `,"signal":"${turnSignals[(noise >>> 12) & 7]}","area":"${latitude.toFixed(4)},${longitude.toFixed(4)}"` +
    `,"engine":{"rpm":${1200 + Math.round(speed * 22)},"load":${(noise >>> 16) & 15}}`;
  return `${text.padEnd(LINE_BYTES - 2, " ")}}\n`;
}

/** A line that warms an agent up: of the same shape, with a number that no input has. */
export function warmLine(n: number, timeMs: number): string {
  const line = driveLine(n, timeMs);
  const number = String(WARM_FROM + n);
  return line.slice(0, NUMBER_AT) + number + line.slice(NUMBER_AT + number.length);
}

/** Scatters the bits of a number (the finisher of MurmurHash3). */
function mix(n: number): number {
  let bits = n | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
