import type { EventView } from "./event-view.ts";

/**
 * How a channel lays the events of a stream into lanes. The sink that drains the channel makes it from its config, because
 * only the sink knows what its destination keeps in order; the engine applies it at put and reads no meaning into it.
 *
 * An event belongs to a group (for Kafka its topic). A group is one lane, or it is divided by the record key into several
 * (for Kafka one a partition). Lanes are sent side by side; within a lane the order of the source holds.
 *
 * A group may come from what an event contains, so whoever writes the log could make any number of them, and each lane
 * costs memory and rows for ever. Therefore the number is bounded: what finds no place goes to `groupDefault`, counted.
 */
export interface Layout {
  /** In words, as in "topic driving by agent". Sinks that share a channel must say the same. */
  readonly text: string;
  /**
   * The group of an event. Asked for every event: the same text object for the same group, where that is cheap.
   * Undefined: it names one that is not allowed, and goes to `groupDefault`, counted.
   */
  group(view: EventView): string | undefined;
  /** Set when the group never depends on the event: the hot path asks once. */
  readonly groupFixed: string | undefined;
  /** Which headers `group` looks at; undefined: it may look at anything. A batch that nobody opens has `carriedHeaders` alone. */
  readonly groupHeaders?: readonly string[];
  /** Where events of a group go that finds no place any more. Always allowed. */
  readonly groupDefault: string;
  /** How many groups one stream may have in one channel. */
  readonly groupsMax: number;
  /** How a group is divided; undefined: it is one lane. */
  readonly division: Division | undefined;
  /** How batches of other agents are divided, where that is not as events are, and by what of them. */
  readonly carried?: CarriedDivision;
  /**
   * Of a destination that wants an event in another form: the event as it is put, its headers in its body for example.
   * What it answers is read at once and not kept: one object may stand for all events. Left out: the event as it is.
   */
  readonly form?: (view: EventView) => EventView;
}

/** What is known of a batch of another agent without opening it: who made it, and of which stream. */
export const carriedHeaders = ["agent", "stream"] as const;

/** Whether a layout can lay out batches that nobody opens. */
export function laysOutWhole({ groupFixed, groupHeaders, form }: Layout): boolean {
  if (form !== undefined) return false;
  if (groupFixed !== undefined) return true;
  return groupHeaders?.every((name) => carriedHeaders.some((known) => known === name)) ?? false;
}

/** How a group is divided into lanes. */
export interface Division {
  /** How many parts, until the sink says otherwise (`SinkContext.partsKnown`). */
  readonly partsDefault: number;
  /** The part of a key. The engine keeps the answers: it need not be fast. */
  partOf(key: string, parts: number): number;
}

/**
 * How batches of other agents are divided. They stay as small as their senders made them, and of a lane one is under way at a time: in one
 * lane a thousand agents would wait for each other.
 */
export interface CarriedDivision {
  readonly division: Division;
  /** `key`: that of its records; `agent`: the name of the agent that made it. */
  readonly by: "key" | "agent";
}

/** Of destinations that know each record by its identity, in whatever order lanes come. */
export const carriedSideBySide: CarriedDivision = {
  division: { partsDefault: 16, partOf: (name, parts) => Bun.hash.crc32(name) % parts },
  by: "agent",
};

/** The layout of a channel whose sinks ask for none: each stream is one lane. */
export function plainLayout(group: string): Layout {
  return {
    text: "one lane a stream",
    group: () => group,
    groupFixed: group,
    groupDefault: group,
    groupsMax: 1,
    division: undefined,
  };
}
