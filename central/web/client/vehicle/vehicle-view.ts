/** One vehicle: its streams with their last states, the history of what they hold, and how complete it is. */
import type { z } from "@hono/zod-openapi";
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import type { Vehicle } from "../../../api/vehicles/schema.ts";
import { usePolled } from "../central/poll.ts";
import { awayAfterMs, moodOf } from "../fleet/fleet-order.ts";
import { formatAge, formatBytes, formatCount, formatTime } from "../format.ts";
import { linkTo } from "../frame/place.ts";
import { tickMs } from "../frame/ticker.ts";
import { unlessBody } from "../reports/said.ts";
import { EraseVehicle } from "./erase-vehicle.ts";
import { HeatMap } from "./heat-map.ts";
import { History } from "./history.ts";

type Listed = z.infer<typeof Vehicle>;
type StreamState = Listed["streams"][number];

export function VehicleView({ name }: { readonly name: string }): ComponentChild {
  const path = `/api/v1/vehicles?valueBytes=65536&vehicle=${encodeURIComponent(name)}`;
  const answer = usePolled<{ vehicles: Listed[] }>(path, 1_000);
  const chosen = useSignal("");
  const words = unlessBody(answer.value, "vehicles");
  const known = answer.value?.kind === "body" ? answer.value.body.vehicles[0] : undefined;
  const streams = known?.streams ?? [];
  const stream = streams.find((each) => each.stream === chosen.value) ?? [...streams].sort(byEvents)[0];
  return h(
    "div",
    { class: "view" },
    h("p", { class: "back" }, h("a", { href: linkTo("fleet") }, "← Fleet")),
    h("h2", null, name),
    known === undefined && h("p", { class: "empty" }, words ?? `Never heard of the vehicle "${name}".`),
    h(
      "div",
      { class: "streams" },
      streams.map((each) =>
        h(StreamCard, {
          key: each.stream,
          state: each,
          readMs: answer.value?.kind === "body" ? answer.value.atMs : tickMs.value,
          pressed: each.stream === stream?.stream,
          choose: () => {
            chosen.value = each.stream;
          },
        }),
      ),
    ),
    known?.streamsCut === true && h("p", { class: "note" }, "It has more streams than are shown here."),
    stream !== undefined &&
      h(History, {
        key: stream.stream,
        vehicle: name,
        stream: stream.stream,
        value: stream.value ?? "",
        endMs: stream.timeMs,
      }),
    stream !== undefined && h(LastState, { state: stream }),
    stream?.agent !== undefined && h("h3", null, `Completeness of ${stream.stream}, by hour`),
    stream?.agent !== undefined &&
      h("p", { class: "note" }, `Of all that the agent ${stream.agent} has given a number.`),
    stream?.agent !== undefined &&
      h(HeatMap, { key: `${stream.agent} ${stream.stream}`, agent: stream.agent, stream: stream.stream }),
    stream !== undefined &&
      stream.agent === undefined &&
      h("p", { class: "note" }, "Its events carry no identity: nobody can say what is missing."),
    h(EraseVehicle, { vehicle: name }),
  );
}

function byEvents(a: StreamState, b: StreamState): number {
  return b.events - a.events;
}

function StreamCard({
  state,
  readMs,
  pressed,
  choose,
}: {
  state: StreamState;
  readMs: number;
  pressed: boolean;
  choose: () => void;
}): ComponentChild {
  const ageMs = state.ageMs + Math.max(0, tickMs.value - readMs);
  return h(
    "button",
    { type: "button", class: "card stream", "aria-pressed": pressed, onClick: choose },
    h("span", null, state.stream),
    h("b", { class: `age ${moodOf(Math.min(ageMs, awayAfterMs * 2))}` }, formatAge(ageMs)),
    h("small", null, `${formatCount(state.events)} events`),
    state.clockAhead && h("small", { class: "warn" }, "clock ahead"),
  );
}

function LastState({ state }: { state: StreamState }): ComponentChild {
  const { value, valueBase64, valueSize, timeMs, storedAtMs } = state;
  return h(
    "details",
    { class: "card last" },
    h(
      "summary",
      null,
      `Last state, of ${formatTime(timeMs)}; stored ${formatTime(storedAtMs)}, ${formatBytes(valueSize)}`,
    ),
    h("pre", null, value === undefined ? `base64 ${valueBase64 ?? ""}` : pretty(value)),
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // no JSON: as it came
  }
}
