/**
 * What determines every line of one stream: a seed, the cars, and when the clock of the story started. Line `k` of a
 * stream is the `n`th line of car `k mod cars`, with n = floor(k / cars); nothing else is needed to write it, or to
 * check it.
 *
 *     {"line":4711,"stream":"driving","vehicle":"car-011","carLine":47,"time":"2026-11-21T08:00:47.213Z",…signals…}
 */
import { drivingSignals } from "./driving.ts";
import { noise } from "./noise.ts";
import { statusSignals } from "./status.ts";

/** The pilot's two streams. */
export type StreamName = "driving" | "status";

/** From this line on the story's clock began here: each start of the simulator adds one. */
export interface Segment {
  readonly fromLine: number;
  readonly startMs: number;
}

/** Everything that a line depends on. Kept in the manifest; the checker needs no more. */
export interface Scenario {
  readonly stream: StreamName;
  readonly seed: number;
  readonly cars: number;
  /** Event time between two lines of one car. */
  readonly intervalMs: number;
  /** `status` only: reports of one car in one daily file. */
  readonly reportsPerDay: number;
  /** Lines are filled up to this many bytes with a raw frame; 0 for none. */
  readonly lineBytesMin: number;
  /** Share of lines that have a line of garbage before them. */
  readonly garbage: number;
  readonly segments: readonly Segment[];
}

const dayMs = 86_400_000;

/** No line is longer than this, garbage excepted (the pilot's bound). */
export const LINE_BYTES_MAX = 4_000;

/** The car's name as it stands in the lines. */
export function vehicleName(car: number): string {
  return `car-${String(car).padStart(3, "0")}`;
}

/** Line `k`, without its line end. */
export function renderLine(world: Scenario, k: number): string {
  const car = k % world.cars;
  const carLine = Math.floor(k / world.cars);
  const head = `{"line":${k},"stream":"${world.stream}","vehicle":"${vehicleName(car)}","carLine":${carLine},"time":"${new Date(eventTimeMs(world, k)).toISOString()}",`;
  const carSeed = (world.seed * 1_000_003 + car) | 0;
  const signals = world.stream === "driving" ? drivingSignals(carSeed, car, carLine) : statusSignals(carSeed, carLine);
  const line = `${head}${signals}`;
  return `${line}${rawFrame(world, k, line.length)}}`;
}

/** When line `k` happened in the car; the time it is written is another matter. */
export function eventTimeMs(world: Scenario, k: number): number {
  const segment = segmentOf(world, k);
  const car = k % world.cars;
  const carLine = Math.floor(k / world.cars) - Math.floor(segment.fromLine / world.cars);
  // A report leaves the control unit up to 0.9 s late; one in five hundred was held there for up to half a minute.
  const late = noise(world.seed, k, 1) < 0.002 ? noise(world.seed, k, 2) * 30_000 : noise(world.seed, k, 3) * 900;
  if (world.stream === "driving") return Math.floor(segment.startMs + carLine * world.intervalMs + 900 - late);
  const day = Math.floor(carLine / world.reportsPerDay);
  const driveMs = world.reportsPerDay * world.intervalMs;
  const departureMs = Math.floor(noise(world.seed, car, day, 4) * Math.max(0, dayMs - driveMs));
  const intoDriveMs = (carLine % world.reportsPerDay) * world.intervalMs;
  return Math.floor(segment.startMs + day * dayMs + departureMs + intoDriveMs + 900 - late);
}

function segmentOf(world: Scenario, k: number): Segment {
  for (let index = world.segments.length - 1; index >= 0; index--) {
    const segment = world.segments[index];
    if (segment !== undefined && segment.fromLine <= k) return segment;
  }
  return { fromLine: 0, startMs: 0 };
}

const hex = "0123456789abcdef";

/** A hexadecimal dump as control units send it: fills the line up and does not compress to nothing. */
function rawFrame(world: Scenario, k: number, length: number): string {
  const name = ',"Pilot.RawFrame":"';
  const missing = Math.min(world.lineBytesMin, LINE_BYTES_MAX) - length - name.length - 2;
  if (missing <= 0) return "";
  let text = "";
  for (let at = 0; text.length < missing; at++) {
    const word = Math.floor(noise(world.seed, k, 5, at) * 4294967296);
    for (let shift = 28; shift >= 0; shift -= 4) text += hex[(word >>> shift) & 15];
  }
  return `${name}${text.slice(0, missing)}"`;
}
