/** What `replay …` says on the command line. */

import { readTime } from "../api/parameters.ts";
import { readWords, wrongWords } from "../command-line.ts";
import type { ReplayBound, ReplayDefinition, ReplayTurn } from "../store/replay-port.ts";

/** Whom it asks, and how; what is not said comes from the environment. */
export interface Asking {
  readonly url: string | undefined;
  /** Of the API key. There is no option for the key itself: other users of the machine see a command's words. */
  readonly keyFile: string | undefined;
  /** Whom it trusts, for a central that speaks TLS. */
  readonly ca: string | undefined;
}

/** One of them. */
export type ReplayArguments = { readonly asking: Asking } & (
  | { readonly verb: "replay start"; readonly definition: ReplayDefinition; readonly watch: boolean }
  | { readonly verb: "replay list" }
  | { readonly verb: "replay watch"; readonly id: number }
  | { readonly verb: "replay turn"; readonly turn: ReplayTurn; readonly id: number }
);

const text = { type: "string" } as const;
const options = {
  url: text,
  "key-file": text,
  ca: text,
  topic: text,
  partition: text,
  from: text,
  to: text,
  vehicle: text,
  stream: text,
  "into-topic": text,
  speed: text,
  rate: text,
  watch: { type: "boolean", default: false },
} as const;

const ofStart = ["topic", "partition", "from", "to", "vehicle", "stream", "into-topic", "speed", "rate"] as const;
const rateStandard = 10_000;

/** `words`: without the first one. @throws AppError `USAGE`. */
export function parseReplayArguments(words: readonly string[]): ReplayArguments {
  const { values, positionals } = readWords(words, options);
  const [verb, name, ...more] = positionals;
  const asking = { url: values.url, keyFile: values["key-file"], ca: values.ca };
  if (verb === "start") {
    if (name !== undefined) throw wrongWords("`replay start` takes options only");
    return { verb: "replay start", asking, definition: definitionOf(values), watch: values.watch };
  }
  const foreign = ofStart.find((option) => values[option] !== undefined);
  if (foreign !== undefined || values.watch) throw wrongWords(`--${foreign ?? "watch"} belongs to \`replay start\``);
  if (verb === "list") {
    if (name !== undefined) throw wrongWords("`replay list` takes no name");
    return { verb: "replay list", asking };
  }
  if (verb !== "watch" && verb !== "pause" && verb !== "resume" && verb !== "cancel") {
    throw wrongWords("`replay` is followed by start, list, watch, pause, resume or cancel");
  }
  if (name === undefined || !/^\d{1,15}$/.test(name) || more.length > 0) {
    throw wrongWords(`\`replay ${verb}\` takes the number of one replay; \`replay list\` shows them`);
  }
  const id = Number(name);
  return verb === "watch" ? { verb: "replay watch", asking, id } : { verb: "replay turn", asking, turn: verb, id };
}

type Values = ReturnType<typeof readWords<typeof options>>["values"];

function definitionOf(values: Values): ReplayDefinition {
  const { vehicle, stream, rate, speed } = values;
  const topic = values["into-topic"];
  if (speed !== undefined && topic === undefined) throw wrongWords("--speed goes with --into-topic");
  return {
    topics: listOf(values.topic),
    partitions: listOf(values.partition)?.map((each) => wholeNumber("partition", each)),
    from: boundOf("from", values.from),
    to: boundOf("to", values.to),
    vehicle,
    stream,
    recordsPerSecondMax: rate === undefined ? rateStandard : wholeNumber("rate", rate),
    into: topic === undefined ? { kind: "store" } : { kind: "topic", topic, speed: speedOf(speed) },
  };
}

function listOf(words: string | undefined): string[] | undefined {
  return words?.split(",").filter((each) => each !== "");
}

function wholeNumber(option: string, words: string): number {
  if (/^\d{1,15}$/.test(words)) return Number(words);
  throw wrongWords(`--${option}: "${words}" is no whole number`);
}

function speedOf(words: string | undefined): number | undefined {
  if (words === undefined || /^\d{1,5}(\.\d{1,3})?$/.test(words))
    return words === undefined ? undefined : Number(words);
  throw wrongWords(`--speed: "${words}" is no number`);
}

/** `offset:123`, or a time. */
function boundOf(option: string, words: string | undefined): ReplayBound | undefined {
  if (words === undefined) return undefined;
  const [, offset] = /^offset:(.*)$/.exec(words) ?? [];
  if (offset !== undefined) return { offset: wholeNumber(option, offset) };
  const timeMs = readTime(words);
  if (typeof timeMs === "number") return { timeMs };
  throw wrongWords(`--${option}: ${timeMs}; for an offset write offset:123`);
}
