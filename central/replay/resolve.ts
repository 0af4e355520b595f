/** From what was asked for to offsets, once, before anything is read: and what of it Kafka does not hold any more. */
import type { OffsetQuestion } from "../../shared/kafka/messages/list-offsets.ts";
import type { TopicPartition } from "../records/partition.ts";
import { type GoneRange, noCounts, type ReplayDefinition, type ReplayPartition } from "../store/replay-port.ts";

/** What is asked of Kafka. */
export interface RangeSource {
  /** Undefined: there is no such topic. */
  partitions(topic: string): Promise<number | undefined>;
  /** Undefined: there is no record of that time or later. */
  offset(at: TopicPartition, question: OffsetQuestion): Promise<number | undefined>;
}

/** What a definition comes to. */
export interface ResolvedRange {
  readonly partitions: readonly ReplayPartition[];
  readonly gone: readonly GoneRange[];
  readonly notes: readonly string[];
}

/** What is known beside the cluster. */
export interface RangeOptions {
  /** Those of a definition that names none. */
  readonly topics: readonly string[];
  /** How far the store is: a replay into it ends there, since what comes after is the consumer's. Undefined: no bound. */
  readonly storedUpTo: ((at: TopicPartition) => Promise<number | undefined>) | undefined;
}

/** @throws AppError when Kafka does not answer. */
export async function resolveRange(
  definition: ReplayDefinition,
  cluster: RangeSource,
  options: RangeOptions,
): Promise<ResolvedRange> {
  const partitions: ReplayPartition[] = [];
  const gone: GoneRange[] = [];
  const notes: string[] = [];
  for (const topic of definition.topics ?? options.topics) {
    const count = await cluster.partitions(topic);
    if (count === undefined) {
      notes.push(`There is no topic ${topic}.`);
      continue;
    }
    for (const partition of definition.partitions ?? []) {
      if (partition >= count) notes.push(`${topic} has no partition ${partition}.`);
    }
    for (let partition = 0; partition < count; partition++) {
      if (definition.partitions?.includes(partition) === false) continue;
      const found = await resolvePartition({ topic, partition }, definition, cluster, options);
      notes.push(...found.notes);
      if (found.gone !== undefined) gone.push({ topic, partition, ...found.gone });
      if (found.range !== undefined) partitions.push({ topic, partition, ...found.range, counts: noCounts });
    }
  }
  return { partitions, gone, notes };
}

interface PartitionRange {
  readonly range: { readonly first: number; readonly next: number; readonly until: number } | undefined;
  readonly gone: Omit<GoneRange, keyof TopicPartition> | undefined;
  readonly notes: readonly string[];
}

async function resolvePartition(
  at: TopicPartition,
  { from, to }: ReplayDefinition,
  cluster: RangeSource,
  { storedUpTo }: RangeOptions,
): Promise<PartitionRange> {
  const name = `${at.topic}-${at.partition}`;
  const notes: string[] = [];
  const start = (await cluster.offset(at, "start")) ?? 0;
  const end = (await cluster.offset(at, "end")) ?? 0;
  const stored = await storedUpTo?.(at);
  if (storedUpTo !== undefined && stored === undefined) {
    notes.push(`Nothing of ${name} was ever stored: the consumer reads it from its start by itself.`);
    return { range: undefined, gone: undefined, notes };
  }
  const byTime = from !== undefined && "timeMs" in from;
  const asked = byTime ? ((await cluster.offset(at, from)) ?? end) : (from?.offset ?? 0);
  const wantedEnd = to !== undefined && "offset" in to ? to.offset : end;
  if (wantedEnd > end) notes.push(`${name} is committed up to offset ${end}: what comes after was not there yet.`);
  const until = Math.min(wantedEnd, end, stored ?? end);
  if (stored !== undefined && stored < Math.min(wantedEnd, end)) {
    notes.push(`${name} is stored up to offset ${stored}: from there on the consumer reads it by itself.`);
  }
  const first = Math.min(Math.max(asked, start), Math.max(until, 0));
  // By time nobody knows what stood before the log's start; by offset everybody does.
  const goneFrom = byTime ? (asked <= start && start > 0 ? 0 : start) : Math.min(asked, start);
  const goneTo = Math.min(start, byTime ? start : until);
  const gone = goneTo > goneFrom ? { firstOffset: goneFrom, lastOffset: goneTo - 1, certain: !byTime } : undefined;
  return { range: { first, next: first, until: Math.max(first, until) }, gone, notes };
}
