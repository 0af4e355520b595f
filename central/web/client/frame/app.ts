/** The frame around all sections: name, health, what is wrong, and where to go. */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { enterKey, locked, trouble } from "../central/ask.ts";
import { formatAge, formatTime } from "../format.ts";
import { linkTo, place } from "./place.ts";
import { sections } from "./sections.ts";
import { answeredMs, status } from "./status-state.ts";
import { tickMs, wallMs } from "./ticker.ts";

/** Status is asked for every second; without an answer for this long what is shown is no longer true. */
const staleMs = 4_000;

/** How long central has not answered; undefined: it has. */
function silentForMs(): number | undefined {
  const sinceMs = tickMs.value - (answeredMs.value ?? 0);
  return sinceMs > staleMs && !document.hidden ? sinceMs : undefined;
}

export function App(): ComponentChild {
  const silentMs = silentForMs();
  const stale = silentMs !== undefined;
  document.body.classList.toggle("stale", stale);
  document.title = stale ? "no answer · Tailgate central" : "Tailgate central";
  const { section, name } = place.value;
  const shown = sections.find(({ id }) => id === section);
  return h(
    "div",
    { id: "page" },
    h(
      "header",
      null,
      h("h1", null, h("a", { href: linkTo("fleet") }, "Tailgate central")),
      h(Health, { stale }),
      h(Sections, { section }),
    ),
    stale && h("div", { id: "stale", role: "alert" }, staleWords(silentMs)),
    !stale && h(Problems, null),
    locked.value && h(AskForKey, null),
    h(
      "main",
      { key: `${section}/${name}` },
      shown === undefined ? h("p", { class: "empty" }, "There is no such section.") : h(shown.view, { name }),
    ),
  );
}

/** On a phone they are wider than the screen: where the reader is stays in sight. */
function Sections({ section }: { section: string }): ComponentChild {
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [section]);
  return h(
    "nav",
    { ref: list, "aria-label": "Sections" },
    sections
      .filter(({ title }) => title !== undefined)
      .map(({ id, title }) =>
        h("a", { key: id, href: linkTo(id), ...(id === section ? { "aria-current": "page" as const } : {}) }, title),
      ),
  );
}

function staleWords(silentMs: number): string {
  const at = answeredMs.value;
  const seen = at === undefined ? "" : ` What you see is of ${formatTime(wallMs() - (performance.now() - at))}.`;
  return `No answer from central for ${formatAge(silentMs)}.${seen}${trouble.value === "" ? "" : ` (${trouble.value})`}`;
}

function Health({ stale }: { stale: boolean }): ComponentChild {
  const known = stale ? undefined : status.value;
  const lights: readonly (readonly [string, boolean | undefined])[] = [
    // Without Kafka all comes by relay; an unlit Kafka would look like an outage.
    known?.kafkaConfigured === false ? ["Relay", known.relayOn] : ["Kafka", known?.kafkaConnected],
    ["Store", known?.storeAvailable],
    ["Ready", known && known.problems.length === 0],
  ];
  return h(
    "div",
    { id: "health" },
    lights.map(([name, good]) =>
      h(
        "span",
        { key: name, class: `dot ${good === undefined ? "" : good ? "good" : "bad"}` },
        good === undefined ? `${name}: unknown` : name,
      ),
    ),
  );
}

function Problems(): ComponentChild {
  const problems = status.value?.problems ?? [];
  const topics = (status.value?.missingTopics ?? []).map((topic) => `the topic ${topic} does not exist`);
  if (problems.length + topics.length === 0) return null;
  return h(
    "div",
    { id: "problems", role: "status" },
    h("b", null, problems.length > 0 ? "Not ready" : "To look at"),
    h(
      "ul",
      null,
      [...problems, ...topics].map((words) => h("li", { key: words }, words)),
    ),
  );
}

function AskForKey(): ComponentChild {
  const text = useSignal("");
  const submit = (event: Event) => {
    event.preventDefault();
    enterKey(text.value);
  };
  return h(
    "form",
    { id: "ask", class: "bar", onSubmit: submit },
    h("input", {
      id: "key",
      type: "password",
      autocomplete: "off",
      placeholder: "API key",
      "aria-label": "API key",
      onInput: (event: Event) => {
        if (event.target instanceof HTMLInputElement) text.value = event.target.value;
      },
    }),
    h("button", { type: "submit" }, "Show"),
  );
}
