/** Begins a replay. What central does not take is said beside the field that it is about. */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { tell } from "../central/ask.ts";
import { numberIn } from "../central/loose.ts";
import { ChoiceField, TextField } from "../frame/form.ts";
import { freshTexts, type Mistakes, mistakesOf, type ReplayTexts, readTexts } from "./definition.ts";

const bounds = (none: string) =>
  [
    ["start", none],
    ["offset", "an offset"],
    ["time", "a time"],
  ] as const;

export function ReplayForm(): ComponentChild {
  const texts = useSignal(freshTexts);
  const mistakes = useSignal<Mistakes>({});
  const said = useSignal("");
  const submit = async (event: Event) => {
    event.preventDefault();
    said.value = "";
    const read = readTexts(texts.value);
    if ("mistakes" in read) {
      mistakes.value = read.mistakes;
      return;
    }
    const answer = await tell({ method: "POST", path: "/api/v1/replays", body: read.asked });
    if (answer.kind === "failed") mistakes.value = mistakesOf(answer.words, answer.refusal);
    else if (answer.kind === "absent") mistakes.value = { "": answer.words };
    else {
      mistakes.value = {};
      said.value = `Replay #${numberIn(answer.body, "id")} has begun.`;
    }
  };
  const of = (name: keyof ReplayTexts) => ({
    name,
    value: texts.value[name],
    wrong: mistakes.value[name],
    take: (value: string) => {
      texts.value = { ...texts.value, [name]: value };
    },
  });
  const { fromKind, toKind, target } = texts.value;
  const type = (kind: string) => (kind === "time" ? "datetime-local" : "text");
  return h(
    "details",
    { class: "card last" },
    h("summary", null, "Begin a replay"),
    h(
      "form",
      { class: "fields-of", "aria-label": "Begin a replay", onSubmit: submit },
      h(TextField, { label: "Topics", empty: "all of the store", ...of("topics") }),
      h(TextField, { label: "Partitions", empty: "all", ...of("partitions") }),
      h(ChoiceField, { label: "From", choices: bounds("the start of the log"), ...of("fromKind") }),
      fromKind !== "start" && h(TextField, { label: `From this ${fromKind}`, type: type(fromKind), ...of("from") }),
      h(ChoiceField, { label: "To", choices: bounds("what is there now"), ...of("toKind") }),
      toKind !== "start" && h(TextField, { label: `To before this ${toKind}`, type: type(toKind), ...of("to") }),
      h(TextField, { label: "Vehicle", empty: "all", ...of("vehicle") }),
      h(TextField, { label: "Stream", empty: "all", ...of("stream") }),
      h(ChoiceField, { label: "Into", choices: targets, ...of("target") }),
      target === "topic" && h(TextField, { label: "Topic to write to", ...of("topic") }),
      target === "topic" &&
        h(TextField, { label: "Pace: times as fast as it came", empty: "as fast as allowed", ...of("speed") }),
      h(TextField, { label: "Records a second, at most", empty: "10000", ...of("rate") }),
      h(
        "div",
        { class: "bar" },
        h("button", { type: "submit", class: "chip" }, "Begin"),
        h("span", { class: "note", role: "status" }, said.value),
      ),
      mistakes.value[""] !== undefined && h("p", { class: "bad", role: "alert" }, mistakes.value[""]),
    ),
  );
}

const targets = [
  ["store", "the store: what is missing there is put in its place"],
  ["topic", "another topic"],
] as const;
