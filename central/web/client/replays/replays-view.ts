/** Replays: how far they are, how long they will take, and the turns that an operator may give them. */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { tell } from "../central/ask.ts";
import { fieldIn, listIn, numberIn, textIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatAge, formatCount, formatTime } from "../format.ts";
import { Confirm } from "../frame/confirm.ts";
import { unlessBody } from "../reports/said.ts";
import { definitionWords } from "./definition.ts";
import { ReplayForm } from "./replay-form.ts";

export function ReplaysView(): ComponentChild {
  const answer = usePolled<unknown>("/api/v1/replays", 1_000);
  const words = unlessBody(answer.value, "replays");
  const replays = answer.value?.kind === "body" ? listIn(answer.value.body, "replays") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Replays"),
    h("p", { class: "note" }, "Topics that are read again, into the store or into another topic."),
    answer.value?.kind !== "absent" && h(ReplayForm, null),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && replays.length === 0 && h("p", { class: "empty" }, "No replay has been asked for."),
    replays.map((each) => h(Replay, { key: numberIn(each, "id") ?? 0, each })),
  );
}

function Replay({ each }: { each: unknown }): ComponentChild {
  const id = numberIn(each, "id") ?? 0;
  const state = textIn(each, "state") ?? "";
  const progress = fieldIn(each, "progress");
  const percent = Math.round((numberIn(progress, "fraction") ?? 0) * 1_000) / 10;
  const etaMs = numberIn(progress, "etaMs");
  const rate = numberIn(progress, "recordsPerSecond") ?? 0;
  return h(
    "section",
    { class: "card last replay", "aria-label": `Replay ${id}` },
    h(
      "div",
      { class: "bar" },
      h("b", null, `#${id} ${state}`),
      h(
        "span",
        { class: "note" },
        `by ${textIn(each, "askedBy") ?? "?"}, ${formatTime(numberIn(each, "askedAtMs") ?? 0)}`,
      ),
      h(Turns, { id, state }),
    ),
    h("progress", { max: 100, value: percent, "aria-label": `Replay ${id}` }),
    h(
      "p",
      { class: "note" },
      `${percent} % · ${formatCount(numberIn(progress, "done"))} of ${formatCount(numberIn(progress, "total"))} offsets`,
      rate > 0 && ` · ${formatCount(Math.round(rate))}/s`,
      etaMs !== undefined && ` · ${formatAge(etaMs)} to go`,
    ),
    h("p", { class: "note" }, definitionWords(fieldIn(each, "definition"))),
    h("p", { class: "note" }, countWords(fieldIn(each, "counts"))),
    listIn(each, "notes").map((note) => h("p", { key: String(note), class: "note" }, String(note))),
    listIn(each, "gone").map((range, index) => h("p", { key: index, class: "warn" }, goneWords(range))),
    ["trouble", "error"].map((name) => {
      const words = textIn(each, name);
      return words !== undefined && h("p", { key: name, class: "bad" }, words);
    }),
  );
}

const turns: Readonly<Record<string, "pause" | "resume">> = { running: "pause", paused: "resume" };

/** Those that its state allows. */
function Turns({ id, state }: { id: number; state: string }): ComponentChild {
  const said = useSignal("");
  const turn = async (verb: string): Promise<string> => {
    const answer = await tell({ method: "POST", path: `/api/v1/replays/${id}/${verb}` });
    return answer.kind === "body" ? "" : answer.words;
  };
  const verb = turns[state];
  if (verb === undefined) return null;
  const press = async () => {
    said.value = await turn(verb);
  };
  return [
    h("button", { key: verb, type: "button", class: "chip small", onClick: press }, verb),
    h(Confirm, {
      key: "cancel",
      label: "cancel",
      question: () => `End replay #${id}? What it has done stays; it cannot be resumed.`,
      act: () => turn("cancel"),
    }),
    said.value !== "" && h("span", { key: "said", class: "bad", role: "status" }, said.value),
  ];
}

function countWords(counts: unknown): string {
  if (typeof counts !== "object" || counts === null) return "";
  const some = Object.entries(counts).filter(([, count]) => count !== 0);
  return some.length === 0
    ? "Nothing was read yet."
    : some.map(([name, count]) => `${name} ${formatCount(count)}`).join(", ");
}

function goneWords(range: unknown): string {
  const [topic, partition] = [textIn(range, "topic"), numberIn(range, "partition")];
  const offsets = `offsets ${formatCount(numberIn(range, "firstOffset"))} to ${formatCount(numberIn(range, "lastOffset"))}`;
  const doubt = fieldIn(range, "certain") === false ? ", as far as anybody can know" : "";
  return `No longer in Kafka: ${topic}/${partition}, ${offsets}${doubt}.`;
}
