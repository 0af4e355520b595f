import type { EventView } from "../../core/event-view.ts";
import type { Routing } from "../../core/sink.ts";

/** What of the config says where events go. */
export interface RoutingConfig {
  readonly topic: string;
  readonly topicDefault?: string | undefined;
  readonly partition: "agent" | "key";
  readonly partitionsDefault: number;
}

/** Kafka's rule for topic names (org.apache.kafka.common.internals.Topic). */
export function isTopicName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(text) && text !== "." && text !== "..";
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
  if (isTopicName(legal)) return { ok: true, pieces };
  const rule = "a topic name is 1 to 249 of a-z A-Z 0-9 . _ -, with %{header} where a header's value goes";
  return { ok: false, message: `"${pattern}" is not a topic: ${rule}` };
}

/** Distinct topics that one pattern may make before their names are made anew each time. */
const namesKeptMax = 4_096;

/** Where events go, decided when they are put. */
export function routingOf(config: RoutingConfig): Routing {
  const { topic, topicDefault = topic, partition, partitionsDefault } = config;
  const pattern = parseTopicPattern(topic);
  const pieces = pattern.ok ? pattern.pieces : [];
  const headers = pieces.flatMap((piece) => ("header" in piece ? [piece.header] : []));
  if (headers.length === 0) return { topic: () => topic, topicFixed: topic, partition, partitionsDefault };

  // The same text object for the same topic, and no check of a name that was seen before.
  const names = new Map<string, string>();
  const resolve = (view: EventView): string => {
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
    if (known !== undefined) return known;
    const checked = isTopicName(name) ? name : topicDefault;
    if (names.size >= namesKeptMax) names.clear();
    names.set(name, checked);
    return checked;
  };
  return { topic: resolve, topicFixed: undefined, partition, partitionsDefault };
}
