/** What comes in just now, with a filter, and a pause that loses nothing of what was seen. */
import type { z } from "@hono/zod-openapi";
import { signal, useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { useEffect } from "preact/hooks";
import type { Event as EventSchema } from "../../../api/events/schema.ts";
import { followStream, type StreamEvent } from "../central/event-stream.ts";
import { formatCount, formatTime } from "../format.ts";
import { linkTo } from "../frame/place.ts";
import { VirtualList } from "../list/virtual-list.ts";

type FeedEvent = z.infer<typeof EventSchema>;

/** A line of the feed: an event, or a word about the feed itself. */
type Line =
  | { readonly kind: "event"; readonly id: number; readonly event: FeedEvent }
  | { readonly kind: "word"; readonly id: number; readonly words: string };

const linesMax = 1_000;
/** More in a second nobody can read; central counts the others. */
const perSecondMax = 100;
/** Drawn so often, however many come. */
const drawMs = 250;

const vehicle = signal("");
const stream = signal("");

export function LiveView(): ComponentChild {
  const lines = useSignal<readonly Line[]>([]);
  const paused = useSignal(false);
  const waiting = useSignal(0);
  const state = useSignal("connecting …");
  const question = `/api/v1/events/stream?perSecondMax=${perSecondMax}${parameter("vehicle", vehicle.value)}${parameter("stream", stream.value)}`;
  useEffect(() => {
    const end = new AbortController();
    let nextId = 0;
    let fresh: Line[] = [];
    lines.value = [];
    const listener = {
      event: (event: StreamEvent) => {
        fresh.push(lineOf(nextId++, event));
        if (fresh.length > linesMax) fresh = fresh.slice(-linesMax);
      },
      state: (words: string) => {
        state.value = words;
      },
    };
    followStream(question, listener, end.signal);
    const drawing = setInterval(() => {
      if (paused.value) {
        waiting.value = fresh.length;
        return;
      }
      if (fresh.length === 0) return;
      lines.value = [...fresh.reverse(), ...lines.value].slice(0, linesMax);
      fresh = [];
      waiting.value = 0;
    }, drawMs);
    return () => {
      clearInterval(drawing);
      end.abort();
    };
  }, [question]);
  const words = paused.value ? `Go on (${formatCount(waiting.value)} waiting)` : "Pause";
  return h(
    "div",
    { class: "view fill" },
    h(
      "div",
      { class: "bar" },
      filterInput("Vehicle", vehicle),
      filterInput("Stream", stream),
      h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": paused.value,
          onClick: () => {
            paused.value = !paused.value;
          },
        },
        words,
      ),
      h("span", { class: "note" }, state.value === "" ? "Following the store" : state.value),
    ),
    h(
      "div",
      { class: "card table feed" },
      h(
        "div",
        { class: "head", "aria-hidden": true },
        h("span", null, "Event time"),
        h("span", null, "Vehicle"),
        h("span", null, "Stream"),
        h("span", { class: "state" }, "Value"),
      ),
      h(VirtualList<Line>, {
        rows: lines.value,
        keyOf: ({ id }) => String(id),
        draw: drawLine,
        label: "Events as they are stored",
        rowHeight: 40,
        open: (line) => {
          if (line.kind === "event") location.hash = linkTo("vehicle", line.event.vehicle);
        },
      }),
      lines.value.length === 0 && h("p", { class: "empty" }, "Nothing has come since this section was opened."),
    ),
  );
}

function parameter(name: string, text: string): string {
  return text.trim() === "" ? "" : `&${name}=${encodeURIComponent(text.trim())}`;
}

/** Taken when it is left or by Enter: a question a key would open a stream a key. */
function filterInput(label: string, text: typeof vehicle): ComponentChild {
  return h("input", {
    type: "search",
    placeholder: `${label} (whole name)`,
    "aria-label": label,
    value: text.value,
    onChange: (event: Event) => {
      if (event.target instanceof HTMLInputElement) text.value = event.target.value;
    },
  });
}

function lineOf(id: number, { type, data }: StreamEvent): Line {
  const body = JSON.parse(data);
  if (type === "message") return { kind: "event", id, event: body };
  const words: Readonly<Record<string, string>> = {
    ready: "Following from here on.",
    skipped: `${formatCount(body.events)} more events came, and are not shown.`,
    lost: `Events are not shown: ${body.why}.`,
    store: body.available === true ? "The store is back." : "The store is away; its events will follow.",
    dropped: "This page was too slow, and comes back.",
  };
  return { kind: "word", id, words: words[type] ?? type };
}

function drawLine(line: Line): ComponentChild {
  if (line.kind === "word") return h("div", { class: "cells word" }, h("span", null, line.words));
  const { event } = line;
  const text = event.value ?? (event.valueBase64 === undefined ? "–" : `base64 ${event.valueBase64}`);
  return h(
    "div",
    { class: "cells" },
    h("span", null, formatTime(event.timeMs)),
    h("span", { class: "name" }, h("a", { href: linkTo("vehicle", event.vehicle), tabIndex: -1 }, event.vehicle)),
    h("span", null, event.stream),
    h("span", { class: "state" }, text.slice(0, 400)),
  );
}
