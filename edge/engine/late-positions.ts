/**
 * Positions of streams whose channels keep their batches themselves. Such a position becomes durable only when every batch
 * that was put with it, and every one of the stream before, has ended: delivered, for a channel in memory. After a crash the
 * source reads from there: nothing is lost, and what had been delivered since is delivered again.
 */
import { Gate } from "../../shared/async/gate.ts";
import { invariant } from "../../shared/errors/invariant.ts";
import type { Channel } from "../core/channel.ts";
import type { PositionUpdate } from "../core/channel-store.ts";
import type { PutBatch } from "../core/stored-batch.ts";

/** What one commit brought of one stream. */
export interface StreamPart {
  readonly stream: string;
  readonly batches: PutBatch[];
  readonly positions: PositionUpdate[];
}

interface OpenPart {
  readonly positions: readonly PositionUpdate[];
  open: number;
  /** Of the open ones: in channels that keep them elsewhere. */
  openElsewhere: number;
}

export class LatePositions {
  /** Opens when a stream's positions have moved. */
  readonly moved = new Gate();
  private readonly parts = new Map<string, OpenPart[]>();
  /** Opens when a channel that keeps its batches elsewhere has all of a part. */
  private readonly passed = new Gate();

  constructor(
    private readonly channel: (name: string) => Channel,
    /** Positions that may be stored now. */
    private readonly onMoved: (positions: readonly PositionUpdate[]) => void,
  ) {}

  /** Puts a part into its channels. */
  put({ stream, batches, positions }: StreamPart): void {
    const part: OpenPart = { positions, open: batches.length, openElsewhere: 0 };
    const queue = this.parts.get(stream) ?? [];
    this.parts.set(stream, queue);
    queue.push(part);
    for (const [name, own] of Map.groupBy(batches, ({ lane }) => lane.channel)) {
      const channel = this.channel(name);
      invariant(channel.keeping !== "store", `put into channel "${name}": the agent's file keeps its batches`);
      const isElsewhere = channel.keeping === "elsewhere";
      if (isElsewhere) part.openElsewhere += own.length;
      channel.put(own, () => {
        part.open--;
        if (isElsewhere && --part.openElsewhere === 0) this.passed.open();
        this.move(queue);
      });
    }
    this.move(queue);
  }

  /** What was put of this stream until now moves no position any more: its source reads it again. */
  forget(stream: string): void {
    this.parts.get(stream)?.splice(0);
  }

  /**
   * Resolves with true when channels that keep their batches elsewhere have all that was put of this stream until now; with false
   * when the signal aborts before.
   */
  async passedOn(stream: string, signal: AbortSignal): Promise<boolean> {
    const waiting = (this.parts.get(stream) ?? []).filter(({ openElsewhere }) => openElsewhere > 0);
    while (waiting.some(({ openElsewhere }) => openElsewhere > 0)) {
      if (signal.aborted) return false;
      await this.passed.wait(signal);
    }
    return true;
  }

  /** Whether something of this stream has not ended yet. */
  isWaiting(stream: string): boolean {
    return (this.parts.get(stream)?.length ?? 0) > 0;
  }

  private move(queue: OpenPart[]): void {
    const moved: PositionUpdate[] = [];
    let ended = 0;
    while (queue[ended]?.open === 0) for (const position of queue[ended++]?.positions ?? []) moved.push(position);
    if (ended === 0) return;
    queue.splice(0, ended);
    if (moved.length > 0) this.onMoved(moved);
    this.moved.open();
  }
}
