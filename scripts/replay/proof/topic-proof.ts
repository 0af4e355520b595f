import { readTopic, type TopicRecord } from "../../drivers/kafka/topic.ts";
import type { Tally } from "./tally.ts";

/** What the topic holds besides the lines that the tallies took. */
export interface TopicReading {
  /** Records, markers included. */
  readonly records: number;
  /** Markers: how many lines each reason has taken by policy, as the topic tells it. */
  readonly shed: Readonly<Record<string, number>>;
  /** Numbers of a lane that were jumped over, or came again: the identity headers of each lane must go 0, 1, 2, … */
  readonly holes: readonly string[];
  /** Partitions that hold something. */
  readonly partitions: number;
}

/** `agent/epoch/stream.lane/first-last!reason@time`; written down here once more, independently of the product. */
const identity = /(?:^|,)tg=([\w-]+\/[\w-]+\/[\w-]+\.\d+)\/(\d+)(?:-(\d+)!(\w+))?@-?\d+(?:,|$)/;

/**
 * Reads the whole topic with kcat, CRCs checked, and gives each record to the tally that knows it. Order is told
 * within a partition. Records without an identity header (a channel with `identity: false`) leave out the check for holes.
 */
export async function readBack(address: string, topic: string, ...tallies: readonly Tally[]): Promise<TopicReading> {
  const shed: Record<string, number> = {};
  const next = new Map<string, number>();
  const holes: string[] = [];
  const partitions = new Set<number>();
  const records = await readTopic(address, topic, (record) => {
    partitions.add(record.partition);
    const mark = identity.exec(record.headers);
    if (mark !== null) {
      const [, lane = "", firstText, lastText, reason] = mark;
      const first = Number(firstText);
      const last = lastText === undefined ? first : Number(lastText);
      const expected = next.get(lane) ?? 0;
      if (first !== expected) holes.push(`${lane}: ${expected} expected, ${first} came (offset ${record.offset})`);
      next.set(lane, last + 1);
      if (reason !== undefined) {
        shed[reason] = (shed[reason] ?? 0) + last - first + 1;
        return;
      }
    }
    give(record, tallies);
  });
  return { records, shed, holes, partitions: partitions.size };
}

function give({ value, partition }: TopicRecord, tallies: readonly Tally[]): void {
  if (value !== null && tallies.some((tally) => tally.add(value, partition))) return;
  tallies[0]?.addForeign();
}
