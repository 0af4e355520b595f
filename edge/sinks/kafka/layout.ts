import type { Pattern } from "../../../shared/config/pattern/pattern.ts";
import { partitionOfKey } from "../../../shared/kafka/murmur2.ts";
import { bytesOfText } from "../../../shared/kafka/record-batch/byte-text.ts";
import { EventView } from "../../core/event-view.ts";
import type { Division, Layout } from "../../core/layout.ts";
import { writeFlumeDatum } from "../../records/flume-datum.ts";

/** What of the config says where events go. */
export interface LayoutConfig {
  readonly topic: string;
  readonly topicDefault?: string | undefined;
  readonly topicsMax: number;
  readonly topicsAllowed?: Pattern | undefined;
  readonly partition: "agent" | "key";
  readonly partitionsDefault: number;
  readonly useFlumeEventFormat?: boolean;
}

/** Kafka's rule for topic names (org.apache.kafka.common.internals.Topic). */
export function isTopicName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(text) && text !== "." && text !== "..";
}

/**
 * Whether a broker or a tool keeps its own state in topics of such names: `__consumer_offsets`, `__transaction_state`,
 * `__share_group_state`; with one underscore `_schemas` and the like.
 */
export function isInternalName(text: string): boolean {
  return text.startsWith("_");
}

type Piece = { readonly text: string } | { readonly header: string };

/** Takes `vehicle-%{kind}` apart. */
export function parseTopicPattern(
  pattern: string,
): { readonly ok: true; readonly pieces: readonly Piece[] } | { readonly ok: false; readonly message: string } {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of pattern.matchAll(/%\{([^{}]*)\}/g)) {
    const header = match[1] ?? "";
    if (header === "") return { ok: false, message: `"${pattern}": %{} names no header` };
    if (match.index > at) pieces.push({ text: pattern.slice(at, match.index) });
    pieces.push({ header });
    at = match.index + match[0].length;
  }
  if (at < pattern.length) pieces.push({ text: pattern.slice(at) });
  const legal = pieces.map((piece) => ("text" in piece ? piece.text : "x")).join("");
  if (isTopicName(legal) && !legal.startsWith("__")) return { ok: true, pieces };
  const rule = legal.startsWith("__")
    ? "names that begin with __ are the broker's own"
    : "a topic name is 1 to 249 of a-z A-Z 0-9 . _ -, with %{header} where a header's value goes";
  return { ok: false, message: `"${pattern}" is not a topic: ${rule}` };
}

/** Distinct topics that one pattern may make before their names are made anew each time. */
const namesKeptMax = 4_096;

/** Where events go, decided when they are put: the group is the topic, its parts are the partitions. */
export function layoutOf(config: LayoutConfig): Layout {
  const { topic, topicDefault = topic, topicsMax, partition, partitionsDefault, useFlumeEventFormat = false } = config;
  const pattern = parseTopicPattern(topic);
  const pieces = pattern.ok ? pattern.pieces : [];
  const isFixed = pieces.every((piece) => "text" in piece);
  const division: Division = {
    partsDefault: partitionsDefault,
    partOf: (key, partitions) => partitionOfKey(bytesOfText(key), partitions),
  };
  return {
    text: `topic ${topic} by ${partition}${partition === "key" ? `/${partitionsDefault}` : ""}${useFlumeEventFormat ? ", as Flume's Avro events" : ""}`,
    group: isFixed ? () => topic : topicOf(pieces, config),
    groupFixed: isFixed ? topic : undefined,
    groupHeaders: pieces.flatMap((piece) => ("header" in piece ? [piece.header] : [])),
    groupDefault: topicDefault,
    groupsMax: isFixed ? 1 : topicsMax,
    division: partition === "agent" ? undefined : division,
    // Each agent's are in one partition then: of the agent that made them, not of ours.
    carried: { division, by: partition },
    ...(useFlumeEventFormat ? { form: flumeForm() } : {}),
  };
}

/** The event with its headers in its body, as Flume's KafkaSink writes it with `useFlumeEventFormat`. Key and time stay what they are. */
function flumeForm(): (view: EventView) => EventView {
  const formed = new EventView();
  return ({ buffer, start, end, eventTimeMs, key, headerNames, headerValues }) => {
    const headers = headerNames.map((name, index) => [name, headerValues[index] ?? ""] as const);
    const datum = writeFlumeDatum(headers, buffer.subarray(start, end));
    formed.reset(datum, 0, datum.length, eventTimeMs);
    formed.key = key;
    return formed;
  };
}

/** The topic that an event's headers name; undefined: one that is no legal name, or that is not allowed. */
function topicOf(
  pieces: readonly Piece[],
  { topicDefault, topicsAllowed }: LayoutConfig,
): (view: EventView) => string | undefined {
  // The same text object for the same topic, and no check of a name that was seen before.
  const names = new Map<string, string | undefined>();
  return (view) => {
    let name = "";
    for (const piece of pieces) {
      if ("text" in piece) name += piece.text;
      else {
        const value = view.header(piece.header);
        if (value === undefined) return topicDefault;
        name += value;
      }
    }
    const known = names.get(name);
    if (known !== undefined || names.has(name)) return known;
    const allowed =
      isTopicName(name) &&
      (!isInternalName(name) || isInternalName(textOf(pieces))) &&
      (topicsAllowed === undefined || topicsAllowed.test(name));
    if (names.size >= namesKeptMax) names.clear();
    names.set(name, allowed ? name : undefined);
    return allowed ? name : undefined;
  };
}

/** What stands before the first header: the config's own word, which no content can change. */
function textOf(pieces: readonly Piece[]): string {
  const [first] = pieces;
  return first !== undefined && "text" in first ? first.text : "";
}
