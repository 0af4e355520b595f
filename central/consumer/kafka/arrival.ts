import { outputBytesMax } from "../../../shared/compression/decompress-bounded.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { FetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import type { BatchFrame } from "../../../shared/kafka/record-batch/frames.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import type { DamagedRange } from "../../records/partition.ts";
import type { RecordBlock } from "../../records/record-block.ts";
import type { Arrival } from "../consumer.ts";
import { batchSender } from "./batch-sender.ts";
import { sortFrames } from "./committed.ts";
import { decodeBatch } from "./decode-batch.ts";

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

/** Makes arrivals of fetched bytes. Remembers batches that could not be read, to tell a bad disk from a bad wire. */
export class ArrivalBuilder {
  private readonly unreadable = new Map<string, { offset: number; tries: number }>();

  /** `keys`: whose signatures are believed; undefined: signatures are not looked at. */
  constructor(private readonly keys?: () => KeyList) {}

  /** Undefined: the first batch cannot be read and is worth another fetch. */
  build(raw: FetchedPartition): Arrival | undefined {
    const first = raw.frames[0];
    const last = raw.frames.at(-1);
    if (first === undefined || last === undefined) return nothingUntilLogStart(raw);
    const blocks: RecordBlock[] = [];
    const damaged: DamagedRange[] = [];
    let nextOffset = last.lastOffset + 1;
    let decodedBytes = 0;
    const { committed, hidden } = sortFrames(raw.frames, raw.aborted);
    for (const frame of committed) {
      if (decodedBytes > outputBytesMax) {
        // A few KiB can hold much: what is left is fetched again.
        nextOffset = frame.baseOffset;
        break;
      }
      try {
        const block = this.decode(frame);
        decodedBytes += block.bytes.length;
        blocks.push(block);
      } catch (thrown) {
        if (this.worthAnotherTry(raw, frame.baseOffset)) {
          nextOffset = frame.baseOffset;
          break;
        }
        const { baseOffset: firstOffset, lastOffset, bytes } = frame;
        damaged.push({ firstOffset, lastOffset, bytes, reason: messageOf(thrown) });
      }
    }
    if (nextOffset <= first.baseOffset) return undefined;
    const { topic, partition, endOffset, logStartOffset } = raw;
    return {
      topic,
      partition,
      blocks,
      damaged,
      hidden: hidden.map(({ baseOffset: firstOffset, lastOffset }) => ({ firstOffset, lastOffset })),
      firstOffset: first.baseOffset,
      nextOffset,
      endOffset,
      logStartOffset,
    };
  }

  private decode(frame: BatchFrame): RecordBlock {
    const block = decodeBatch(frame);
    return this.keys === undefined ? block : { ...block, sender: batchSender(frame.bytes, block, this.keys()) };
  }

  private worthAnotherTry({ topic, partition }: FetchedPartition, offset: number): boolean {
    const key = `${topic}/${partition}`;
    const seen = this.unreadable.get(key);
    const tries = seen?.offset === offset ? seen.tries + 1 : 1;
    if (tries < triesMax) this.unreadable.set(key, { offset, tries });
    else this.unreadable.delete(key);
    return tries < triesMax;
  }
}
