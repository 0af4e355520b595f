/** What can be seen of a stream over time: which range, which fields, their plots, and the track. */
import { useComputed, useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { useEffect } from "preact/hooks";
import type { Answer } from "../central/ask.ts";
import { formatTime } from "../format.ts";
import { fieldTitle, firstChoice, numberFields, placeFields } from "./fields.ts";
import { Plot } from "./plot.ts";
import { askSeries, type SeriesBody } from "./series-state.ts";
import { placesOf, Track } from "./track.ts";

/** Whose history. */
export interface HistoryProps {
  readonly vehicle: string;
  readonly stream: string;
  /** Of its last state. */
  readonly value: string;
  /** Event time of that: a range ends here. */
  readonly endMs: number;
}

const ranges = [
  ["15 min", 900_000],
  ["1 h", 3_600_000],
  ["6 h", 21_600_000],
  ["24 h", 86_400_000],
  ["7 d", 604_800_000],
] as const;

const buckets = 400;
const everyMs = 5_000;

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export function History({ vehicle, stream, value, endMs }: HistoryProps): ComponentChild {
  const spanMs = useSignal<number>(3_600_000);
  const zoomed = useSignal<Range | undefined>(undefined);
  const chosen = useSignal<readonly string[] | undefined>(undefined);
  const shown = useSignal<{ range: Range; series: ReadonlyMap<string, Answer<SeriesBody>> } | undefined>(undefined);
  const fields = numberFields(value);
  const place = placeFields(fields);
  const pointers = chosen.value ?? firstChoice(fields);
  const asked = [...pointers, ...(place === undefined ? [] : [place.latitude, place.longitude])];
  const question = JSON.stringify([vehicle, stream, asked, spanMs.value, zoomed.value]);
  const latest = useSignal(endMs);
  latest.value = endMs;
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      // Buckets stay where they are from one time to the next, or the curve would tremble.
      const step = Math.max(1, Math.ceil(spanMs.value / buckets));
      const toMs = (Math.floor(latest.value / step) + 1) * step;
      const range = zoomed.value ?? { fromMs: toMs - spanMs.value, toMs };
      const found = new Map<string, Answer<SeriesBody>>();
      for (const pointer of asked) {
        if (over) return;
        found.set(pointer, await askSeries({ vehicle, stream, pointer, ...range, buckets }));
      }
      if (over) return;
      shown.value = { range, series: found };
      if (zoomed.value === undefined) timer = setTimeout(turn, everyMs);
    };
    turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [question]);
  const places = useComputed(() => {
    const [latitudes, longitudes] = [place?.latitude, place?.longitude].map((each) =>
      shown.value?.series.get(each ?? ""),
    );
    if (latitudes?.kind !== "body" || longitudes?.kind !== "body") return undefined;
    return placesOf(latitudes.body, longitudes.body);
  });
  if (fields.length === 0) {
    return h("p", { class: "empty" }, "The last state holds no numbers in JSON: there is nothing to plot.");
  }
  return h(
    "div",
    { class: "history" },
    h(
      "div",
      { class: "bar" },
      ranges.map(([words, ms]) =>
        h(
          "button",
          {
            key: words,
            type: "button",
            class: "chip",
            "aria-pressed": zoomed.value === undefined && spanMs.value === ms,
            onClick: () => {
              zoomed.value = undefined;
              spanMs.value = ms;
            },
          },
          words,
        ),
      ),
      zoomed.value !== undefined &&
        h("span", { class: "note" }, `${formatTime(zoomed.value.fromMs)} – ${formatTime(zoomed.value.toMs)}`),
      h("span", { class: "note push" }, "Drag over a plot to zoom in."),
    ),
    h(
      "div",
      { class: "bar fields", role: "group", "aria-label": "Fields" },
      fields.map(({ pointer }) =>
        h(
          "button",
          {
            key: pointer,
            type: "button",
            class: "chip small",
            "aria-pressed": pointers.includes(pointer),
            onClick: () => {
              chosen.value = pointers.includes(pointer)
                ? pointers.filter((each) => each !== pointer)
                : [...pointers, pointer].slice(-6);
            },
          },
          fieldTitle(pointer),
        ),
      ),
    ),
    h(
      "div",
      { class: "plots" },
      places.value !== undefined && h(Track, { places: places.value }),
      pointers.map((pointer) => drawField(pointer)),
    ),
  );

  function drawField(pointer: string): ComponentChild {
    const answer = shown.value?.series.get(pointer);
    const range = shown.value?.range;
    if (answer === undefined || range === undefined) return false;
    if (answer.kind !== "body") return h("p", { key: pointer, class: "empty" }, answer.words);
    const zoom = (fromMs: number, toMs: number) => {
      zoomed.value = { fromMs, toMs };
    };
    return h(Plot, { key: pointer, title: fieldTitle(pointer), series: answer.body, ...range, zoom });
  }
}
