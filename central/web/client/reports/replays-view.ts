/** Replays: how far they are, how long they will take, and the turns that an operator may give them. */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { tell } from "../central/ask.ts";
import { usePolled } from "../central/poll.ts";
import { formatAge, formatCount, formatTime } from "../format.ts";
import { fieldIn, listIn, numberIn, textIn } from "./loose.ts";
import { cell } from "./records-table.ts";
import { unlessBody } from "./said.ts";

export function ReplaysView(): ComponentChild {
  const answer = usePolled<unknown>("/api/v1/replays", 1_000);
  const words = unlessBody(answer.value, "replays");
  const replays = answer.value?.kind === "body" ? listIn(answer.value.body, "replays") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Replays"),
    h(
      "p",
      { class: "note" },
      "Topics that are read again, into the store or into another topic. POST /api/v1/replays begins one.",
    ),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && replays.length === 0 && h("p", { class: "empty" }, "No replay has been asked for."),
    replays.map((each) => h(Replay, { key: numberIn(each, "id") ?? 0, each })),
  );
}

const turns: Readonly<Record<string, readonly string[]>> = {
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
};

function Replay({ each }: { each: unknown }): ComponentChild {
  const said = useSignal("");
  const id = numberIn(each, "id") ?? 0;
  const state = textIn(each, "state") ?? "";
  const progress = fieldIn(each, "progress");
  const percent = Math.round((numberIn(progress, "fraction") ?? 0) * 1_000) / 10;
  const etaMs = numberIn(progress, "etaMs");
  const rate = numberIn(progress, "recordsPerSecond") ?? 0;
  const turn = (verb: string) => async () => {
    const answer = await tell(`/api/v1/replays/${id}/${verb}`);
    said.value = answer.kind === "body" ? "" : answer.words;
  };
  return h(
    "section",
    { class: "card last replay" },
    h(
      "div",
      { class: "bar" },
      h("b", null, `#${id} ${state}`),
      h(
        "span",
        { class: "note" },
        `by ${textIn(each, "askedBy") ?? "?"}, ${formatTime(numberIn(each, "askedAtMs") ?? 0)}`,
      ),
      (turns[state] ?? []).map((verb) =>
        h("button", { key: verb, type: "button", class: "chip small", onClick: turn(verb) }, verb),
      ),
    ),
    h("progress", { max: 100, value: percent, "aria-label": `Replay ${id}` }),
    h(
      "p",
      { class: "note" },
      `${percent} % · ${formatCount(numberIn(progress, "done"))} of ${formatCount(numberIn(progress, "total"))} offsets`,
      rate > 0 && ` · ${formatCount(Math.round(rate))}/s`,
      etaMs !== undefined && ` · ${formatAge(etaMs)} to go`,
    ),
    h("p", { class: "note" }, `What: ${cell("definition", fieldIn(each, "definition"))}`),
    h("p", { class: "note" }, `Counts: ${cell("counts", fieldIn(each, "counts"))}`),
    [textIn(each, "trouble"), textIn(each, "error"), said.value].map(
      (words) => words !== undefined && words !== "" && h("p", { key: words, class: "bad" }, words),
    ),
  );
}
