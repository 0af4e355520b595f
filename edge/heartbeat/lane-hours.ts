import { heartbeatBounds, laneKey } from "../../shared/heartbeat/format.ts";
import type { LaneVitals } from "../engine/vitals.ts";

const hourMs = 3_600_000;

/**
 * In which hour the numbers of a lane were given, by the agent's clock: noted when a heartbeat is due, also while none
 * gets through. So a backlog can be told by hour without a look at the file. A start forgets it.
 */
export class LaneHours {
  private readonly starts = new Map<string, [hour: number, first: number][]>();

  note(lanes: readonly LaneVitals[], nowMs: number): void {
    const hour = Math.floor(nowMs / hourMs);
    const gone = new Set(this.starts.keys());
    for (const { lane, assigned } of lanes) {
      const key = laneName(lane);
      gone.delete(key);
      const starts = this.starts.get(key) ?? [];
      this.starts.set(key, starts);
      const last = starts.at(-1);
      if (last?.[0] === hour) continue;
      // A clock that was set back: what it said before means nothing beside what it says now.
      if (last !== undefined && last[0] > hour) starts.length = 0;
      starts.push([hour, assigned]);
      if (starts.length > heartbeatBounds.hours) starts.shift();
    }
    for (const key of gone) this.starts.delete(key);
  }

  /** The hours of the numbers from `from` on. */
  since(lane: LaneVitals["lane"], from: number): [number, number][] {
    const starts = this.starts.get(laneName(lane)) ?? [];
    const first = starts.findLastIndex(([, seq]) => seq <= from);
    return starts.slice(Math.max(0, first));
  }
}

/** What maps of the lanes go by. */
export function laneName({ stream, epoch, number }: LaneVitals["lane"]): string {
  return laneKey({ stream, epoch, lane: number });
}
