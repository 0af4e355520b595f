/**
 * A replay into another topic: each transaction holds records, in the order of time over all partitions, and how far the job is with
 * each partition. Killed at any moment, it goes on from what the last committed transaction says.
 */
import { z } from "zod";
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { partitionOfKey } from "../../shared/kafka/murmur2.ts";
import type { ReplayCounts } from "../store/replay-port.ts";
import { codes } from "./codes.ts";
import { type CopiedRecord, copyRecord } from "./copy-batch.ts";
import type { Feed } from "./feed.ts";
import type { JobRun } from "./job-run.ts";
import type { Cluster } from "./kafka/cluster.ts";
import { TransactionWriter } from "./kafka/transaction-writer.ts";
import { Pace } from "./pace.ts";
import { PartitionQueue } from "./queue.ts";
import type { RecordRate } from "./rate-limit.ts";
import { takeDue } from "./take-due.ts";

/** Of one transaction. */
const recordsMax = 5_000;
/** A paced job looks so often for what is due. */
const tickMs = 100;

/** What it stands on. */
export interface IntoTopicTools {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly limit: RecordRate;
  readonly feed: (index: number) => Feed;
}

const count = z.int().min(0);
const Counts = z.strictObject({
  read: count,
  matched: count,
  stored: count,
  restored: count,
  repeated: count,
  conflicts: count,
  refused: count,
  suppressed: count,
  produced: count,
});

/** A partition of the job, and its queue. */
interface Lane {
  readonly index: number;
  readonly queue: PartitionQueue;
}

/** Where it goes, and how fast. */
export interface TopicTarget {
  readonly topic: string;
  readonly speed?: number | undefined;
}

/** True: all is done; false: paused, cancelled, or told to stop. */
export async function intoTopic(run: JobRun, target: TopicTarget, tools: IntoTopicTools): Promise<boolean> {
  const count = await prepareTarget(run, target.topic, tools.cluster);
  const writer = new TransactionWriter(tools.cluster, `tailgate-replay-${run.job.uid}`, target.topic, run.signal);
  for (const committed of await writer.begin()) takeOver(run, committed);
  const lanes = run.open().map((index) => {
    const { topic, partition, next, until } = run.at(index);
    return { index, queue: new PartitionQueue({ topic, partition }, { next, until }, tools.feed(index)) };
  });
  const pace = new Pace(target.speed, tools.clock);
  if (!(await run.save())) return false;
  for (;;) {
    const open = lanes.filter(({ queue }) => !queue.isDone);
    for (const { queue } of open) {
      if (run.signal.aborted) return false;
      const news = await queue.fill();
      if (news?.gone !== undefined) run.lost({ ...queue.partition, ...news.gone, certain: true });
      for (const { firstOffset, lastOffset, reason } of news?.damaged ?? []) {
        const { topic, partition } = queue.partition;
        run.note(`Not copied: offsets ${firstOffset} to ${lastOffset} of ${topic}-${partition}: ${reason}.`);
      }
    }
    const isReady = open.every(({ queue }) => queue.head !== undefined || queue.isDone);
    if (isReady) begin(pace, open);
    const taken = await take(lanes, pace, tools.limit, run.signal);
    if (run.signal.aborted) return false;
    if (taken.size > 0) await write(run, taken, count, writer);
    for (const { index, queue } of lanes) {
      const before = run.at(index);
      const read = queue.takeUnread();
      if (queue.next > before.next || read > 0) {
        run.moved(index, { ...before, next: queue.next, counts: run.count(index, { read }) });
      }
    }
    run.waits(undefined);
    if (!(await run.save())) return false;
    if (lanes.every(({ queue }) => queue.isDone)) return true;
    if (target.speed !== undefined) await sleep(tickMs, run.signal);
  }
}

/** The earliest of the records that come first. */
function begin(pace: Pace, lanes: readonly Lane[]): void {
  const times = lanes.flatMap(({ queue }) => queue.head?.timeMs ?? []);
  if (times.length > 0) pace.begin(Math.min(...times));
}

