/**
 * From one heartbeat to the next: is it newer, was the agent away in between, and what waited meanwhile.
 *
 *     same run    the agent tells its own outages of the link, to the number; each is taken once, by its id
 *     new run     it was stopped, or killed, from the last heartbeat until the process began
 *
 * Times are the broker's, or central's, never the agent's: its wall clock only shows how wrong it is. What lay before
 * it is told by its uptime. Times of central's own absence accuse nobody: heartbeats that it reads late were not late.
 */
import { laneKey } from "../../shared/heartbeat/format.ts";
import type { Heartbeat, HeartbeatLane } from "../../shared/heartbeat/heartbeat.ts";

/** A heartbeat that its sender may send, and when it was in the topic. */
export interface HeardBeat {
  readonly beat: Heartbeat;
  /** By the broker's clock where the topic has it, else by ours when it was read. */
  readonly heardMs: number;
}

/** What is kept of an agent. */
export interface Presence {
  readonly agent: string;
  readonly heardMs: number;
  readonly run: string;
  readonly n: number;
  readonly everyMs: number;
  /** When its process began. */
  readonly startedMs: number;
  /** Its wall clock less ours. */
  readonly clockOffsetMs: number;
  readonly version: string;
  readonly config: string;
  readonly backlogEvents: number;
  readonly backlogBytes: number;
  readonly freeDiskBytes: number | undefined;
  readonly stopping: boolean;
  /** The last outage of this run that was taken. */
  readonly lastOutage: number;
  /** Losses without a number, by stream and name. */
  readonly losses: readonly Loss[];
}

/** What was lost in a stream without ever having had a number. */
export interface Loss {
  readonly stream: string;
  readonly name: string;
  readonly amount: number;
}

/** A lane as its agent told it last. */
export interface LaneBeat {
  readonly stream: string;
  readonly epoch: string;
  readonly lane: number;
  readonly to: string;
  readonly assigned: number;
  readonly unsentFrom: number;
  readonly held: number;
  readonly unsentMs: number | undefined;
  readonly hours: readonly (readonly [hour: number, first: number])[];
  readonly heardMs: number;
  /** When `unsentFrom` was told first: records below it should be in the store by now. */
  readonly sentMs: number;
}

/** Numbers of a lane that waited in an outage; both inclusive. */
export interface MissedRange {
  readonly stream: string;
  readonly epoch: string;
  readonly lane: number;
  readonly first: number;
  readonly last: number;
}

/** `link`: it ran and did not get through. `stopped`: it said goodbye. `killed`: it ended without a word. */
export type OutageKind = "link" | "stopped" | "killed";

/** An outage that is over. */
export interface PastOutage {
  readonly kind: OutageKind;
  readonly fromMs: number;
  readonly toMs: number;
  readonly missed: readonly MissedRange[];
  /** Lanes that are left out. */
  readonly missedCut: number;
  /** What was lost in it that never had a number. */
  readonly losses: readonly Loss[];
}

/** What is known of an agent before a heartbeat. */
export interface KnownAgent {
  readonly presence: Presence;
  readonly lanes: readonly LaneBeat[];
}

/** What a heartbeat comes to. */
export interface Heard {
  readonly presence: Presence;
  /** Those of the heartbeat, and those before it that it names no more. */
  readonly lanes: readonly LaneBeat[];
  readonly outages: readonly PastOutage[];
}

/** So many heartbeats must be missing before anybody is called away. */
export const beatsMissed = 3;
/** What it counts beside its numbers that means a loss. */
const lossNames = /^(?:lost_at_source|dropped|.*_lost|lost_.*)$/;
const lanesMax = 512;

