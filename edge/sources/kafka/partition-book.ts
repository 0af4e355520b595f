/**
 * How far each partition was read, as it is stored with the events.
 *
 * Two places say where to go on: our own store, in the transaction of the events, and the group's offset at the brokers, which
 * is told afterwards. Ours is exact for what we have read. The group's is ahead only when another member has read the
 * partition meanwhile; so the larger one counts:
 *
 * - We were killed before we told the group: the group is behind, ours counts, nothing comes twice.
 * - Another member read on, and told the group: its offset counts, nothing comes twice.
 * - Another member read on and was killed before it told the group: what it had stored comes again, by us. Each record once
 *   needs that a partition stays with one agent; between agents it is at least once.
 * - Somebody sets the group's offset back to read again: ours counts, and nothing is read again. Take another `groupId` for that.
 *
 * What was appended and not told is known here too: a partition that comes back to us within a session goes on where it was.
 */
import type { Positioned } from "../../core/source.ts";

/** One partition: its key in the store, and the offset of the next record. */
export class PartitionPlace implements Positioned {
  readonly key: string;

  constructor(
    groupId: string,
    readonly topic: string,
    readonly partition: number,
    public next: number | undefined,
  ) {
    this.key = keyOf(groupId, topic, partition);
  }

  position(): string | undefined {
    return this.next === undefined ? undefined : String(this.next);
  }
}

export class PartitionBook {
  private readonly places = new Map<string, PartitionPlace>();

  constructor(
    private readonly groupId: string,
    private readonly stored: ReadonlyMap<string, string>,
  ) {}

  place(topic: string, partition: number): PartitionPlace {
    const key = keyOf(this.groupId, topic, partition);
    let place = this.places.get(key);
    if (place === undefined) {
      const text = this.stored.get(key);
      place = new PartitionPlace(this.groupId, topic, partition, text === undefined ? undefined : Number(text));
      this.places.set(key, place);
    }
    return place;
  }

  /** Offsets for the group: what was appended so far. They may be told once all of it is committed. */
  snapshot(): readonly { readonly topic: string; readonly partition: number; readonly offset: string }[] {
    const found = [];
    for (const { topic, partition, next } of this.places.values()) {
      if (next !== undefined) found.push({ topic, partition, offset: String(next) });
    }
    return found;
  }
}

/** Where to begin with a partition; undefined: nobody has ever read it. */
export function startOffset(ours: number | undefined, groups: number | undefined): number | undefined {
  if (ours === undefined) return groups;
  return groups === undefined ? ours : Math.max(ours, groups);
}

/** A topic's name has no slash. */
function keyOf(groupId: string, topic: string, partition: number): string {
  return `${topic}/${partition}/${groupId}`;
}
