import type { Lane } from "../core/lane.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import type { Stretches } from "./stretches.ts";

/** A lane as a member of a group sees it: what other members delivered is not there, and its mark is its own. */
export class MemberNotes implements LaneNotes {
  readonly lane: Lane;

  constructor(
    private readonly notes: LaneNotes,
    private readonly stretches: Stretches,
    private readonly member: string,
  ) {
    this.lane = notes.lane;
  }

  get mark(): string | undefined {
    return this.stretches.markOf(this.member);
  }

  get seqAtStart(): number {
    return this.stretches.seqAtStartOf(this.member);
  }

  get begins(): number {
    return this.stretches.beginsOf(this.member);
  }

  next(after?: StoredBatch): StoredBatch | undefined {
    return this.notes.next(after);
  }

  /** Only what is about to be sent is leased: from here on this member may have it. */
  lease(batch: StoredBatch): void {
    this.stretches.noteSent(this.member, batch.first + batch.count);
    this.notes.lease(batch);
  }

  kept(seq: number): StoredBatch | undefined {
    return this.stretches.delivered(this.member, seq) ? this.notes.kept(seq) : undefined;
  }

  session(destination: string): string | undefined {
    return this.notes.session(destination);
  }

  saveSession(destination: string, session: string): void {
    this.notes.saveSession(destination, session);
  }

  count(name: string, amount: number): void {
    this.notes.count(name, amount);
  }
}
