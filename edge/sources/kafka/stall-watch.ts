/**
 * Partitions that have records to read, and none come: a record batch that cannot be decompressed, for example, is fetched
 * again and again. An end that lies ahead alone proves nothing: there may be control records, or an open transaction. So a
 * partition stands still when the client complains too.
 */
import type { PartitionPlace } from "./partition-book.ts";

/** One partition that stands still, and why. */
export interface Stall {
  readonly place: PartitionPlace;
  readonly reason: string;
}

export class StallWatch {
  private nexts = new Map<PartitionPlace, number | undefined>();
  private stalls: readonly Stall[] = [];

  /**
   * To be called after each look at the cluster.
   *
   * @param complaint what the client complained of since the last one; undefined: nothing, or we did not want any records.
   * @returns what stands still since this look.
   */
  look(places: readonly PartitionPlace[], complaint: string | undefined): readonly Stall[] {
    const { nexts, stalls } = this;
    this.nexts = new Map(places.map((place) => [place, place.next]));
    this.stalls = places.flatMap((place) => {
      const isStill = place.lag > 0 && nexts.has(place) && nexts.get(place) === place.next;
      const reason = stalls.find((stall) => stall.place === place)?.reason ?? complaint;
      return isStill && reason !== undefined ? [{ place, reason }] : [];
    });
    return this.stalls.filter(({ place }) => !stalls.some((before) => before.place === place));
  }

  /** Partitions that stand still. */
  get now(): readonly Stall[] {
    return this.stalls.filter(({ place }) => this.nexts.get(place) === place.next);
  }
}
