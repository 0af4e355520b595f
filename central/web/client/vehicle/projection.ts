/** Places on the earth → points of a drawing, true to shape near where the vehicle was. */

/** A place in degrees. */
export interface GeoPosition {
  readonly latitude: number;
  readonly longitude: number;
}

/** A drawing: points, and how wide it is on the ground. */
export interface Drawing {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly widthMetres: number;
}

/** Whether it is on the earth. */
export function isPlace({ latitude, longitude }: GeoPosition): boolean {
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
}

const metresPerDegree = 111_320;

/** Fits all places into a box with a margin; places that cannot be are left out. */
export function project(
  places: readonly GeoPosition[],
  box: { width: number; height: number; margin: number },
): Drawing {
  const known = places.filter(isPlace);
  if (known.length === 0) return { points: [], widthMetres: 0 };
  const latitudes = known.map(({ latitude }) => latitude);
  const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
  // A degree of longitude is shorter, the further one is from the equator.
  const shrink = Math.max(0.01, Math.cos((((south + north) / 2) * Math.PI) / 180));
  const eastings = known.map(({ longitude }) => longitude * shrink);
  const [west, east] = [Math.min(...eastings), Math.max(...eastings)];
  const inner = { width: box.width - 2 * box.margin, height: box.height - 2 * box.margin };
  // A vehicle that stands is a point in the middle, not noise that fills the box.
  const span = Math.max(
    (east - west) / inner.width,
    (north - south) / inner.height,
    50 / metresPerDegree / inner.width,
  );
  const points = known.map(({ latitude }, index) => {
    const x = box.width / 2 + ((eastings[index] ?? 0) - (west + east) / 2) / span;
    const y = box.height / 2 - (latitude - (south + north) / 2) / span;
    return [Math.round(x * 10) / 10, Math.round(y * 10) / 10] as const;
  });
  return { points, widthMetres: span * box.width * metresPerDegree };
}

/** A length that is easy to read, for a scale: 1, 2 or 5 times a power of ten, at most so long. */
export function niceLength(metresMax: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, metresMax)));
  return [5, 2, 1].map((each) => each * power).find((each) => each <= metresMax) ?? 1;
}