async function take(
  lanes: readonly Lane[],
  pace: Pace,
  limit: RecordRate,
  signal: AbortSignal,
): Promise<ReadonlyMap<Lane, readonly CopiedRecord[]>> {
  const dueMs = pace.dueMs();
  const taken = new Map<Lane, CopiedRecord[]>();
  if (!lanes.some(({ queue }) => (queue.head?.timeMs ?? Number.POSITIVE_INFINITY) <= dueMs)) return taken;
  const allowed = await limit.take(recordsMax, signal);
  let count = 0;
  for (const { lane, record } of takeDue(lanes, dueMs, allowed)) {
    const records = taken.get(lane) ?? [];
    records.push(copyRecord(record.slice.block, record.index));
    taken.set(lane, records);
    count++;
  }
  limit.giveBack(allowed - count);
  return taken;
}

async function write(
  run: JobRun,
  taken: ReadonlyMap<Lane, readonly CopiedRecord[]>,
  targetPartitions: number,
  writer: TransactionWriter,
): Promise<void> {
  const byTarget = new Map<number, CopiedRecord[]>();
  const offsets = [...taken].map(([{ index, queue }, records]) => {
    const { topic, partition } = queue.partition;
    for (const record of records) {
      const to = targetOf(record, partition, run, targetPartitions);
      const list = byTarget.get(to) ?? [];
      list.push(record);
      byTarget.set(to, list);
    }
    const more = { read: records.length, matched: records.length, produced: records.length };
    const counts = run.count(index, more);
    run.moved(index, { ...run.at(index), next: queue.next, counts });
    return { topic, partition, offset: queue.next, metadata: JSON.stringify(counts) };
  });
  const copies = [...byTarget].map(([partition, records]) => ({ partition, records }));
  await writer.transact(copies, offsets);
}

/** The same partition where both topics have as many; else where Kafka's own clients put the key. */
function targetOf({ key }: CopiedRecord, partition: number, run: JobRun, targets: number): number {
  const sources = Math.max(0, ...run.partitions.map((one) => one.partition + 1));
  if (sources === targets || key === undefined) return partition % targets;
  return partitionOfKey(key, targets);
}

/** What the group has committed is where the job is, whatever the store knew of it. */
function takeOver(
  run: JobRun,
  { topic, partition, offset, metadata }: { topic: string; partition: number; offset: number; metadata: string },
): void {
  const index = run.partitions.findIndex((one) => one.topic === topic && one.partition === partition);
  if (index < 0 || offset <= run.at(index).next) return;
  run.moved(index, { ...run.at(index), next: offset, counts: readCounts(metadata) ?? run.at(index).counts });
}

/** Undefined: it is not what we write. Nobody keeps others from committing to the group. */
function readCounts(text: string): ReplayCounts | undefined {
  try {
    const read = Counts.safeParse(JSON.parse(text));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}

/** Returns how many partitions it has; makes it when there is none. */
async function prepareTarget(run: JobRun, topic: string, cluster: Cluster): Promise<number> {
  const count = await cluster.partitions(topic);
  if (count !== undefined) {
    const { settings } = await cluster.link.describeConfigs(topic);
    if (settings.get("message.timestamp.type") === "LogAppendTime") {
      throw new AppError(codes.CENTRAL_REPLAY_TARGET, `write into ${topic}: it gives each record a time of its own`);
    }
    return count;
  }
  const partitions = Math.max(1, ...run.partitions.map(({ partition }) => partition + 1));
  // Records keep their times, and retention goes by them: what is a month old would be deleted at once.
  const settings = { "message.timestamp.type": "CreateTime", "retention.ms": "-1" };
  const made = await cluster.link.createTopic({ topic, partitions, replicationFactor: -1, settings });
  if (made.errorCode !== 0) throw cluster.refused(`make topic ${topic}`, topic, made.errorCode);
  run.note(`Topic ${topic} was made, with ${partitions} partitions and without retention.`);
  return partitions;
}
