/**
 * The times in which heartbeats did not get through, and which numbers waited meanwhile. The agent alone knows them to
 * the number: what was not acknowledged stays where it is while the link is away.
 *
 * All by uptime. A heartbeat that fails although batches pass (no permission on its topic) is no outage of the numbers:
 * what moves on is not counted as waiting.
 */
import { heartbeatBounds } from "../../shared/heartbeat/format.ts";
import type { HeartbeatOutage } from "../../shared/heartbeat/heartbeat.ts";
import type { LaneVitals } from "../engine/vitals.ts";
import { laneName } from "./lane-hours.ts";

interface Ended {
  readonly id: number;
  readonly endedUpMs: number;
  readonly forMs: number;
  readonly lanes: HeartbeatOutage["lanes"];
  readonly lanesCut: number;
}

/** One that ended longer ago is no longer told. */
const toldForMs = 86_400_000;

export class Outages {
  private readonly ended: Ended[] = [];
  private lastOkUpMs: number;
  /** While heartbeats fail: where what waits begins, by lane. */
  private waiting: Map<string, number> | undefined;
  private lastId = 0;

  /** `upMs`: when the process began; until the first heartbeat nothing has got through. */
  constructor(upMs: number) {
    this.lastOkUpMs = upMs;
  }

  get isAway(): boolean {
    return this.waiting !== undefined;
  }

  /** A heartbeat was not acknowledged. */
  failed(lanes: readonly LaneVitals[]): void {
    const waiting = this.waiting ?? new Map<string, number>();
    // What has moved since the last look was delivered: only what has not moved waits.
    for (const { lane, oldest } of lanes) waiting.set(laneName(lane), oldest.from);
    this.waiting = waiting;
  }

  /**
   * A heartbeat was acknowledged. True: an outage has ended that is worth telling; shorter ones than `minMs` are not.
   */
  succeeded(lanes: readonly LaneVitals[], upMs: number, minMs: number): boolean {
    const { waiting, lastOkUpMs } = this;
    this.waiting = undefined;
    this.lastOkUpMs = upMs;
    if (waiting === undefined || upMs - lastOkUpMs < minMs) return false;
    const missed = lanes.flatMap(({ lane, assigned }) => {
      const first = waiting.get(laneName(lane));
      if (first === undefined || first >= assigned) return [];
      return [{ stream: lane.stream, epoch: lane.epoch, lane: lane.number, first, last: assigned - 1 }];
    });
    const told = missed.slice(0, heartbeatBounds.outageLanes);
    this.ended.push({
      id: ++this.lastId,
      endedUpMs: upMs,
      forMs: Math.round(upMs - lastOkUpMs),
      lanes: told,
      lanesCut: missed.length - told.length,
    });
    if (this.ended.length > heartbeatBounds.outages) this.ended.shift();
    return true;
  }

  /** The last ones, as a heartbeat tells them: each heartbeat does, because the ones before may be compacted away. */
  told(upMs: number): HeartbeatOutage[] {
    return this.ended
      .filter(({ endedUpMs }) => upMs - endedUpMs < toldForMs)
      .map(({ endedUpMs, ...outage }) => ({ ...outage, endedAgoMs: Math.round(upMs - endedUpMs) }));
  }
}
