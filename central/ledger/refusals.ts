/**
 * What an append refuses, as runs: a flood of refused records is a few small objects, and costs the centre next to nothing
 * for each record. The reason never holds the sender's own words.
 */
export interface Refusal {
  /** Of the first record. */
  readonly offset: number;
  /** How many, one offset after the other. */
  readonly records: number;
  readonly reason: string;
}

interface Run {
  readonly offset: number;
  records: number;
  readonly reason: string;
}

export class Refusals {
  private runs: Run[] = [];
  private last: Run | undefined;
  private inOrder = true;
  /** All of them. */
  records = 0;

  add(offset: number, reason: string): void {
    this.records++;
    const { last } = this;
    if (last !== undefined) {
      const after = last.offset + last.records;
      if (offset === after && reason === last.reason) {
        last.records++;
        return;
      }
      if (offset < after) this.inOrder = false;
    }
    this.last = { offset, records: 1, reason };
    this.runs.push(this.last);
  }

  /** Ascending ones. Where none is left out between them they are one run, however many. */
  addAll(offsets: Float64Array, reason: string): void {
    const [first] = offsets;
    if (first === undefined) return;
    this.add(first, reason);
    const others = offsets.length - 1;
    if (this.last !== undefined && offsets.at(-1) === first + others) {
      this.last.records += others;
      this.records += others;
    } else for (const offset of offsets.subarray(1)) this.add(offset, reason);
  }

  /** Ascending by offset. They are added lane by lane: records that follow each other in the topic may meet only here. */
  ascending(): readonly Refusal[] {
    if (this.inOrder) return this.runs;
    const joined: Run[] = [];
    let last: Run | undefined;
    for (const run of this.runs.toSorted((a, b) => a.offset - b.offset)) {
      if (last !== undefined && last.offset + last.records === run.offset && last.reason === run.reason) {
        last.records += run.records;
        continue;
      }
      last = run;
      joined.push(run);
    }
    return joined;
  }
}

/** How many records that are. */
export function countRefused(refused: readonly Refusal[]): number {
  return refused.reduce((sum, { records }) => sum + records, 0);
}
