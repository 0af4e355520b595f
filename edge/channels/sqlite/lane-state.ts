import type { Lane } from "../../core/lane.ts";
import type { LaneRow } from "./connection.ts";
import type { DatabaseConnection } from "./driver.ts";
import { endOf, type HeldBatch } from "./held-batch.ts";
import { newProgress, type Progress, parseProgress } from "./progress.ts";

/** Bytes of batches that all lanes together hold in memory. */
export interface RecentBudget {
  bytes: number;
  /** Of those that were read ahead. */
  aheadBytes: number;
}

/** What all lanes together read ahead; one batch always may. */
const aheadBytesMax = 1024 * 1024;

/** A lane as the running process knows it. Memory: its progress, and the batches that were put last. */
export class LaneState {
  /** Progress changed since it was written last (an acknowledgement, a counter). */
  dirty = false;
  /** Numbers below this one were handed out: they may be on the wire, policy leaves them alone. */
  taken = 0;
  /** Numbers below this one may have been sent by the process before this one; undefined: it crashed, not looked up yet. */
  sentBefore: number | undefined;
  /** Rows below `progress.kept` that are still in the file, about. */
  garbage = 0;
  /** Batches that were just put, in order and without a hole, up to the newest one: the steady state reads no file. */
  readonly recent: HeldBatch[] = [];
  readonly seqAtStart: number;
  readonly ackedAtStart: number;
  /** The batch behind the one that is under way, when it had to be read from the file. */
  private ahead: HeldBatch | undefined;

  constructor(
    readonly lane: Lane,
    public progress: Progress,
    /** Whether the lane has its row in the file. */
    public stored: boolean,
    private readonly budget: RecentBudget,
  ) {
    this.seqAtStart = progress.next;
    this.ackedAtStart = progress.acked;
  }

  /** The batch in memory that begins at this number. */
  recentAt(first: number): HeldBatch | undefined {
    if (this.ahead?.first === first) return this.ahead;
    const head = this.recent[0];
    if (head === undefined || head.first > first) return undefined;
    if (head.first === first) return head;
    return this.recent.find((batch) => batch.first === first);
  }

  /** Holds a batch that was just put in memory. */
  remember(batch: HeldBatch): void {
    this.recent.push(batch);
    this.budget.bytes += batch.bytes.length;
  }

  /** Whether a batch of this size may be read ahead. */
  hasRoomAhead(bytes: number): boolean {
    const { aheadBytes } = this.budget;
    return this.ahead === undefined && (aheadBytes === 0 || aheadBytes + bytes <= aheadBytesMax);
  }

  /** Holds a batch that was read ahead in memory. */
  rememberAhead(batch: HeldBatch): void {
    this.ahead = batch;
    this.budget.aheadBytes += batch.bytes.length;
  }

  /** Lets go of the batches in memory that begin below `end`. */
  forgetBelow(end: number): void {
    if (this.ahead !== undefined && this.ahead.first < end) {
      this.budget.aheadBytes -= this.ahead.bytes.length;
      this.ahead = undefined;
    }
    for (let head = this.recent[0]; head !== undefined && head.first < end; head = this.recent[0]) {
      this.budget.bytes -= head.bytes.length;
      this.recent.shift();
    }
  }

  /** The first number that policy may shed, as far as this process knows. */
  get sheddableFrom(): number {
    return Math.max(this.taken, this.progress.acked, this.sentBefore ?? 0);
  }
}

/** From its row. The columns have the names that they were born with: `topic` is the group, `partition` the part of it. */
export function laneOf(row: LaneRow): Lane {
  const { id, channel, stream, epoch, number, topic, partition, partitions, generation } = row;
  const lane = {
    id,
    channel,
    stream,
    epoch,
    number,
    group: topic,
    part:
      partition === null || partitions === null || generation === null
        ? undefined
        : { index: partition, parts: partitions, generation },
  };
  return row.carries === 1 ? { ...lane, carries: true } : lane;
}

/** Its row. */
export function rowOfLane(lane: Lane): LaneRow {
  const { id, channel, stream, epoch, number, group, part, carries = false } = lane;
  return {
    id,
    channel,
    stream,
    epoch,
    number,
    topic: group,
    partition: part?.index ?? null,
    partitions: part?.parts ?? null,
    generation: part?.generation ?? null,
    carries: carries ? 1 : 0,
  };
}

/** Whether the next batch of a lane would leave a hole. */
export function follows(progress: Progress, batch: { readonly first: number; readonly count: number }): boolean {
  return batch.first === progress.next && endOf(batch) > batch.first;
}

/** A lane as the file has it. */
export interface StoredLane {
  readonly lane: Lane;
  readonly progress: Progress;
}

/** All lanes of a file, in the order they were made. */
export function readLanes(db: DatabaseConnection): StoredLane[] {
  const texts = db.prepare<[], { name: string; value: string }>("SELECT name, value FROM state WHERE what = 'lane'");
  const progressOf = new Map(texts.all().map(({ name, value }) => [name, value]));
  const rows = db.prepare<[], LaneRow>("SELECT * FROM lane ORDER BY id").all();
  return rows.map((row) => {
    const text = progressOf.get(String(row.id));
    return { lane: laneOf(row), progress: text === undefined ? newProgress() : parseProgress(text) };
  });
}
