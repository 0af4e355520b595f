/**
 * Notices a partition that stands still: the broker says that there is something to read, nothing holds us up, and
 * nothing comes. Whatever the reason may be (records in a form that nobody here reads, a fault of the client, of ours),
 * it must not look like an idle topic.
 */

/** No healthy partition takes this long to bring its next records. */
export const stallMs = 30_000;
/** An older word accuses nobody: fetches are answered twice a second, and without answers Kafka is away. */
const wordMsMax = 5_000;

interface Reading {
  /** Where reading goes on; -1: at the log's start, wherever that is. */
  next: number;
  movedMs: number;
  /** When a broker said last that there is more to read. */
  moreMs: number;
}

export class StallWatch {
  private readonly readings = new Map<string, Reading>();

  /** The group was joined anew: nothing is read until `moved` says where. */
  clear(): void {
    this.readings.clear();
  }

  /** Reading goes on at this offset. */
  moved(key: string, next: number, nowMs: number): void {
    this.readings.set(key, { next, movedMs: nowMs, moreMs: Number.NEGATIVE_INFINITY });
  }

  /** Something holds up all of them (an arrival being stored, a store that is away): their time begins anew. */
  held(nowMs: number): void {
    for (const reading of this.readings.values()) reading.movedMs = nowMs;
  }

  /** The broker's word on a partition. With nothing to read, standing still is no stall. */
  seen(key: string, highWatermark: number, logStartOffset: number, nowMs: number): void {
    const reading = this.readings.get(key);
    if (reading === undefined) return;
    const next = Math.max(reading.next, logStartOffset);
    if (highWatermark <= next) reading.movedMs = nowMs;
    reading.moreMs = highWatermark <= next ? Number.NEGATIVE_INFINITY : nowMs;
  }

  /** The log begins after the place where reading goes on: what was to be read is gone. */
  isOutrun(key: string, logStartOffset: number): boolean {
    const next = this.readings.get(key)?.next ?? -1;
    return next >= 0 && next < logStartOffset;
  }

  /** For how long it has stood still, when that is too long; else 0. */
  stalledForMs(key: string, nowMs: number): number {
    const reading = this.readings.get(key);
    if (reading === undefined || nowMs - reading.moreMs > wordMsMax) return 0;
    const forMs = nowMs - reading.movedMs;
    return forMs >= stallMs ? forMs : 0;
  }
}
