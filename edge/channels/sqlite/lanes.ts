import { invariant } from "../../../shared/errors/invariant.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import { LaneState } from "./lane-state.ts";
import { newProgress } from "./progress.ts";
import { Recent } from "./recent.ts";

/** All lanes of the file, and which of their batches are in memory. */
export class Lanes {
  readonly byId = new Map<number, LaneState>();
  readonly recent = new Recent();

  /** `epoch`: of the lanes that are made from now on. `made`: how many were made before this start. */
  constructor(
    public epoch: string,
    private made: number,
  ) {}

  /** A lane as the file has it. */
  adopt(state: LaneState): void {
    // Lanes become durable in the order of their first batches, not of their ids: the last one written is not the highest.
    this.made = Math.max(this.made, state.lane.id);
    this.byId.set(state.lane.id, state);
  }

  state(lane: Lane): LaneState {
    const state = this.byId.get(lane.id);
    invariant(state !== undefined, `lane ${lane.id} is not of this file`);
    return state;
  }

  /** In memory; the file hears of it with its first batch. */
  create(spec: LaneSpec): LaneState {
    this.made++;
    const { stream } = spec;
    const { epoch } = this;
    let number = 0;
    for (const { lane } of this.byId.values()) {
      if (lane.stream === stream && lane.epoch === epoch) number = Math.max(number, lane.number + 1);
    }
    const lane = { ...spec, id: this.made, epoch, number };
    const state = new LaneState(lane, newProgress(), false, this.recent.budget);
    this.byId.set(lane.id, state);
    return state;
  }
}
