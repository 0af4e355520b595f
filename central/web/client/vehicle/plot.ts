/** One number over time: its average as a line, what lies between its least and its greatest as a band. Dragging zooms. */
import { type ComponentChild, h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { formatNumber, formatTime } from "../format.ts";
import type { SeriesBody } from "./series-state.ts";

/** What a plot shows. */
export interface PlotProps {
  readonly title: string;
  readonly series: SeriesBody;
  readonly fromMs: number;
  readonly toMs: number;
  /** The reader has dragged over a part of it. */
  readonly zoom: (fromMs: number, toMs: number) => void;
}

const plotHeight = 200;

export function Plot({ title, series, fromMs, toMs, zoom }: PlotProps): ComponentChild {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const zoomNow = useRef(zoom);
  zoomNow.current = zoom;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsOf(element, (from, to) => zoomNow.current(from, to)),
        [[], [], [], []],
        element,
      );
    };
    make();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const again = () => {
      make();
      plot.current?.setData(dataOf(series));
    };
    scheme.addEventListener("change", again);
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: plotHeight }),
    );
    observer.observe(element);
    return () => {
      scheme.removeEventListener("change", again);
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(dataOf(series), false);
    plot.current?.setScale("x", { min: fromMs / 1_000, max: toMs / 1_000 });
  }, [series, fromMs, toMs]);
  const last = series.buckets.at(-1)?.last;
  return h(
    "figure",
    { class: "card plot" },
    h("figcaption", null, h("span", null, title), h("b", null, formatNumber(last))),
    h("div", { class: "canvas", ref: box }),
    h("p", { class: "note" }, wordsOf(series)),
  );
}

function wordsOf({ numbers, absent, notNumbers, notJson, buckets, next }: SeriesBody): string {
  const words = buckets.length === 0 ? ["nothing in this range"] : [];
  if (next !== undefined) words.push("more events than can be drawn: the end of the range is left out");
  const without = absent + notNumbers + notJson;
  if (without > 0) words.push(`${without} of ${without + numbers} events have no number here`);
  return words.join("; ");
}

function dataOf({ buckets, bucketMs }: SeriesBody): uPlot.AlignedData {
  const times: number[] = [];
  const lows: (number | null)[] = [];
  const highs: (number | null)[] = [];
  const averages: (number | null)[] = [];
  let beforeMs: number | undefined;
  for (const { fromMs, min, max, avg } of buckets) {
    // Where buckets are empty the line is broken: nobody knows what was in between.
    if (beforeMs !== undefined && fromMs - beforeMs > bucketMs * 5) {
      times.push((beforeMs + bucketMs) / 1_000);
      for (const list of [lows, highs, averages]) list.push(null);
    }
    times.push(fromMs / 1_000);
    lows.push(min);
    highs.push(max);
    averages.push(avg);
    beforeMs = fromMs;
  }
  return [times, lows, highs, averages];
}

/** A colour of the style sheet as a canvas takes it. */
function colour(name: string, element: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function spanOf(plot: uPlot): number {
  return (plot.scales.x?.max ?? 0) - (plot.scales.x?.min ?? 0);
}

/** What of a moment tells one tick from the next. */
function tickTime(seconds: number, spanSeconds: number): string {
  const text = formatTime(seconds * 1_000);
  if (spanSeconds > 86_400) return text.slice(5, 16);
  return spanSeconds > 600 ? text.slice(11, 16) : text.slice(11);
}

function optionsOf(element: HTMLElement, zoom: (fromMs: number, toMs: number) => void): uPlot.Options {
  const line = colour("--accent", element);
  const soft = colour("--soft", element);
  const grid = colour("--line", element);
  const band = colour("--band", element);
  const axis = {
    stroke: soft,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1 },
    font: "12px system-ui",
  };
  const thin = { stroke: "transparent", width: 0, points: { show: false } };
  return {
    width: Math.max(200, element.clientWidth),
    height: plotHeight,
    legend: { show: false },
    padding: [8, 22, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    scales: { x: { time: true } },
    series: [{}, thin, thin, { stroke: line, width: 1.5, points: { show: false }, spanGaps: false }],
    bands: [{ series: [2, 1], fill: band }],
    axes: [
      { ...axis, values: (self, ticks) => ticks.map((tick) => tickTime(tick, spanOf(self))) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => formatNumber(tick)) },
    ],
    hooks: {
      setSelect: [
        (self) => {
          const { left, width } = self.select;
          if (width < 4) return;
          const [from, to] = [self.posToVal(left, "x"), self.posToVal(left + width, "x")];
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          zoom(Math.floor(from * 1_000), Math.ceil(to * 1_000));
        },
      ],
    },
  };
}
