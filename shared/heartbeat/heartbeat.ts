/**
 * What an agent says of itself every half minute, and what its centre takes from it. One JSON text a record; the newest
 * one of an agent is all that need be kept (the topic may be compacted: the key is the agent's name).
 *
 * It counts what the records cannot: how far the numbers of each lane were given, and what of them is still in the
 * vehicle. It is sent once, best effort, beside the batches, and no promise rests on it: the books of the records are
 * kept by the ledger, whatever a heartbeat says.
 *
 * All of it is a claim, and bounded: names, numbers, times, how many lanes. What is beyond a bound is no heartbeat.
 */
import { z } from "zod";
import { heartbeatBounds, laneKey } from "./format.ts";

const { number, textBytes, nameBytes, timeMsMin, timeMsMax } = heartbeatBounds;
const name = z.string().regex(new RegExp(`^[\\w-]{1,${nameBytes}}$`));
const count = z.int().min(0).max(number);
const time = z.int().min(timeMsMin).max(timeMsMax);
const text = z.string().max(textBytes);
const laneName = { stream: name, epoch: name, lane: z.int().min(0).max(heartbeatBounds.lane) };

const Lane = z
  .object({
    ...laneName,
    /** Where its records go to, in its sink's words: a topic. */
    to: text,
    /** The next number: all below it were given. */
    assigned: count,
    /** All below it are with the destination, or were shed and the destination was told. */
    unsentFrom: count,
    /** Records in the vehicle: from `unsentFrom` on, less those that policy has shed and nobody was told of yet. */
    held: count,
    /** Ever, of this lane. */
    shed: count,
    dead: count,
    /** The next number when the process began; undefined: a lane of this process. */
    began: count.optional(),
    /** Event time of the oldest one that is unsent. */
    unsentMs: time.optional(),
    /** Where the hours of the unsent numbers begin, by the agent's clock: hour since 1970, first number. Ascending. */
    hours: z
      .array(z.tuple([z.int().min(-1e9).max(1e9), count]))
      .max(heartbeatBounds.hours)
      .optional(),
  })
  .refine(({ assigned, unsentFrom, held }) => unsentFrom <= assigned && held <= assigned - unsentFrom);

const Outage = z.object({
  /** Ascends within a run. */
  id: count,
  /** How long ago it was over, and how long it was, by the agent's uptime: no wall clock is asked. */
  endedAgoMs: count,
  forMs: count,
  /** What could not be delivered meanwhile: first and last number, both inclusive. */
  lanes: z
    .array(z.object({ ...laneName, first: count, last: count }).refine(({ first, last }) => first <= last))
    .max(heartbeatBounds.outageLanes),
  /** Lanes that are left out. */
  lanesCut: count,
});

/** A heartbeat, version 1. Later versions may add keys: what is not known here is left out. */
export const Heartbeat = z.object({
  v: z.literal(1),
  agent: name,
  epoch: name,
  /** Made at the start of the process: numbers and uptimes compare only within a run. */
  run: name,
  /** Ascends within a run. */
  n: count,
  everyMs: z.int().min(1).max(86_400_000),
  /** The agent's wall clock when it was made, which may be wrong. */
  atMs: time,
  /** Since the process started, by the machine's uptime. */
  upMs: count,
  version: text,
  /** Of the config in force, without its secrets. */
  config: text,
  backlog: z.object({ events: count, bytes: count }),
  /** Of the disk that the channel file is on. */
  freeDiskBytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  lanes: z.array(Lane).max(heartbeatBounds.lanes),
  lanesCut: count,
  /** What is lost without ever having had a number (`dropped`, `lost_at_source`), and what else the streams count. */
  streams: z
    .array(
      z.object({
        stream: name,
        counts: z.array(z.tuple([z.string().regex(/^[\w:.-]{1,100}$/), count])).max(heartbeatBounds.counts),
      }),
    )
    .max(heartbeatBounds.streams),
  outages: z.array(Outage).max(heartbeatBounds.outages),
  /** It was asked to stop: this is its last one. */
  stopping: z.boolean().optional(),
});
export type Heartbeat = z.output<typeof Heartbeat>;
export type HeartbeatLane = Heartbeat["lanes"][number];
export type HeartbeatOutage = Heartbeat["outages"][number];

/** A heartbeat, or why the bytes are none; the reason never holds the sender's own words. */
export type HeartbeatReading =
  | { readonly ok: true; readonly beat: Heartbeat }
  | { readonly ok: false; readonly reason: string };

/** Reads a record's value. */
export function readHeartbeat(bytes: Buffer): HeartbeatReading {
  if (bytes.length > heartbeatBounds.bytes) return refused(`a heartbeat of more than ${heartbeatBounds.bytes} bytes`);
  const parsed = Heartbeat.safeParse(jsonOf(bytes));
  if (!parsed.success) return refused(`no heartbeat: ${parsed.error.issues.map(({ path }) => placeOf(path))[0] ?? ""}`);
  const names = new Set(parsed.data.lanes.map(laneKey));
  if (names.size < parsed.data.lanes.length) return refused("no heartbeat: a lane twice");
  return { ok: true, beat: parsed.data };
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Keys that the schema knows, and indexes: nothing of the sender's. */
function placeOf(path: readonly PropertyKey[]): string {
  const known = path.map((key) => String(key)).join(".");
  return known === "" ? "not an object with the keys of one" : `its ${known} is beyond the bounds`;
}

function refused(reason: string): HeartbeatReading {
  return { ok: false, reason };
}
