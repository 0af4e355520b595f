/**
 * How far each partition was read, as it is stored with the events.
 *
 * Two places say where to go on: our own store, in the transaction of the events, and the group's offset at the brokers, which
 * is told afterwards. Ours is exact for what we have read. The group's is ahead only when another member has read the
 * partition meanwhile; so the larger one counts:
 *
 * - We were killed before we told the group: the group is behind, ours counts, nothing comes twice.
 * - Another member read on, and told the group: its offset counts, nothing comes twice.
 * - A partition goes to another member while both live: the group is told before the members join anew, nothing comes twice.
 * - Another member read on and was killed before it told the group: what it had stored comes again, by us. Each record once
 *   needs that a partition stays with one agent; between agents it is at least once.
 * - Somebody sets the group's offset back to read again: ours counts, and nothing is read again. Take another `groupId` for that.
 *
 * An offset is about one topic, and a topic that is deleted and made again has the name of the one before. So the topic's id is
 * stored beside the offset, and is told to the group with it. Of another topic nothing was read: it is read from its beginning.
 * So is a log that ends before the offset (it was cut back): what stands there may be new, and nobody can say from where on.
 *
 * What was appended and not told is known here too: a partition that comes back to us within a session goes on where it was.
 */
import type { Positioned } from "../../core/source.ts";
import type { FoundPartition, PartitionEnds } from "../../records/kafka-group.ts";
import { isAnotherTopic } from "../../records/kafka-topic-ids.ts";

/** One partition: its key in the store, and the offset of the next record. */
export class PartitionPlace implements Positioned {
  readonly key: string;
  /** The topic that `next` is about; undefined: a version before this stored no id, or the brokers do not tell. */
  topicId: string | undefined;
  next: number | undefined;
  /** The offset after the last record of the log, as far as we were told. */
  end = 0;

  constructor(
    groupId: string,
    readonly topic: string,
    readonly partition: number,
    stored: string | undefined,
  ) {
    this.key = keyOf(groupId, topic, partition);
    const [next, topicId] = stored?.split(" ") ?? [];
    this.next = next === undefined ? undefined : Number(next);
    this.topicId = topicId;
  }

  position(): string | undefined {
    if (this.next === undefined) return undefined;
    return this.topicId === undefined ? String(this.next) : `${this.next} ${this.topicId}`;
  }

  /** Records that are there and were not read. */
  get lag(): number {
    return this.next === undefined ? 0 : Math.max(0, this.end - this.next);
  }

  /** Goes where it is to be read from, and says what was found. */
  begin(found: FoundPartition): WhereToBegin {
    const beginning = whereToBegin(this, found);
    this.next = beginning.offset;
    this.topicId = found.topicId ?? this.topicId;
    this.end = Math.max(found.ends?.high ?? 0, this.next ?? 0);
    return beginning;
  }
}

export class PartitionBook {
  private readonly places = new Map<string, PartitionPlace>();
  private ours: readonly PartitionPlace[] = [];

  constructor(
    private readonly groupId: string,
    private readonly stored: ReadonlyMap<string, string>,
  ) {}

  place(topic: string, partition: number): PartitionPlace {
    const key = keyOf(this.groupId, topic, partition);
    let place = this.places.get(key);
    if (place === undefined) {
      place = new PartitionPlace(this.groupId, topic, partition, this.stored.get(key));
      this.places.set(key, place);
    }
    return place;
  }

  /** These are ours from now on, and no others. */
  assign(assignment: Readonly<Record<string, readonly number[]>>): void {
    this.ours = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => this.place(topic, partition)),
    );
  }

  get assigned(): readonly PartitionPlace[] {
    return this.ours;
  }

  /**
   * Offsets for the group: what was appended so far, of what is ours: of the rest another member knows more. They may be told
   * once all of it is committed.
   */
  snapshot(): readonly { readonly topic: string; readonly partition: number; readonly offset: string }[] {
    const found = [];
    for (const { topic, partition, next } of this.ours) {
      if (next !== undefined) found.push({ topic, partition, offset: String(next) });
    }
    return found;
  }
}

/** Where a partition is read from, and what that tells. */
export interface WhereToBegin {
  /** Undefined: nobody has ever read it. */
  readonly offset: number | undefined;
  /** What was read before is no longer there: it is another topic, or a log that was cut back. */
  readonly anew: "another topic" | "a shorter log" | undefined;
  /** Offsets that the topic deleted before they were read. */
  readonly outrun: number;
}

/** Where to begin with a partition. */
export function whereToBegin(
  ours: { readonly next: number | undefined; readonly topicId: string | undefined },
  { groups, ends, topicId }: FoundPartition,
): WhereToBegin {
  const start = ends?.low ?? 0;
  const isGroupsOld = isAnotherTopic(groups?.topicId, topicId);
  if (isAnotherTopic(ours.topicId, topicId) || (ours.next === undefined && isGroupsOld)) {
    // What the group was told counts only if it is said to be of this very topic.
    const known = groups !== undefined && groups.topicId === topicId ? groups.offset : start;
    return { offset: Math.max(start, known), anew: "another topic", outrun: 0 };
  }
  const end = ends?.high ?? Number.POSITIVE_INFINITY;
  const theirs = isGroupsOld ? undefined : groups?.offset;
  if ((ours.next ?? theirs ?? 0) > end) return { offset: start, anew: "a shorter log", outrun: 0 };
  const known = larger(ours.next, theirs !== undefined && theirs > end ? undefined : theirs);
  if (known === undefined) return { offset: undefined, anew: undefined, outrun: 0 };
  return { offset: Math.max(start, known), anew: undefined, outrun: Math.max(0, start - known) };
}

/** Undefined: nobody has ever read it. */
function larger(ours: number | undefined, groups: number | undefined): number | undefined {
  if (ours === undefined) return groups;
  return groups === undefined ? ours : Math.max(ours, groups);
}

/** By `topic/partition`, as the cluster is asked. */
export function endsOf(ends: ReadonlyMap<string, PartitionEnds>, place: PartitionPlace): PartitionEnds | undefined {
  return ends.get(`${place.topic}/${place.partition}`);
}

/** A topic's name has no slash. */
function keyOf(groupId: string, topic: string, partition: number): string {
  return `${topic}/${partition}/${groupId}`;
}
