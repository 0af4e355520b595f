/** What the rules have said of vehicles while their events were stored, the newest first. */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { fieldIn, listIn, numberIn, textIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatTime } from "../format.ts";
import { linkTo } from "../frame/place.ts";
import { tableCard, tableHead } from "../frame/table.ts";
import { unlessBody } from "./said.ts";

const states = ["all", "firing", "resolved", "occurred"] as const;

export function AlertsView(): ComponentChild {
  const state = useSignal<(typeof states)[number]>("all");
  const filter = state.value === "all" ? "" : `&state=${state.value}`;
  const answer = usePolled<unknown>(`/api/v1/alerts?limit=200${filter}`, 2_000);
  const words = unlessBody(answer.value, "alerts");
  const alerts = answer.value?.kind === "body" ? listIn(answer.value.body, "alerts") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Alerts"),
    h(
      "div",
      { class: "bar" },
      states.map((each) =>
        h(
          "button",
          {
            key: each,
            type: "button",
            class: "chip",
            "aria-pressed": state.value === each,
            onClick: () => {
              state.value = each;
            },
          },
          each,
        ),
      ),
    ),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && alerts.length === 0 && h("p", { class: "empty" }, "No rule has found anything."),
    alerts.length > 0 && h(Table, { alerts }),
  );
}

function Table({ alerts }: { alerts: readonly unknown[] }): ComponentChild {
  const names = ["Rule", "Vehicle", "State", "Since", "Resolved", "Value", "About"];
  const rows = alerts.map((each) => h(Row, { key: textIn(each, "id") ?? "", each }));
  return tableCard({ label: "Alerts", head: tableHead(names), rows });
}

function Row({ each }: { each: unknown }): ComponentChild {
  const vehicle = textIn(each, "vehicle") ?? "";
  const state = textIn(each, "state") ?? "";
  const resolvedMs = numberIn(each, "resolvedMs");
  const sinceMs = numberIn(each, "sinceMs") ?? numberIn(each, "firedMs");
  const mood = state === "firing" ? "away" : state === "occurred" ? "silent" : "live";
  const about = Object.entries({ ...texts(fieldIn(each, "labels")), ...texts(fieldIn(each, "annotations")) });
  return h(
    "tr",
    null,
    h("td", { class: `name ${mood}` }, textIn(each, "rule") ?? ""),
    h("td", null, h("a", { href: linkTo("vehicle", vehicle) }, vehicle)),
    h("td", { class: state === "firing" ? "bad" : "" }, state),
    h("td", null, sinceMs === undefined ? "–" : formatTime(sinceMs)),
    h("td", null, resolvedMs === undefined ? "–" : formatTime(resolvedMs)),
    h("td", null, textIn(each, "value") ?? "–"),
    h("td", null, about.map(([name, text]) => `${name}: ${text}`).join(" · ")),
  );
}

function texts(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, String(each)]));
}
