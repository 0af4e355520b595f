import { outputBytesMax } from "../../../shared/compression/decompress-bounded.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { FetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import type { BatchFrame } from "../../../shared/kafka/record-batch/frames.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import { type BatchSender, unchecked } from "../../records/batch-sender.ts";
import { type DamagedRange, type OffsetRange, partitionName, type TopicPartition } from "../../records/partition.ts";
import type { RecordBlock } from "../../records/record-block.ts";
import type { Arrival } from "../consumer.ts";
import type { BatchGate } from "./batch-gate.ts";
import { batchSender } from "./batch-sender.ts";
import { sortFrames } from "./committed.ts";
import { decodeBlocks } from "./decode-batch.ts";

/** How often a batch is fetched again before it counts as damaged where it lies, not on its way to us. */
const triesMax = 3;

/** Of an answer without records that was handed out: before the log's start nothing is left to read. */
function nothingUntilLogStart({ topic, partition, endOffset, logStartOffset }: FetchedPartition): Arrival | undefined {
  if (logStartOffset === undefined) return undefined;
  const nothing = { blocks: [], damaged: [], hidden: [] };
  return {
    topic,
    partition,
    ...nothing,
    firstOffset: logStartOffset,
    nextOffset: logStartOffset,
    endOffset,
    logStartOffset,
  };
}

/** How much one arrival holds at least, where there is so much: it ends with the block that goes beyond. */
export interface ArrivalSize {
  readonly records: number;
  /** Decompressed. */
  readonly bytes: number;
}

const wholeFetch: ArrivalSize = { records: Number.MAX_SAFE_INTEGER, bytes: outputBytesMax };
/** What an honest fetch brings fills some transactions; what was made to cost much is read a few milliseconds at a time. */
const oneTransaction: ArrivalSize = { records: 25_000, bytes: 16 * 1024 * 1024 };
/** A batch that is not read costs the check of its signature: as long as so many records take, and its bytes to hash. */
const unreadRecords = 500;
const unreadBytesFactor = 4;
const noBytes = Buffer.alloc(0);

/** The arrival that is being made. */
class Piece {
  private blocks: RecordBlock[] = [];
  private damaged: DamagedRange[] = [];
  private hidden: OffsetRange[] = [];
  private records = 0;
  private bytes = 0;
  private lastBytes: Buffer | undefined;
  nextOffset: number;

  constructor(
    readonly at: FetchedPartition,
    /** Where it begins: after the one before. */
    public firstOffset: number,
  ) {
    this.nextOffset = firstOffset;
  }

  holds(size: ArrivalSize): boolean {
    return this.records >= size.records || this.bytes > size.bytes;
  }

  add(block: RecordBlock, nextOffset: number): void {
    this.blocks.push(block);
    this.records += block.count;
    if (block.bytes !== this.lastBytes) this.bytes += block.bytes.length;
    this.lastBytes = block.bytes;
    this.nextOffset = nextOffset;
  }

  hide({ baseOffset: firstOffset, lastOffset }: BatchFrame): void {
    this.hidden.push({ firstOffset, lastOffset });
  }

  damage({ baseOffset, lastOffset, bytes }: BatchFrame, reason: string): void {
    this.damaged.push({ firstOffset: Math.max(baseOffset, this.nextOffset), lastOffset, bytes, reason });
  }

  /** A flood of such batches is one range. */
  leaveUnread({ baseOffset: firstOffset, lastOffset, bytes }: BatchFrame, reason: string): void {
    this.records += unreadRecords;
    this.bytes += bytes.length * unreadBytesFactor;
    const before = this.damaged.at(-1);
    if (before?.reason === reason && before.lastOffset + 1 === firstOffset && before.bytes.length === 0) {
      this.damaged[this.damaged.length - 1] = { ...before, lastOffset };
    } else this.damaged.push({ firstOffset, lastOffset, bytes: noBytes, reason });
  }

  /** The arrival, and begins the next one. */
  take(): Arrival {
    const { topic, partition, endOffset, logStartOffset } = this.at;
    const { blocks, damaged, hidden, firstOffset, nextOffset } = this;
    this.blocks = [];
    this.damaged = [];
    this.hidden = [];
    this.records = 0;
    this.bytes = 0;
    this.firstOffset = nextOffset;
    return { topic, partition, blocks, damaged, hidden, firstOffset, nextOffset, endOffset, logStartOffset };
  }
}

/** Makes arrivals of fetched bytes. Remembers batches that could not be read, to tell a bad disk from a bad wire. */
export class ArrivalBuilder {
  private readonly unreadable = new Map<string, { offset: number; tries: number }>();

  /** `keys`: whose signatures are believed; undefined: signatures are not looked at. `gate`: what is not read at all. */
  constructor(
    private readonly keys?: () => KeyList,
    private readonly gate?: BatchGate,
  ) {}

  /** All of it, as far as it fits into memory. Undefined: the first batch cannot be read and is worth another fetch. */
  build(raw: FetchedPartition): Arrival | undefined {
    for (const arrival of this.arrivals(raw, 0, wholeFetch)) return arrival;
    return undefined;
  }

  /**
   * The same in pieces, each made when it is asked for: what is left of a fetch costs the memory of its compressed bytes.
   * `from`: what was asked for; blocks before it are left out. Ends early at a batch that is worth another fetch.
   */
  *arrivals(raw: FetchedPartition, from: number, most: ArrivalSize = oneTransaction): Generator<Arrival, void> {
    const [first] = raw.frames;
    if (first === undefined) {
      const nothing = nothingUntilLogStart(raw);
      if (nothing !== undefined) yield nothing;
      return;
    }
    const hidden = new Set(sortFrames(raw.frames, raw.aborted).hidden);
    const piece = new Piece(raw, first.baseOffset);
    for (const frame of raw.frames) {
      if (piece.holds(most)) yield piece.take();
      const unread = hidden.has(frame) ? undefined : this.gate?.refusal(frame.bytes);
      if (hidden.has(frame)) piece.hide(frame);
      else if (unread !== undefined) piece.leaveUnread(frame, unread);
      else if (!(yield* this.read(frame, piece, from, most))) break;
      piece.nextOffset = frame.lastOffset + 1;
    }
    if (piece.nextOffset > piece.firstOffset) yield piece.take();
  }

  /** False: it cannot be read and is worth another fetch. */
  private *read(frame: BatchFrame, piece: Piece, from: number, most: ArrivalSize): Generator<Arrival, boolean> {
    let sender: BatchSender | undefined;
    try {
      for (const block of decodeBlocks(frame, most.records)) {
        if (piece.holds(most)) yield piece.take();
        sender ??= this.keys === undefined ? unchecked : batchSender(frame.bytes, block, this.keys());
        const last = block.offsets.at(-1) ?? frame.lastOffset;
        if (last >= from) piece.add({ ...block, sender }, last + 1);
      }
    } catch (thrown) {
      // What could be read in part came as it lies in the log.
      if (sender === undefined && this.worthAnotherTry(piece.at, frame.baseOffset)) return false;
      piece.damage(frame, messageOf(thrown));
    }
    return true;
  }

  private worthAnotherTry(at: TopicPartition, offset: number): boolean {
    const key = partitionName(at);
    const seen = this.unreadable.get(key);
    const tries = seen?.offset === offset ? seen.tries + 1 : 1;
    if (tries < triesMax) this.unreadable.set(key, { offset, tries });
    else this.unreadable.delete(key);
    return tries < triesMax;
  }
}
