import type { Statements } from "./connection.ts";
import type { LaneState } from "./lane-state.ts";
import { copyProgress, formatProgress, type Progress } from "./progress.ts";
import type { Slots } from "./slots.ts";
import { type State, StateChanges } from "./state.ts";

/**
 * One transaction in the making. Statements run at once; what memory is to know of them waits until the commit has
 * succeeded. A draft that failed is thrown away, and nothing has happened.
 */
export class Draft {
  readonly changes: StateChanges;
  private readonly lanes = new Map<LaneState, Progress>();
  private readonly begun = new Set<LaneState>();
  private readonly effects: (() => void)[] = [];
  private readonly freeSlots: readonly number[];
  private written: ReturnType<State["write"]> | undefined;

  constructor(
    readonly statements: Statements,
    private readonly state: State,
    readonly slots: Slots,
    /** How long the file has lived, milliseconds. */
    readonly livedMs: number,
  ) {
    this.changes = new StateChanges(state);
    this.freeSlots = slots.snapshot();
  }

  /** The lane's progress as this transaction will leave it: to be changed in place. */
  progress(lane: LaneState): Progress {
    let copy = this.lanes.get(lane);
    if (copy === undefined) {
      copy = copyProgress(lane.progress);
      this.lanes.set(lane, copy);
    }
    return copy;
  }

  /** Whether this is the lane's first put: its row is still to be written. Asked once a transaction. */
  begins(lane: LaneState): boolean {
    if (lane.stored || this.begun.has(lane)) return false;
    this.begun.add(lane);
    return true;
  }

  /** Done when the commit has succeeded. */
  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  /** Writes the hot rows: the last thing before the commit. */
  flush(): void {
    for (const [{ lane, taken }, progress] of this.lanes) {
      progress.taken = taken;
      this.changes.set("lane", lane.stream, String(lane.id), formatProgress(progress));
    }
    this.written = this.state.write(this.changes, this.statements);
  }

  /** The commit has succeeded: memory follows. */
  apply(): void {
    if (this.written !== undefined) this.state.adopt(this.written);
    for (const [lane, progress] of this.lanes) {
      lane.progress = progress;
      lane.dirty = false;
    }
    for (const lane of this.begun) lane.stored = true;
    for (const effect of this.effects) effect();
  }

  /** The commit has failed: nothing happened. */
  discard(): void {
    this.slots.restore(this.freeSlots);
  }
}
