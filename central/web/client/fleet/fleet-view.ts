/** The fleet: the sums on top, then all vehicles, those that need a look first. */
import type { z } from "@hono/zod-openapi";
import { computed, signal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import type { Status } from "../../../api/status/schema.ts";
import { formatAge, formatCount } from "../format.ts";
import { linkTo } from "../frame/place.ts";
import { status } from "../frame/status-state.ts";
import { tickMs } from "../frame/ticker.ts";
import { VirtualList } from "../list/virtual-list.ts";
import { fleetExtras } from "./fleet-extras.ts";
import { ageAt, countMoods, type FleetFilter, type FleetRow, moodOf, orderFleet } from "./fleet-order.ts";
import { fleet, fleetTrouble } from "./fleet-state.ts";

const filter = signal<FleetFilter>({ text: "", mood: "all" });

/** Ordered anew every other second: rows that jump under the pointer cannot be clicked. */
const slowMs = computed(() => Math.floor(tickMs.value / 2_000) * 2_000);
const rows = computed(() => orderFleet(fleet.value ?? [], filter.value, slowMs.value));
const counts = computed(() => countMoods(fleet.value ?? [], slowMs.value));

export function FleetView(): ComponentChild {
  return h(
    "div",
    { class: "view fill" },
    h(Sums, null),
    h(
      "div",
      { class: "bar" },
      h("input", {
        type: "search",
        placeholder: "Find a vehicle",
        "aria-label": "Find a vehicle",
        value: filter.value.text,
        onInput: (event: Event) => {
          if (event.target instanceof HTMLInputElement) filter.value = { ...filter.value, text: event.target.value };
        },
      }),
      chip("all", "All"),
      chip("silent", "Silent"),
      chip("away", "Away"),
      chip("live", "Live"),
      counts.value.ahead > 0 && chip("ahead", "Clock ahead"),
    ),
    h(
      "div",
      { class: "card table fleet" },
      h(
        "div",
        { class: "head", "aria-hidden": true },
        h("span", null, "Vehicle"),
        h("span", { class: "number" }, "Age"),
        h("span", { class: "number" }, "Events"),
        h("span", { class: "number extra" }, "Backlog"),
        h("span", { class: "number extra" }, "Complete"),
        h("span", { class: "state" }, "Last state"),
      ),
      h(VirtualList<FleetRow>, {
        rows: rows.value,
        keyOf: ({ vehicle }) => vehicle,
        draw: (row) => h(Row, { row }),
        label: "Vehicles",
        rowHeight: 40,
        open: ({ vehicle }) => {
          location.hash = linkTo("vehicle", vehicle);
        },
      }),
      rows.value.length === 0 && h("p", { class: "empty" }, emptyWords()),
    ),
    fleetTrouble.value !== "" && h("p", { class: "note" }, `No fresh list: ${fleetTrouble.value}`),
  );
}

function emptyWords(): string {
  if (fleet.value === undefined) return fleetTrouble.value === "" ? "Reading the fleet …" : "";
  return fleet.value.length === 0 ? "Nothing has been stored yet." : "No vehicle passes the filter.";
}

function chip(mood: FleetFilter["mood"], words: string): ComponentChild {
  return h(
    "button",
    {
      type: "button",
      class: `chip ${mood}`,
      "aria-pressed": filter.value.mood === mood,
      onClick: () => {
        filter.value = { ...filter.value, mood };
      },
    },
    words,
    h("b", null, formatCount(counts.value[mood])),
  );
}

/** Its age goes on by itself, without drawing the list anew. */
function Row({ row }: { row: FleetRow }): ComponentChild {
  const ageMs = ageAt(row, tickMs.value);
  const extra = fleetExtras.value?.get(row.agent);
  return h(
    "div",
    { class: "cells" },
    h(
      "span",
      { class: `name ${moodOf(ageMs)}` },
      h("a", { href: linkTo("vehicle", row.vehicle), tabIndex: -1 }, row.vehicle),
      (extra?.state === "silent" || extra?.state === "stopped") &&
        h(
          "em",
          { title: `Its agent ${row.agent} sends no heartbeats` },
          extra.state === "silent" ? "offline" : "stopped",
        ),
      row.clockAhead && h("em", { title: "One of its times was ahead of central's clock" }, "clock ahead"),
    ),
    h("span", { class: `number age ${moodOf(ageMs)}` }, formatAge(ageMs)),
    h("span", { class: "number" }, formatCount(row.events)),
    h("span", { class: "number extra" }, formatCount(extra?.backlog)),
    h("span", { class: "number extra" }, extra?.complete ?? "–"),
    h("span", { class: "state" }, row.value === "" ? row.stream : row.value),
  );
}

type Mood = "good" | "warn" | "bad" | "";
type Sum = readonly [label: string, value: number | null, mood?: Mood, title?: string];

function Sums(): ComponentChild {
  const known = status.value;
  if (known === undefined) return h("section", { class: "sums" });
  return h(
    "section",
    { class: "sums", "aria-label": "The whole store" },
    sumsOf(known).map(([label, value, mood = "", title = label]) =>
      h(
        "div",
        { key: label, class: `card sum ${mood}`, title },
        h("b", null, formatCount(value)),
        h("span", null, label),
      ),
    ),
  );
}

function sumsOf(known: z.infer<typeof Status>): readonly Sum[] {
  const zero = (value: number, otherwise: "warn" | "bad") => (value === 0 ? "good" : otherwise);
  const lagLabel = (known.waiting ?? 0) > 0 ? `lag, and ${formatCount(known.waiting)} in transactions` : "lag";
  return [
    ["lines/s", Math.round(known.linesPerSecond)],
    ["stored", known.stored],
    ["vehicles", known.vehicles],
    ["missing", known.missing, zero(known.missing, "bad")],
    ...(known.beforeFirst > 0 ? [["before first", known.beforeFirst, "warn"] satisfies Sum] : []),
    ["repeated", known.repeated, "", "Came again, and were not stored again"],
    ["shed", known.shed, zero(known.shed, "warn"), "Dropped at the edge by its policy, and said"],
    ["conflicts", known.conflicts, zero(known.conflicts, "bad")],
    ["put aside", known.deadLettered, zero(known.deadLettered, "warn")],
    ["gaps", known.gaps, zero(known.gaps, "bad")],
    [lagLabel, known.lag, (known.lag ?? 0) > 100_000 || (known.waiting ?? 0) > 0 ? "warn" : ""],
  ];
}
