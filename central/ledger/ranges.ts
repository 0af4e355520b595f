/**
 * The numbers of one lane that are accounted for, as ranges in memory. Only the neighbourhoods of the numbers that an
 * append names are loaded; nothing else of the lane is looked at or changed.
 *
 *     received 0-41   (missing 42-49)   received 50-60
 *
 * Records of a lane come in order nearly always: the cursor is the range that the last one fell into, and a record that
 * goes on with it costs two comparisons. Ranges that touch and say the same are always one range.
 */

/** What a range says about its numbers. `dead` is only found in stores of earlier versions: nothing marks it now. */
export type RangeKind = "received" | "shed" | "dead";

/** A range of numbers, both ends inclusive. */
export interface Range {
  readonly first: number;
  readonly last: number;
  readonly kind: RangeKind;
  /** Why its numbers were shed or put aside; null for `received`. */
  readonly reason: string | null;
}

/** What has to be written so that the stored ranges become those in memory. */
export interface RangeChanges {
  /** First numbers of stored ranges that are gone. */
  readonly removed: readonly number[];
  /** Ranges that are new, or whose end, kind or reason is another one. */
  readonly put: readonly Range[];
}

type Open = { -readonly [Key in keyof Range]: Range[Key] };

export class LaneRanges {
  /** How many numbers of each kind came or went. */
  readonly delta = { received: 0, shed: 0, dead: 0 };
  private readonly ranges: Open[];
  private readonly loaded: readonly Range[];
  private cursor = -1;
  /** Where the range above the cursor begins. */
  private aboveFirst = Number.POSITIVE_INFINITY;
  private touched = false;

  /** `loaded`: ascending, without overlap. */
  constructor(loaded: readonly Range[]) {
    this.loaded = loaded;
    this.ranges = loaded.map((range) => ({ ...range }));
  }

  /** A record with this number came. False: the number was received already. */
  receive(seq: number): boolean {
    const range = this.ranges[this.cursor];
    if (range !== undefined && range.kind === "received") {
      if (seq === range.last + 1 && seq < this.aboveFirst) {
        range.last = seq;
        this.touched = true;
        this.delta.received++;
        if (seq + 1 === this.aboveFirst) this.join(this.cursor);
        return true;
      }
      if (seq >= range.first && seq <= range.last) return false;
    }
    return this.place(seq);
  }

  /** A marker came: these numbers were shed, where nothing is known of them yet. Returns how many were new. */
  shed(first: number, last: number, reason: string): number {
    let marked = 0;
    let index = this.below(first);
    for (let from = first; from <= last; ) {
      const here = this.ranges[index];
      if (here !== undefined && here.last >= from) {
        from = here.last + 1;
        continue;
      }
      const above = this.ranges[index + 1];
      const to = Math.min(last, (above?.first ?? Number.POSITIVE_INFINITY) - 1);
      if (to >= from) {
        this.insert(index + 1, { first: from, last: to, kind: "shed", reason });
        marked += to - from + 1;
        from = to + 1;
        index = this.below(from);
      } else index++;
    }
    this.delta.shed += marked;
    this.cursor = -1;
    return marked;
  }

  /** Something came or went. */
  get changed(): boolean {
    return this.touched;
  }

  changes(): RangeChanges {
    if (!this.touched) return { removed: [], put: [] };
    const stored = new Map(this.loaded.map((range) => [range.first, range]));
    const put = this.ranges.filter((range) => {
      const before = stored.get(range.first);
      stored.delete(range.first);
      return before?.last !== range.last || before.kind !== range.kind || before.reason !== range.reason;
    });
    return { removed: [...stored.keys()], put };
  }

  /** As they stand now; for tests. */
  all(): readonly Range[] {
    return this.ranges;
  }

  private place(seq: number): boolean {
    let index = this.below(seq);
    const here = this.ranges[index];
    if (here !== undefined && seq <= here.last) {
      if (here.kind === "received") {
        this.point(index);
        return false;
      }
      // Said to be shed or dead, and here it is: the record counts, what was said shrinks around it.
      index = this.cutOut(index, here, seq);
    }
    this.insert(index + 1, { first: seq, last: seq, kind: "received", reason: null });
    this.delta.received++;
    this.point(this.below(seq));
    return true;
  }

  /** Takes one number out of a range. Returns the index of what is left below the number. */
  private cutOut(index: number, { first, last, kind, reason }: Range, seq: number): number {
    const parts: Open[] = [];
    if (first < seq) parts.push({ first, last: seq - 1, kind, reason });
    if (seq < last) parts.push({ first: seq + 1, last, kind, reason });
    this.ranges.splice(index, 1, ...parts);
    this.delta[kind]--;
    this.touched = true;
    return first < seq ? index : index - 1;
  }

  private insert(index: number, range: Open): void {
    this.touched = true;
    const below = this.ranges[index - 1];
    if (below !== undefined && touches(below, range)) {
      below.last = range.last;
      this.join(index - 1);
      return;
    }
    this.ranges.splice(index, 0, range);
    this.join(index);
  }

  /** Joins a range with the one above it when they touch and say the same. */
  private join(index: number): void {
    const range = this.ranges[index];
    const above = this.ranges[index + 1];
    if (range !== undefined && above !== undefined && touches(range, above)) {
      range.last = above.last;
      this.ranges.splice(index + 1, 1);
    }
    if (index === this.cursor) this.point(index);
  }

  private point(index: number): void {
    this.cursor = index;
    this.aboveFirst = this.ranges[index + 1]?.first ?? Number.POSITIVE_INFINITY;
  }

  /** Index of the last range that begins at `seq` or below it; -1 when there is none. */
  private below(seq: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ranges[middle]?.first ?? seq) <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function touches(below: Range, above: Range): boolean {
  return below.last + 1 === above.first && below.kind === above.kind && below.reason === above.reason;
}
