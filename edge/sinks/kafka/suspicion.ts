/**
 * Which batches may be in the log a second time once they are taken, without our being able to look: the broker may have
 * forgotten their producer, or they were sent to another cluster, or under a session that is lost. Each is counted as
 * `maybe_repeated` when it is taken. Kept in the session's row, because a crash in the middle does not make it better.
 *
 * A suspicion for age alone can be dispelled: when the broker recognises the first send as a repeat, or when by its own
 * clock it cannot have forgotten. That it recognises a later one proves only that it has the copy we just made.
 */
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import type { Attempt } from "./attempt.ts";
import type { Doubt } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import { reportRepeat } from "./telemetry.ts";

export class Suspicion {
  /** Numbers below are suspect. */
  below = 0;
  private forAge = false;
  /** Nothing was sent yet since it arose: the next answer tells. */
  private telling = false;

  constructor(
    private readonly notes: LaneNotes,
    private readonly tools: LaneTools,
    private readonly doubt: Doubt,
  ) {}

  has(batch: StoredBatch): boolean {
    return batch.first < this.below;
  }

  /** Nothing will dispel it. */
  raise(below: number): void {
    this.below = Math.max(below, this.below);
    this.forAge = false;
    this.telling = false;
  }

  /** The broker may have forgotten what is in doubt below this number. */
  raiseForAge(below: number): void {
    this.below = below;
    this.forAge = true;
    this.telling = true;
  }

  /**
   * The answer to a send, and whether it dispels the suspicion: only the first send since it arose can tell. One that was
   * not answered uses that up, because the next answer may recognise the copy that it made.
   */
  async hear(sending: Promise<Attempt>): Promise<{ readonly sent: Attempt; readonly dispelled: boolean }> {
    const { telling } = this;
    this.telling = false;
    const sent = await sending;
    const { kind } = sent.verdict;
    const dispelled = telling && (sent.repeat || kind === "out_of_order" || kind === "duplicate");
    if (dispelled) this.below = 0;
    return { sent, dispelled };
  }

  /** The log has the batch. `brokerTimeMs`: when it was appended, as far as the broker said. */
  count(batch: StoredBatch, brokerTimeMs: number | undefined): void {
    if (!this.has(batch)) return;
    const { producerIdExpirationMs, telemetry } = this.tools;
    if (this.forAge && this.doubt.rememberedAt(brokerTimeMs, producerIdExpirationMs)) return;
    reportRepeat(telemetry.report, this.notes.lane, batch.first, batch.count);
  }
}
