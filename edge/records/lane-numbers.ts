/**
 * Which numbers of one lane have come here, and by which batches the last ones came.
 *
 * A lane's numbers rise, and yet they need not come in order: a group of sinks sends part of a lane another way, which may be slower,
 * or come back after an outage. So what is below the highest number is no repeat because of that: the numbers that are missing below it
 * are known as holes, and what fills one is new.
 *
 * A number that has come already may come again in two ways. The answer was lost, and the same batch is sent once more: that is a
 * repeat. Or its sender counts from an older state (its data folder was put back), and other events have the number now. The bytes tell
 * them apart, so of the last batches a checksum is known.
 */

/** Some numbers, both ends included. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** A batch as it came: its numbers, and a checksum of its records. */
export interface BatchMark extends Range {
  readonly crc: number;
}

/** With more, the two lowest become one, and what had come between them is taken for missing: rather twice than never. */
const holesMax = 64;
/** A sender brings one batch of a lane at a time, and after a crash those that it had not noted as answered. */
const marksMax = 16;
/** What has to be known after a crash of ours: those that may lie in the commit whose answer was lost. */
const marksStoredMax = 4;

/** The numbers of one lane. */
export class LaneNumbers {
  /** Rising; none touches another, and none reaches `next`. */
  private holes: Range[] = [];
  private marks: BatchMark[] = [];

  constructor(private next = 0) {}

  /** Reads what `text` gave; a number alone, as it was stored before holes were known, says that all below it came. */
  static parse(text: string): LaneNumbers | undefined {
    const [next = "", holes = "", marks = ""] = text.split(";");
    if (!/^\d{1,16}$/.test(next) || !Number.isSafeInteger(Number(next))) return undefined;
    const numbers = new LaneNumbers(Number(next));
    numbers.holes = [...holes.matchAll(/(\d+)-(\d+)/g)].map((found) => rangeOf(found));
    numbers.marks = [...marks.matchAll(/(\d+)-(\d+):([\da-f]+)/g)].map((found) => ({
      ...rangeOf(found),
      crc: Number.parseInt(found[3] ?? "", 16),
    }));
    return numbers;
  }

  /** For the store. */
  get text(): string {
    if (this.holes.length === 0 && this.marks.length === 0) return String(this.next);
    const holes = this.holes.map(({ first, last }) => `${first}-${last}`);
    const marks = this.marks
      .slice(-marksStoredMax)
      .map(({ first, last, crc }) => `${first}-${last}:${crc.toString(16)}`);
    return `${this.next};${holes.join(",")};${marks.join(",")}`;
  }

  /** Whether any of these has come. */
  hasAny(first: number, last = first): boolean {
    if (first >= this.next) return false;
    const highest = Math.min(last, this.next - 1);
    return !this.holes.some((hole) => hole.first <= first && highest <= hole.last);
  }

  /** Whether this very batch has come, as far as is known. */
  hasBatch({ first, last, crc }: BatchMark): boolean {
    return this.marks.some((mark) => mark.first === first && mark.last === last && mark.crc === crc);
  }

  /** Whether the batches are known by which these numbers came: one of them that is not among these is another one. */
  knowsBatchesOf(first: number): boolean {
    return this.marks.some((mark) => mark.first <= first && first <= mark.last);
  }

  /** They have come. `crc` of the batch that brought them all. */
  add(first: number, last = first, crc?: number): void {
    if (first > this.next) this.holes.push({ first: this.next, last: first - 1 });
    else if (first < this.next) this.fill(first, last);
    this.next = Math.max(this.next, last + 1);
    if (this.holes.length > holesMax) {
      const [lowest, second] = this.holes;
      if (lowest !== undefined && second !== undefined) this.holes.splice(0, 2, { ...lowest, last: second.last });
    }
    if (crc === undefined) return;
    this.marks.push({ first, last, crc });
    if (this.marks.length > marksMax) this.marks.shift();
  }

  private fill(first: number, last: number): void {
    if (this.holes.length === 0) return;
    this.holes = this.holes.flatMap((hole) => {
      if (hole.last < first || last < hole.first) return [hole];
      const before = { first: hole.first, last: first - 1 };
      const after = { first: last + 1, last: hole.last };
      return [before, after].filter((part) => part.first <= part.last);
    });
  }
}

function rangeOf([, first, last]: RegExpMatchArray): Range {
  return { first: Number(first), last: Number(last) };
}
