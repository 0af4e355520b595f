import { freeBytes } from "../../shared/files/free-bytes.ts";
import type { OldestHeld } from "../core/channel.ts";
import type { Lane } from "../core/lane.ts";
import type { StreamCounters } from "./books.ts";
import type { MessageSink, SinkGroup } from "./sink-group.ts";

/** A lane whose records carry numbers to a destination that takes messages too. */
export interface LaneVitals {
  readonly lane: Lane;
  /** The next number. */
  readonly assigned: number;
  readonly oldest: OldestHeld;
  readonly held: number;
  readonly shed: number;
  readonly dead: number;
  /** Where it stood when its sink began. */
  readonly began: number;
}

/** What an agent's heartbeat is made of: read when one is due, and nothing of it costs anything in between. */
export interface Vitals {
  readonly epoch: string;
  readonly lanes: readonly LaneVitals[];
  readonly backlog: { readonly events: number; readonly bytes: number };
  readonly freeDiskBytes: number | undefined;
  /** By stream: what is lost without ever having had a number, and what else is counted. */
  readonly counts: ReadonlyMap<string, StreamCounters>;
  /** Who can carry it, by the sink's name. */
  readonly messengers: ReadonlyMap<string, MessageSink>;
}

/** Where the vitals are read from. */
export interface Body {
  readonly epoch: string;
  readonly dataDir: string;
  readonly groups: Iterable<SinkGroup>;
  readonly counts: ReadonlyMap<string, StreamCounters>;
}

/** Reads them. */
export function readVitals({ epoch, dataDir, groups, counts }: Body): Vitals {
  const lanes: LaneVitals[] = [];
  const messengers = new Map<string, MessageSink>();
  const backlog = { events: 0, bytes: 0 };
  for (const group of groups) {
    const { channel } = group;
    const carriers = [...group.messengers()];
    const { events, bytes, lanes: stats } = channel.stat();
    backlog.events += events;
    backlog.bytes += bytes;
    for (const [name, carrier] of carriers) messengers.set(name, carrier);
    // Numbers that never reach the centre are no business of its books.
    if (carriers.length === 0 || !channel.settings.identity) continue;
    const figures = new Map(stats.map((stat) => [stat.lane.id, stat]));
    for (const lane of channel.lanes()) {
      // Its records bear the numbers of others, who tell of them themselves.
      if (lane.carries === true) continue;
      const { held = 0, shed = 0, dead = 0 } = figures.get(lane.id) ?? {};
      const { seqAtStart: began } = channel.reader(lane);
      lanes.push({ lane, assigned: channel.nextSeq(lane), oldest: channel.oldest(lane), held, shed, dead, began });
    }
  }
  return { epoch, lanes, backlog, freeDiskBytes: freeOf(dataDir), counts, messengers };
}

function freeOf(folder: string): number | undefined {
  try {
    return freeBytes(folder);
  } catch {
    return undefined; // The channel says what is wrong with its folder.
  }
}
