import { RecordBatchBuilder } from "../../shared/record-batch/builder.ts";
import type { ChannelSettings } from "../core/channel.ts";
import type { EventView } from "../core/event-view.ts";
import type { Lane } from "../core/lane.ts";
import { limits } from "../core/limits.ts";
import type { PutBatch } from "../core/stored-batch.ts";

/**
 * The batches of one lane that are not yet committed: the one being built, and those that were full before the commit
 * came. Numbers are given here, one a record, without a hole.
 */
export class OpenBatch {
  private readonly builder: RecordBatchBuilder;
  private readonly batchBytesMax: number;
  private full: PutBatch[] = [];
  private nextSeq: number;
  /** Uncompressed bytes of everything that waits here. */
  pendingBytes = 0;

  constructor(
    readonly lane: Lane,
    agent: string,
    settings: ChannelSettings,
    nextSeq: number,
  ) {
    this.builder = new RecordBatchBuilder({
      compression: settings.compression,
      identity: settings.identity ? { agent, epoch: lane.epoch, stream: lane.stream, lane: lane.number } : undefined,
    });
    this.batchBytesMax = Math.min(settings.batchBytesMax, limits.batchBytesMax);
    this.nextSeq = nextSeq;
  }

  /** Copies the event in; answers by how many bytes the pending work grew. */
  append(view: EventView): number {
    const builder = this.builder;
    if (builder.count > 0) {
      const next = builder.bytes + (view.end - view.start) + limits.keyBytesMax;
      if (next > this.batchBytesMax || builder.count >= limits.batchRecordsMax) this.sealOpen();
    }
    if (builder.count === 0) builder.begin(this.nextSeq);
    const before = builder.bytes;
    builder.append(view.buffer, view.start, view.end, view.eventTimeMs, view.key, view);
    this.nextSeq++;
    const grown = builder.bytes - before;
    this.pendingBytes += grown;
    return grown;
  }

  /** Seals what is open and hands over everything that waits, in order. */
  take(into: PutBatch[]): void {
    if (this.builder.count > 0) this.sealOpen();
    for (const batch of this.full) into.push(batch);
    this.full = [];
    this.pendingBytes = 0;
  }

  private sealOpen(): void {
    const { bytes, recordsCrc, count, timeMsMin, timeMsMax } = this.builder.seal();
    const first = this.nextSeq - count;
    this.full.push({ lane: this.lane, kind: "records", first, count, timeMsMin, timeMsMax, recordsCrc, bytes });
  }
}