/** Undefined: it is not newer than what is known. */
export function hear(known: KnownAgent | undefined, { beat, heardMs: heard }: HeardBeat): Heard | undefined {
  const before = known?.presence;
  const sameRun = before?.run === beat.run;
  if (before !== undefined && sameRun && beat.n <= before.n) return undefined;
  // The topic's order is the truth, also where a broker's clock was set back.
  const heardMs = Math.max(heard, before?.heardMs ?? heard);
  const startedMs = heardMs - beat.upMs;
  const losses = lossesOf(beat);
  const lost = before === undefined ? [] : grown(before.losses, losses);
  const outages: PastOutage[] = [];
  if (known !== undefined && !sameRun) {
    const gone = absence(known, beat, startedMs);
    if (gone !== undefined) outages.push({ ...gone, losses: lost });
  }
  for (const { id, endedAgoMs, forMs, lanes, lanesCut } of beat.outages) {
    if (sameRun && id <= (before?.lastOutage ?? 0)) continue;
    const toMs = heardMs - endedAgoMs;
    const fromMs = toMs - forMs;
    outages.push({
      kind: "link",
      fromMs,
      toMs,
      missed: lanes,
      missedCut: lanesCut,
      losses: outages.length === 0 ? lost : [],
    });
  }
  const lastOutage = Math.max(sameRun ? (before?.lastOutage ?? 0) : 0, ...beat.outages.map(({ id }) => id));
  const { agent, run, n, everyMs, version, config, backlog, freeDiskBytes, atMs, stopping = false } = beat;
  const presence: Presence = {
    agent,
    heardMs,
    run,
    n,
    everyMs,
    startedMs,
    clockOffsetMs: atMs - heardMs,
    version,
    config,
    backlogEvents: backlog.events,
    backlogBytes: backlog.bytes,
    freeDiskBytes,
    stopping,
    lastOutage,
    losses,
  };
  return { presence, lanes: lanesOf(known?.lanes ?? [], beat, heardMs), outages };
}

/** Whether all that waited in an outage has left the vehicle. */
export function hasCaughtUp(missed: readonly MissedRange[], lanes: readonly LaneBeat[]): boolean {
  const unsent = new Map(lanes.map((lane) => [laneKey(lane), lane.unsentFrom]));
  // A lane that is told no more is drained: nothing of it is held.
  return missed.every((range) => (unsent.get(laneKey(range)) ?? Number.POSITIVE_INFINITY) > range.last);
}

/** Between two runs; undefined: too short to be one. */
function absence({ presence, lanes }: KnownAgent, beat: Heartbeat, startedMs: number): PastOutage | undefined {
  const { heardMs: fromMs, everyMs, stopping } = presence;
  if (startedMs - fromMs < beatsMissed * everyMs) return undefined;
  const now = new Map(beat.lanes.map((lane) => [laneKey(lane), lane]));
  const missed = lanes.flatMap(({ stream, epoch, lane, unsentFrom, assigned }) => {
    // The process that came after knows how far the one before had numbered.
    const end = now.get(laneKey({ stream, epoch, lane }))?.began ?? assigned;
    return end > unsentFrom ? [{ stream, epoch, lane, first: unsentFrom, last: end - 1 }] : [];
  });
  return { kind: stopping ? "stopped" : "killed", fromMs, toMs: startedMs, missed, missedCut: 0, losses: [] };
}

function lanesOf(known: readonly LaneBeat[], beat: Heartbeat, heardMs: number): LaneBeat[] {
  const before = new Map(known.map((lane) => [laneKey(lane), lane]));
  const told = beat.lanes.map((lane) => {
    const old = before.get(laneKey(lane));
    before.delete(laneKey(lane));
    return laneOf(lane, old, heardMs);
  });
  // Drained, or of a process that is gone: nothing of it is held, and no more was sent than it has said.
  const gone = [...before.values()].map((lane) =>
    beat.lanesCut > 0 ? lane : { ...lane, assigned: lane.unsentFrom, held: 0, unsentMs: undefined, hours: [] },
  );
  return [...told, ...gone.toSorted((a, b) => b.heardMs - a.heardMs)].slice(0, lanesMax);
}

function laneOf(lane: HeartbeatLane, before: LaneBeat | undefined, heardMs: number): LaneBeat {
  const { stream, epoch, lane: number, to, assigned, unsentFrom, held, unsentMs, hours = [] } = lane;
  const sentMs = before !== undefined && before.unsentFrom >= unsentFrom ? before.sentMs : heardMs;
  return { stream, epoch, lane: number, to, assigned, unsentFrom, held, unsentMs, hours, heardMs, sentMs };
}

function lossesOf({ streams }: Heartbeat): Loss[] {
  return streams.flatMap(({ stream, counts }) =>
    counts.filter(([name]) => lossNames.test(name)).map(([name, amount]) => ({ stream, name, amount })),
  );
}

/** By how much each has grown; one that is smaller began anew. */
function grown(before: readonly Loss[], now: readonly Loss[]): Loss[] {
  const old = new Map(before.map(({ stream, name, amount }) => [`${stream} ${name}`, amount]));
  return now.flatMap(({ stream, name, amount }) => {
    const was = old.get(`${stream} ${name}`) ?? 0;
    const by = amount >= was ? amount - was : amount;
    return by > 0 ? [{ stream, name, amount: by }] : [];
  });
}
