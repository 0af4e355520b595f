/** From what is written into the form to what central is asked for, and from what was asked for back to words. */
import type { z } from "@hono/zod-openapi";
import type { Definition } from "../../../api/replays/schema.ts";
import type { AskRefusal } from "../central/ask.ts";
import { fieldIn, listIn, numberIn, textIn } from "../central/loose.ts";
import { formatCount, formatTime } from "../format.ts";

/** As it is written, field by field. */
export interface ReplayTexts {
  readonly topics: string;
  readonly partitions: string;
  readonly fromKind: string;
  readonly from: string;
  readonly toKind: string;
  readonly to: string;
  readonly vehicle: string;
  readonly stream: string;
  readonly target: string;
  readonly topic: string;
  readonly speed: string;
  readonly rate: string;
}

/** The whole of what is stored, into the store. */
export const freshTexts: ReplayTexts = {
  topics: "",
  partitions: "",
  fromKind: "start",
  from: "",
  toKind: "start",
  to: "",
  vehicle: "",
  stream: "",
  target: "store",
  topic: "",
  speed: "",
  rate: "",
};

/** What is wrong, by field; under "" what is of none. */
export type Mistakes = Readonly<Partial<Record<keyof ReplayTexts | "", string>>>;

type Asked = z.input<typeof Definition>;
type Bound = NonNullable<Asked["from"]>;

/** What central is asked for; what is wrong instead, where it cannot be written down at all. The rest central judges. */
export function readTexts(texts: ReplayTexts): { readonly asked: Asked } | { readonly mistakes: Mistakes } {
  const mistakes: Partial<Record<keyof ReplayTexts, string>> = {};
  const number = (field: keyof ReplayTexts, text: string, pattern = /^\d{1,15}$/): number | undefined => {
    if (pattern.test(text)) return Number(text);
    mistakes[field] = pattern.source.includes(".") ? "Write a number, as 1 or 0.5." : "Write a whole number.";
    return undefined;
  };
  const bound = (field: "from" | "to"): Bound | undefined => {
    const text = texts[field].trim();
    const kind = texts[`${field}Kind`];
    if (kind === "offset") {
      const offset = number(field, text);
      return offset === undefined ? undefined : { offset };
    }
    if (kind !== "time") return undefined;
    const timeMs = new Date(text).getTime();
    if (!Number.isNaN(timeMs)) return { timeMs };
    mistakes[field] = "Choose a date and a time.";
    return undefined;
  };
  const [topics, partitions] = [listOf(texts.topics), listOf(texts.partitions)];
  const numbers = partitions.flatMap((text) => number("partitions", text) ?? []);
  const [from, to] = [bound("from"), bound("to")];
  const speed = texts.speed.trim() === "" ? undefined : number("speed", texts.speed.trim(), /^\d{1,6}(\.\d{1,6})?$/);
  const rate = texts.rate.trim() === "" ? undefined : number("rate", texts.rate.trim());
  const intoTopic = texts.target === "topic";
  if (intoTopic && texts.topic.trim() === "") mistakes.topic = "Name the topic.";
  if (Object.keys(mistakes).length > 0) return { mistakes };
  const asked: Asked = {
    ...(topics.length === 0 ? {} : { topics }),
    ...(numbers.length === 0 ? {} : { partitions: numbers }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(texts.vehicle === "" ? {} : { vehicle: texts.vehicle }),
    ...(texts.stream === "" ? {} : { stream: texts.stream }),
    ...(rate === undefined ? {} : { recordsPerSecondMax: rate }),
    into: intoTopic
      ? { kind: "topic", topic: texts.topic.trim(), ...(speed === undefined ? {} : { speed }) }
      : { kind: "store" },
  };
  return { asked };
}

function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((each) => each !== "");
}

const fields: readonly (readonly [path: RegExp, field: keyof ReplayTexts])[] = [
  [/^topics\b/, "topics"],
  [/^partitions\b/, "partitions"],
  [/^from\b/, "from"],
  [/^to\b/, "to"],
  [/^vehicle$/, "vehicle"],
  [/^stream$/, "stream"],
  [/^recordsPerSecondMax$/, "rate"],
  [/^into\.speed$/, "speed"],
  [/^into/, "topic"],
];

/** What central does not take, beside the field that it is about. */
export function mistakesOf(words: string, refusal: AskRefusal | undefined): Mistakes {
  if (refusal?.code === "CENTRAL_REPLAY_TARGET") return { topic: words };
  const found: Partial<Record<keyof ReplayTexts | "", string>> = {};
  for (const mistake of refusal?.mistakes ?? []) {
    const field = fields.find(([path]) => path.test(mistake.field))?.[1] ?? "";
    found[field] = mistake.words;
  }
  return Object.keys(found).length === 0 ? { "": words } : found;
}

/** What a job reads and where it writes, in words. */
export function definitionWords(definition: unknown): string {
  const topics = listIn(definition, "topics");
  const partitions = listIn(definition, "partitions");
  const into = fieldIn(definition, "into");
  const speed = numberIn(into, "speed");
  const only = ["vehicle", "stream"].flatMap((name) => {
    const text = textIn(definition, name);
    return text === undefined ? [] : [`${name} ${text}`];
  });
  return [
    topics.length === 0 ? "All topics of the store" : topics.join(", "),
    ...(partitions.length === 0 ? [] : [`partitions ${partitions.join(", ")}`]),
    ...boundWords("from", fieldIn(definition, "from")),
    ...boundWords("to", fieldIn(definition, "to")),
    ...only,
    textIn(into, "kind") === "topic" ? `into the topic ${textIn(into, "topic")}` : "into the store",
    ...(speed === undefined ? [] : [`${speed} times as fast as it came`]),
    `at most ${formatCount(numberIn(definition, "recordsPerSecondMax"))} records/s`,
  ].join(" · ");
}

function boundWords(name: string, bound: unknown): readonly string[] {
  const [offset, timeMs] = [numberIn(bound, "offset"), numberIn(bound, "timeMs")];
  if (offset !== undefined) return [`${name} offset ${formatCount(offset)}`];
  return timeMs === undefined ? [] : [`${name} ${formatTime(timeMs)}`];
}
