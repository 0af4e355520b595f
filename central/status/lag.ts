/**
 * How far each partition is stored, from what the store and the consumer know.
 *
 *     log start ── stored ── next ──── lag ──── readable end ── waiting ── end of the log
 *
 * Lag is what could be stored now and is not: the offsets from the position (or from the log's start, when that is further
 * on: what retention has deleted is no lag) to the last record that can be read. Waiting is what lies after that: a
 * transaction is open, and Kafka hands out nothing from its first record on until it ends. A stuck transaction is seen
 * there, and never in the lag.
 *
 * All of it stands on a broker's word, and a word grows old: after half a minute nobody here knows what lies in the
 * partition, and neither is a number.
 */

import type { ConsumerState, PartitionReader } from "../consumer/consumer.ts";
import { unreadGraceMs } from "../consumer/coverage.ts";
import { relayLine, type TopicPartition } from "../records/partition.ts";
import type { PositionRow } from "../store/reader.ts";

/** How far one partition is stored. `null`: unknown to this instance. */
export interface PartitionLag extends TopicPartition {
  /** Who reads it into this store. */
  reader: "self" | PartitionReader;
  generation: number;
  next: number;
  /** The offset after the last record that can be read. */
  highWatermark: number | null;
  lag: number | null;
  waiting: number | null;
  /** How old the broker's word on it is; null: nobody has asked. */
  untoldForMs: number | null;
  /** Nobody has read it into this store for longer than a rebalance takes. */
  unread: boolean;
  /** It has records to read, and none are stored. */
  stalled: boolean;
  stored: number;
  updatedAtMs: number | null;
}

/** All partitions; the sums are over what is known. */
export interface Lag {
  partitions: PartitionLag[];
  lag: number | null;
  waiting: number | null;
  unread: number;
  stalled: number;
  /** Of how many the broker's word is too old, and how old the oldest is. */
  untold: number;
  untoldForMs: number | null;
  missingTopics: string[];
  groupRefused: boolean;
  rebalances: number;
}

interface Seen {
  readonly reader: "self" | PartitionReader;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly endOffset: number;
  readonly untoldForMs: number | null;
  readonly unread: boolean;
  readonly stalled: boolean;
}

const unseen: Seen = {
  reader: "unknown",
  highWatermark: -1,
  logStartOffset: -1,
  endOffset: -1,
  untoldForMs: null,
  unread: false,
  stalled: false,
};

/** Fetches are answered twice a second, looks at the cluster come every 10 s: so old no word is while Kafka answers. */
export const untoldMsMax = 30_000;

/** Joins the store's positions with the consumer's view. What came by relay stands in no topic: nobody reads it on. */
export function lagOf(positions: readonly PositionRow[], consumer: ConsumerState): Lag {
  const seen = new Map<string, TopicPartition & { readonly seen: Seen }>();
  for (const { topic, partition, stalledForMs, ...offsets } of consumer.partitions) {
    const one: Seen = { ...offsets, reader: "self", unread: false, stalled: stalledForMs > 0 };
    seen.set(`${topic}/${partition}`, { topic, partition, seen: one });
  }
  for (const { topic, partition, unreadForMs, ...others } of consumer.others) {
    const one: Seen = { ...others, endOffset: -1, unread: unreadForMs >= unreadGraceMs, stalled: false };
    seen.set(`${topic}/${partition}`, { topic, partition, seen: one });
  }
  const ofTopics = positions.filter(({ topic }) => topic !== relayLine.topic);
  const partitions = ofTopics.map((position) => {
    const key = `${position.topic}/${position.partition}`;
    const known = seen.get(key)?.seen ?? unseen;
    seen.delete(key);
    return partitionLag(position, known);
  });
  for (const { topic, partition, seen: known } of seen.values()) {
    const nothing = { topic, partition, generation: 0, next: 0, stored: 0, updatedAtMs: null };
    partitions.push(partitionLag(nothing, known));
  }
  return {
    partitions,
    lag: sumOfKnown(partitions.map(({ lag }) => lag)),
    waiting: sumOfKnown(partitions.map(({ waiting }) => waiting)),
    unread: partitions.filter(({ unread }) => unread).length,
    stalled: partitions.filter(({ stalled }) => stalled).length,
    untold: partitions.filter(isUntold).length,
    untoldForMs: largest(partitions.map(({ untoldForMs }) => untoldForMs)),
    missingTopics: [...consumer.missingTopics],
    groupRefused: consumer.groupRefused,
    rebalances: consumer.rebalances,
  };
}

function partitionLag(position: Omit<PositionRow, "updatedAtMs"> & { updatedAtMs: number | null }, seen: Seen) {
  const { topic, partition, generation, next, stored, updatedAtMs } = position;
  const { reader, logStartOffset, endOffset, untoldForMs, unread, stalled } = seen;
  const age = untoldForMs === null ? null : Math.round(untoldForMs);
  const highWatermark = seen.highWatermark < 0 ? null : seen.highWatermark;
  const isKnown = highWatermark !== null && !isUntold({ untoldForMs });
  const lag = isKnown ? Math.max(0, highWatermark - Math.max(next, logStartOffset)) : null;
  const waiting = !isKnown || endOffset < 0 ? null : Math.max(0, endOffset - highWatermark);
  return {
    topic,
    partition,
    reader,
    generation,
    next,
    highWatermark,
    lag,
    waiting,
    untoldForMs: age,
    unread,
    stalled,
    stored,
    updatedAtMs,
  };
}

/** The broker's word on it is too old to be one on what is there. */
export function isUntold({ untoldForMs }: Pick<PartitionLag, "untoldForMs">): boolean {
  return untoldForMs !== null && untoldForMs >= untoldMsMax;
}

function largest(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((most, one) => (one !== null && (most === null || one > most) ? one : most), null);
}

function sumOfKnown(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((one) => one !== null);
  return known.length === 0 ? null : known.reduce((total, one) => total + one, 0);
}
