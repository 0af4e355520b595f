/** One turn of reading: some of each partition, so that none waits for another one's backlog. */
import type { Report } from "../../shared/telemetry/log.ts";
import type { TopicPartition } from "../records/partition.ts";
import type { FeedPart } from "../replay/feed.ts";
import type { Batch } from "./batch.ts";
import { rowOf } from "./row.ts";
import type { LakeReading } from "./source.ts";
import { lakeRecordsDamaged, lakeRecordsGone, lakeTopicAnew } from "./telemetry.ts";

/** Answers of the broker for one partition in one turn. */
const answersPerTurn = 4;

/** What a turn has seen. */
export interface ReadTurn {
  /** Records that can be read and are not in the batch. */
  readonly lag: number;
  readonly gone: number;
  readonly damaged: number;
}

/** Ends early when the batch is full. @throws AppError when Kafka does not answer; what was read until then is in the batch. */
export async function readInto(batch: Batch, source: LakeReading, report: Report): Promise<ReadTurn> {
  const { partitions, ids } = await source.look();
  for (const [topic, id] of ids) if (batch.positions.identify(topic, id)) report(lakeTopicAnew, { topic, id });
  let [lag, gone, damaged] = [0, 0, 0];
  for (const at of partitions) {
    let range = await source.range(at, batch.positions);
    if (source.isCut(at, range)) {
      report(lakeTopicAnew, { ...at, position: range.next, end: range.end });
      // Of the same topic the log was cut; where nobody knows, it counts as another one.
      batch.moved(at, ids.has(at.topic) ? range.end : 0, 0);
    }
    for (let answers = 0; answers < answersPerTurn && range.next < range.end && !batch.isFull; answers++) {
      const part = await source.read(at, range);
      if (part === undefined) break;
      put(part, at, batch);
      range = { ...range, next: part.next };
      if (part.gone !== undefined) {
        const { firstOffset, lastOffset } = part.gone;
        gone += lastOffset - firstOffset + 1;
        report(lakeRecordsGone, { ...at, firstOffset, lastOffset });
      }
      for (const { firstOffset, lastOffset, reason } of part.damaged) {
        damaged += lastOffset - firstOffset + 1;
        report(lakeRecordsDamaged, { ...at, firstOffset, lastOffset, reason });
      }
    }
    lag += Math.max(0, range.end - range.next);
  }
  return { lag, gone, damaged };
}

function put({ slices, next, read }: FeedPart, at: TopicPartition, batch: Batch): void {
  for (const { block, from, to } of slices) {
    for (let index = from; index < to; index++) batch.put(rowOf(block, index, at));
  }
  batch.moved(at, next, read);
}
