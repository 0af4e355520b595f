/**
 * The fleet's doors of a store: presence, heartbeats, hours, outages. Optional: a store without them says so by name
 * (`Store.fleet`, `StoreReader.fleet`), and everything else of it works.
 */
import type { LaneFacts } from "../fleet/completeness.ts";
import type { LedgerRange } from "../fleet/fate.ts";
import type { LedgerLane } from "../fleet/lane-book.ts";
import type { HeardBeat, LaneBeat, Loss, MissedRange, OutageKind, Presence } from "../fleet/presence.ts";

/** What became of heartbeats. */
export interface HearResult {
  readonly kept: number;
  /** Not newer than what was known. */
  readonly older: number;
  /** Of agents that are one too many. */
  readonly tooMany: number;
}

/** How many agents a store keeps the presence of: twice what it is made for. */
export const agentsMax = 20_000;
/** A silent one that long gives way to a new one when there are that many. */
export const forgottenAfterMs = 30 * 86_400_000;
/** Outages that are kept of each agent: the oldest go. */
export const outagesMax = 1_000;

/** The writer's door. */
export interface FleetStore {
  /**
   * Keeps the newest heartbeat of each agent, and what it says of its outages; in one transaction, in the order given.
   * Heard again it changes nothing.
   *
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE`.
   */
  hear(beats: readonly HeardBeat[], nowMs: number): Promise<HearResult>;
}

/** An agent: what it says of itself, if it does, and the sums of its lanes. */
export interface AgentRow {
  readonly agent: string;
  readonly presence: Presence | undefined;
  /** Event time of its oldest unsent record. */
  readonly oldestUnsentMs: number | undefined;
  readonly repeated: number;
  /** When something of it was stored last. */
  readonly updatedAtMs: number | undefined;
}

/** A lane as the two know it; one of the two always does. */
export interface JoinedLane {
  readonly agent: string;
  readonly epoch: string;
  readonly stream: string;
  readonly lane: number;
  readonly ledger: LedgerLane | undefined;
  readonly beat: LaneBeat | undefined;
}

/** An outage as it is kept. */
export interface OutageRow {
  readonly id: number;
  readonly agent: string;
  readonly kind: OutageKind;
  readonly fromMs: number;
  readonly toMs: number;
  /** When all that waited had left the vehicle; undefined: not yet. */
  readonly caughtUpMs: number | undefined;
  readonly missed: readonly MissedRange[];
  readonly missedCut: number;
  readonly losses: readonly Loss[];
}

/** Newest first, after an id. */
export interface OutageQuery {
  readonly agent: string | undefined;
  /** It touches this time: ended at or after `fromMs`, began before `toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The last one of the page before: when it began, and its id. */
  readonly before: readonly [fromMs: number, id: number] | undefined;
  readonly limit: number;
}

/** Which hours of which stream. */
export interface HoursQuery {
  readonly agent: string;
  readonly stream: string | undefined;
  readonly fromHour: number;
  readonly toHour: number;
  /** Holes of a lane that are looked at. */
  readonly holesMax: number;
}

/** The readers' door. Every call sees one consistent state. @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
export interface FleetReader {
  /** Everybody who is known, in the order of names: at most `agentsMax` of each kind. */
  agents(): Promise<readonly AgentRow[]>;
  /** All lanes, one after the other. */
  lanes(agent: string | undefined, take: (lane: JoinedLane) => void): Promise<void>;
  /** Names of agents after `after`, in order. */
  agentNames(after: string, limit: number): Promise<readonly string[]>;
  hours(query: HoursQuery): Promise<readonly LaneFacts[]>;
  outages(query: OutageQuery): Promise<readonly OutageRow[]>;
  /** What became of numbers of a lane: at most `limit` ranges of them, and where the lane stands. */
  fate(
    agent: string,
    range: MissedRange,
    limit: number,
  ): Promise<{
    readonly ranges: readonly LedgerRange[];
    readonly nextSeq: number;
    readonly beat: LaneBeat | undefined;
  }>;
}
