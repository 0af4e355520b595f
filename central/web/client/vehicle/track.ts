/** Where the vehicle was, as a line: no map, so nothing is asked of anybody else. */
import { type ComponentChild, h } from "preact";
import { type GeoPosition, isPlace, niceLength, project } from "./projection.ts";
import type { SeriesBody } from "./series-state.ts";

const box = { width: 640, height: 360, margin: 28 };

/** Nothing was heard for so many buckets: the way between is not known, and not drawn. */
const unheardBuckets = 5;

/** A place, and whether the way to it is known. */
export interface WayPoint extends GeoPosition {
  readonly begins: boolean;
}

/** Buckets of both series that have the same beginning are a place. */
export function placesOf(latitudes: SeriesBody, longitudes: SeriesBody): readonly WayPoint[] {
  const byTime = new Map(longitudes.buckets.map(({ fromMs, last }) => [fromMs, last]));
  let beforeMs = Number.NEGATIVE_INFINITY;
  return latitudes.buckets.flatMap(({ fromMs, last: latitude }) => {
    const longitude = byTime.get(fromMs);
    if (longitude === undefined || !isPlace({ latitude, longitude })) return [];
    const begins = fromMs - beforeMs > latitudes.bucketMs * unheardBuckets;
    beforeMs = fromMs;
    return [{ latitude, longitude, begins }];
  });
}

export function Track({ places }: { readonly places: readonly WayPoint[] }): ComponentChild {
  const { points, widthMetres } = project(places, box);
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return h("p", { class: "empty" }, "No place in this range.");
  const metresPerUnit = widthMetres / box.width;
  const scale = niceLength(widthMetres / 4);
  const end = places.at(-1);
  return h(
    "figure",
    { class: "card track" },
    h(
      "figcaption",
      null,
      h("span", null, "Track"),
      h("b", null, end === undefined ? "" : `${end.latitude.toFixed(5)}, ${end.longitude.toFixed(5)}`),
    ),
    h(
      "svg",
      { viewBox: `0 0 ${box.width} ${box.height}`, role: "img", "aria-label": "Track of the vehicle, north is up" },
      h("path", {
        class: "way",
        d: points.map(([x, y], index) => `${places[index]?.begins === false ? "L" : "M"}${x} ${y}`).join(""),
      }),
      h("circle", { class: "from", cx: first[0], cy: first[1], r: 4 }),
      h("circle", { class: "halo", cx: last[0], cy: last[1], r: 11 }),
      h("circle", { class: "to", cx: last[0], cy: last[1], r: 5 }),
      h("line", {
        class: "scale",
        x1: 16,
        x2: 16 + scale / metresPerUnit,
        y1: box.height - 14,
        y2: box.height - 14,
      }),
      h("text", { x: 16, y: box.height - 20 }, scale >= 1_000 ? `${scale / 1_000} km` : `${scale} m`),
    ),
  );
}
