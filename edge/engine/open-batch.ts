import { RecordBatchBuilder } from "../../shared/kafka/record-batch/builder.ts";
import { SIGNATURE_BYTES } from "../../shared/kafka/record-batch/signature.ts";
import type { ChannelSettings } from "../core/channel.ts";
import type { EventView } from "../core/event-view.ts";
import type { Lane } from "../core/lane.ts";
import { limits } from "../core/limits.ts";
import type { CarriedBatch } from "../core/source.ts";
import { splitBatch } from "../core/split-batch.ts";
import type { PutBatch } from "../core/stored-batch.ts";

/**
 * What the open batches of all lanes of a stream may hold together, before compression. A single lane builds the largest
 * batches there may be; with more lanes each builds smaller ones, so that memory does not grow with their number.
 */
export class OpenShare {
  /** What one of them may hold. */
  bytes: number = limits.openBytesMax;
  private lanes = 0;

  /** So many lanes more build batches, or fewer. */
  change(by: number): void {
    this.lanes += by;
    this.bytes = Math.max(limits.openBytesMin, limits.openBytesMax / Math.max(1, this.lanes));
  }
}

/** What an open batch is made with. */
export interface OpenBatchOptions {
  readonly lane: Lane;
  readonly agent: string;
  readonly settings: ChannelSettings;
  /** The number of the lane's next event. */
  readonly nextSeq: number;
  readonly share: OpenShare;
}

/**
 * The batches of one lane that are not yet committed: the one being built, and those that were full before the commit
 * came. Numbers are given here, one a record, without a hole.
 *
 * A batch is full when it would be half as large as it may be, if it compresses as the one before it did: the fewer, the
 * less they cost at every stage behind. Should it come out larger than it may be, because other lines came, it is cut.
 */
export class OpenBatch {
  private readonly builder: RecordBatchBuilder;
  private readonly batchBytesMax: number;
  /** Uncompressed bytes that fill a batch, by how the last one compressed. */
  private fullBytes: number;
  private full: PutBatch[] = [];
  private nextSeq: number;
  /** Uncompressed bytes of everything that waits here. */
  pendingBytes = 0;

  readonly lane: Lane;
  private readonly share: OpenShare;

  constructor({ lane, agent, settings, nextSeq, share }: OpenBatchOptions) {
    this.lane = lane;
    this.share = share;
    share.change(1);
    this.builder = new RecordBatchBuilder({
      compression: settings.compression,
      identity: settings.identity ? { agent, epoch: lane.epoch, stream: lane.stream, lane: lane.number } : undefined,
    });
    this.batchBytesMax = Math.min(settings.batchBytesMax, limits.batchBytesMax);
    this.fullBytes = this.batchBytesMax;
    this.nextSeq = nextSeq;
  }

  /** Copies the event in; answers by how many bytes the pending work grew. */
  append(view: EventView): number {
    const builder = this.builder;
    if (builder.count > 0) {
      const next = builder.bytes + (view.end - view.start) + limits.keyBytesMax;
      if (next > this.fullBytes || next > this.share.bytes || builder.count >= limits.batchRecordsMax) this.sealOpen();
    }
    if (builder.count === 0) builder.begin(this.nextSeq);
    const before = builder.bytes;
    builder.append(view);
    this.nextSeq++;
    const grown = builder.bytes - before;
    this.pendingBytes += grown;
    return grown;
  }

  /** Another agent's batch, as it is; answers by how many bytes the pending work grew. */
  carry({ bytes, recordsCrc, count, timeMsMin, timeMsMax, carried }: CarriedBatch): number {
    const batch = { bytes, recordsCrc, count, timeMsMin, timeMsMax, carried };
    const put = { ...batch, lane: this.lane, kind: "records" as const, first: this.nextSeq };
    // By the largest bound there is: cutting costs, and takes the sender's signature away.
    if (batch.bytes.length <= limits.batchBytesMax + SIGNATURE_BYTES) this.full.push(put);
    else this.pushCut(put);
    this.nextSeq += batch.count;
    this.pendingBytes += batch.bytes.length;
    return batch.bytes.length;
  }

  /** Seals what is open and hands over everything that waits, in order. */
  take(into: PutBatch[]): void {
    if (this.builder.count > 0) this.sealOpen();
    for (const batch of this.full) into.push(batch);
    this.full = [];
    this.pendingBytes = 0;
  }

  private sealOpen(): void {
    const uncompressedBytes = this.builder.bytes;
    const { bytes, recordsCrc, count, timeMsMin, timeMsMax } = this.builder.seal();
    const first = this.nextSeq - count;
    const batch = { lane: this.lane, kind: "records" as const, first, count, timeMsMin, timeMsMax, recordsCrc, bytes };
    // One that did not grow is as large as it may be, even if header and codec added a little.
    if (uncompressedBytes <= this.batchBytesMax) this.full.push(batch);
    else this.pushCut(batch);
    this.builder.trim(this.share.bytes);
    const halfFull = (this.batchBytesMax / 2) * (uncompressedBytes / bytes.length);
    this.fullBytes = Math.min(Math.max(halfFull, this.batchBytesMax), this.batchBytesMax * limits.batchGrowthMax);
  }

  private pushCut(batch: PutBatch): void {
    if (batch.bytes.length <= this.batchBytesMax || batch.count === 1) this.full.push(batch);
    else for (const part of splitBatch(batch)) this.pushCut(part);
  }
}
