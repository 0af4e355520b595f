/**
 * A set of characters as a pattern names it: ASCII exactly, everything else as one bit. An approximation may only ever
 * be too large, so that "these two share no character" is true whenever it is said.
 */
export class CharSet {
  private constructor(
    private readonly low: bigint,
    readonly nonAscii: boolean,
  ) {}

  static readonly empty = new CharSet(0n, false);
  static readonly any = new CharSet((1n << 128n) - 1n, true);

  static of(codes: Iterable<number>): CharSet {
    let low = 0n;
    let nonAscii = false;
    for (const code of codes) {
      if (code < 128) low |= 1n << BigInt(code);
      else nonAscii = true;
    }
    return new CharSet(low, nonAscii);
  }

  static range(first: number, last: number): CharSet {
    const codes: number[] = [];
    for (let code = first; code <= Math.min(last, 127); code++) codes.push(code);
    return new CharSet(CharSet.of(codes).low, last > 127);
  }

  union(other: CharSet): CharSet {
    return new CharSet(this.low | other.low, this.nonAscii || other.nonAscii);
  }

  /** Beyond ASCII a set is not known exactly, so its complement may hold any of that. */
  complement(): CharSet {
    return new CharSet(CharSet.any.low & ~this.low, true);
  }

  disjoint(other: CharSet): boolean {
    return (this.low & other.low) === 0n && !(this.nonAscii && other.nonAscii);
  }

  /** Both cases of every letter; beyond ASCII there are letters that fold into ASCII ones. */
  foldCase(): CharSet {
    const upper = ((1n << 26n) - 1n) << 65n;
    const lower = upper << 32n;
    const letters = this.low & (upper | lower);
    const folded = this.low | ((this.low & upper) << 32n) | ((this.low & lower) >> 32n);
    return new CharSet(folded, this.nonAscii || letters !== 0n);
  }
}

const space = CharSet.of([9, 10, 11, 12, 13, 32, 160]);
const digit = CharSet.range(48, 57);
const word = CharSet.range(65, 90)
  .union(CharSet.range(97, 122))
  .union(digit)
  .union(CharSet.of([95]));

/** What `\d`, `\w`, `\s` and their opposites stand for (ECMA-262, CharacterClassEscape). */
export const classes: Readonly<Record<string, CharSet>> = {
  d: digit,
  D: digit.complement(),
  w: word,
  W: word.complement(),
  s: space,
  S: space.complement(),
};

/** What `.` stands for. */
export const dot = CharSet.of([10, 13]).complement();
