/** How far the lake is in each partition of each topic, as it stands in a snapshot. */
import { z } from "zod";
import type { TopicPartition } from "../records/partition.ts";

const Offsets = z.record(z.string(), z.record(z.string(), z.int()));
const Ids = z.record(z.string(), z.string());

/** Of a snapshot's property. @throws when it is none of ours. */
export function readOffsets(text: string | undefined): z.output<typeof Offsets> {
  return Offsets.parse(JSON.parse(text ?? "{}"));
}

/** Next offsets, and of which topic of each name they are. */
export class Positions {
  private readonly next = new Map<string, Map<number, number>>();
  private readonly ids = new Map<string, string>();

  /** From the texts of a snapshot. @throws when they are none of ours. */
  static of(offsets: string | undefined, ids: string | undefined): Positions {
    const positions = new Positions();
    for (const [topic, partitions] of Object.entries(readOffsets(offsets))) {
      for (const [partition, next] of Object.entries(partitions)) {
        positions.move({ topic, partition: Number(partition) }, next);
      }
    }
    for (const [topic, id] of Object.entries(Ids.parse(JSON.parse(ids ?? "{}")))) positions.ids.set(topic, id);
    return positions;
  }

  copy(): Positions {
    return Positions.of(this.offsetsText, this.idsText);
  }

  /** Undefined: nothing of it was ever read. */
  at({ topic, partition }: TopicPartition): number | undefined {
    return this.next.get(topic)?.get(partition);
  }

  move({ topic, partition }: TopicPartition, next: number): void {
    const partitions = this.next.get(topic) ?? new Map<number, number>();
    partitions.set(partition, next);
    this.next.set(topic, partitions);
  }

  /** True: it is another topic than before, and all of it is still to be read. */
  identify(topic: string, id: string): boolean {
    const before = this.ids.get(topic);
    this.ids.set(topic, id);
    const isNew = before !== undefined && before !== id;
    if (isNew) this.next.delete(topic);
    return isNew;
  }

  identified(topic: string): boolean {
    return this.ids.has(topic);
  }

  get offsetsText(): string {
    const offsets: Record<string, Record<string, number>> = {};
    for (const [topic, partitions] of this.next) offsets[topic] = Object.fromEntries(partitions);
    return JSON.stringify(offsets);
  }

  get idsText(): string {
    return JSON.stringify(Object.fromEntries(this.ids));
  }
}
