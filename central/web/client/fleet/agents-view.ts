/** The agents in the vehicles, as their heartbeats tell, those that need somebody first. */
import { signal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { numberIn, textIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatAge, formatCount, formatTime } from "../format.ts";
import { tableCard, tableHead } from "../frame/table.ts";
import { unlessBody } from "../reports/said.ts";
import { AgentActions } from "./agent-actions.ts";
import { type FleetExtra, fleetAnswer, fleetExtras } from "./fleet-extras.ts";

/** More than this is a wrong clock. */
const clockOffsetMsMax = 5_000;
const shownMax = 500;

const words: Readonly<Record<string, string>> = {
  online: "online",
  silent: "offline: three heartbeats are missing",
  stopped: "stopped: it said goodbye",
  unheard: "sends no heartbeats",
};

const search = signal("");

export function AgentsView(): ComponentChild {
  const quarantine = usePolled<{ readonly agents: readonly string[] }>("/api/v1/quarantine", 1_000);
  const aside = new Set(quarantine.value?.kind === "body" ? quarantine.value.body.agents : []);
  const said = unlessBody(fleetAnswer.value, "the agents' heartbeats");
  const found = [...(fleetExtras.value ?? [])];
  const agents = found.filter(([agent]) => agent.toLowerCase().includes(search.value.trim().toLowerCase()));
  const heartbeats = fleetAnswer.value?.kind === "body" ? textIn(fleetAnswer.value.body, "heartbeats") : undefined;
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Agents"),
    h(
      "p",
      { class: "note" },
      "What runs in the vehicles: by its heartbeats, and by what became of every number that it has given.",
    ),
    heartbeats === "off" && h("p", { class: "empty" }, "This central's config names no topic of heartbeats."),
    heartbeats === "behind" &&
      h("p", { class: "empty" }, "Heartbeats are not read to their end yet: silence proves nothing."),
    aside.size > 0 &&
      h(
        "p",
        { class: "warn" },
        `In quarantine: ${[...aside].join(", ")}. What names them is put aside until they are let in.`,
      ),
    found.length > 0 && h(Search, null),
    said !== undefined && found.length === 0 && h("p", { class: "empty" }, said),
    agents.length > 0 && h(Table, { agents: agents.slice(0, shownMax), aside }),
    agents.length > shownMax &&
      h("p", { class: "note" }, `The first ${shownMax} of ${agents.length}: a part of a name finds the others.`),
  );
}

function Search(): ComponentChild {
  return h(
    "div",
    { class: "bar" },
    h("input", {
      type: "search",
      placeholder: "Find an agent",
      "aria-label": "Find an agent",
      value: search.value,
      onInput: (event: Event) => {
        if (event.target instanceof HTMLInputElement) search.value = event.target.value;
      },
    }),
  );
}

interface TableProps {
  readonly agents: readonly (readonly [string, FleetExtra])[];
  /** Those in quarantine. */
  readonly aside: ReadonlySet<string>;
}

function Table({ agents, aside }: TableProps): ComponentChild {
  const names = [
    "Agent",
    "State",
    "Version",
    "Heard",
    "Clock",
    "Backlog",
    "Oldest unsent",
    "Stored",
    "Missing",
    "Complete",
    "",
  ];
  const rows = agents.map(([agent, extra]) => h(Row, { key: agent, agent, extra, isAside: aside.has(agent) }));
  return tableCard({ label: "Agents", head: tableHead(names, 3), rows });
}

function Row({ agent, extra, isAside }: { agent: string; extra: FleetExtra; isAside: boolean }): ComponentChild {
  const { whole, state } = extra;
  const ageMs = numberIn(whole, "ageMs");
  const offsetMs = numberIn(whole, "clockOffsetMs");
  const oldestMs = numberIn(whole, "oldestUnsentMs");
  const missing = numberIn(whole, "missing") ?? 0;
  const wrongClock = offsetMs !== undefined && Math.abs(offsetMs) > clockOffsetMsMax;
  const mood = state === "silent" ? "away" : state === "stopped" ? "silent" : state === "online" ? "live" : "unheard";
  return h(
    "tr",
    null,
    h("td", { class: `name ${mood}` }, agent),
    h("td", { class: isAside ? "bad" : "" }, isAside ? "in quarantine" : (words[state] ?? state)),
    h("td", null, textIn(whole, "version") ?? "–"),
    h("td", { class: "number" }, ageMs === undefined ? "–" : formatAge(ageMs)),
    h(
      "td",
      { class: `number ${wrongClock ? "bad" : ""}` },
      offsetMs === undefined ? "–" : `${Math.round(offsetMs / 100) / 10} s`,
    ),
    h("td", { class: "number" }, formatCount(extra.backlog)),
    h("td", { class: "number" }, oldestMs === undefined ? "–" : formatTime(oldestMs)),
    h("td", { class: "number" }, formatCount(numberIn(whole, "stored"))),
    h("td", { class: `number ${missing > 0 ? "bad" : ""}` }, formatCount(missing)),
    h("td", { class: "number" }, extra.complete),
    h("td", { class: "acts" }, h(AgentActions, { agent, isAside })),
  );
}
