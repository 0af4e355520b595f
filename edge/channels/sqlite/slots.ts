import type { Statements } from "./connection.ts";
import type { LaneState } from "./lane-state.ts";
import { SLOTS } from "./schema.ts";

/**
 * Which of the slots (rows of `body` that small batches overwrite in place) are free. The last one given back is taken
 * first: a quiet stream turns round in few pages, so a checkpoint has few to copy.
 *
 * Nothing in the file says which are free: a slot is taken while the batch that it names is held or kept. They are
 * looked at when the first small batch comes, 2 MB at most, not at the start.
 */
export class Slots {
  private free: number[] | undefined;

  constructor(private readonly lanes: ReadonlyMap<number, LaneState>) {}

  /** A free slot, now taken. */
  take(statements: Statements): number | undefined {
    this.free ??= this.look(statements);
    return this.free.pop();
  }

  /** Its batch is gone. */
  give(statements: Statements, slot: number): void {
    this.free ??= this.look(statements);
    this.free.push(slot);
  }

  snapshot(): readonly number[] {
    return this.free?.slice() ?? [];
  }

  /** As it was; looked up again when it was not known then. */
  restore(free: readonly number[]): void {
    this.free = free.length === 0 ? undefined : [...free];
  }

  private look(statements: Statements): number[] {
    const free: number[] = [];
    for (const { id, lane, first } of statements.slots.all(SLOTS)) {
      const progress = this.lanes.get(lane)?.progress;
      if (progress === undefined || first < progress.kept || first >= progress.next) free.push(id);
    }
    return free.reverse();
  }
}
