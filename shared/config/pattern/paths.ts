/**
 * Reads the simple part of the regular expression language into its *paths*: every alternation, option and counted
 * group written out, so that a path is a plain row of items. What a backtracking matcher does on the pattern is at most
 * what it does on all paths one after the other.
 *
 * Anything outside of that part (look-around, back references, a repeated group without an upper bound, …) is
 * answered with undefined: "not known", never with something smaller than the truth.
 */
import { CharSet, classes, dot } from "./char-set.ts";

/** One character of a set, `min` to `max` times; or an assertion that takes no character. */
export type Item =
  | { readonly kind: "chars"; readonly set: CharSet; readonly min: number; readonly max: number }
  | { readonly kind: "start" | "end" | "boundary" };

/** What must match one after the other. */
export type Path = readonly Item[];

const pathsMax = 64;
const itemsMax = 400;

class Unknown extends Error {}

/** All paths of a pattern, or undefined when it is not of the simple kind. `ignoreCase` is the `i` flag. */
export function readPaths(source: string, ignoreCase: boolean): readonly Path[] | undefined {
  try {
    return new PathReader(source, ignoreCase).read();
  } catch (thrown) {
    if (thrown instanceof Unknown) return undefined;
    throw thrown;
  }
}

class PathReader {
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly ignoreCase: boolean,
  ) {}

  read(): readonly Path[] {
    const paths = this.alternatives();
    if (this.at < this.source.length) throw new Unknown();
    return paths;
  }

  private alternatives(): Path[] {
    const all = this.sequence();
    while (this.peek() === "|") {
      this.at++;
      all.push(...this.sequence());
    }
    return bounded(all);
  }

  private sequence(): Path[] {
    let paths: Path[] = [[]];
    for (let next = this.peek(); next !== undefined && next !== "|" && next !== ")"; next = this.peek()) {
      paths = join(paths, this.term(next));
    }
    return paths;
  }

  private term(next: string): Path[] {
    this.at++;
    if (next === "^") return [[{ kind: "start" }]];
    if (next === "$") return [[{ kind: "end" }]];
    if (next === "(") return this.group();
    if (next === "\\" && (this.peek() === "b" || this.peek() === "B")) {
      this.at++;
      return [[{ kind: "boundary" }]];
    }
    const set = this.fold(this.atom(next));
    const { min, max } = this.quantifier();
    return [[{ kind: "chars", set, min, max }]];
  }

  private group(): Path[] {
    if (this.peek() === "?") {
      const opening = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(this.source.slice(this.at));
      if (opening === null) throw new Unknown();
      this.at += opening[0].length;
    }
    const inner = this.alternatives();
    if (this.peek() !== ")") throw new Unknown();
    this.at++;
    const { min, max } = this.quantifier();
    if (max === Number.POSITIVE_INFINITY) throw new Unknown();
    const all: Path[] = [];
    let repeated: Path[] = [[]];
    for (let times = 0; times <= max; times++) {
      if (times > 0) repeated = join(repeated, inner);
      if (times >= min) all.push(...repeated);
    }
    return bounded(all);
  }

  private atom(next: string): CharSet {
    if (next === ".") return dot;
    if (next === "[") return this.charClass();
    if (next === "\\") return this.escape();
    // A brace that counts nothing stands for itself (ECMA-262 Annex B), as in `{"car":`.
    if ("*+?".includes(next)) throw new Unknown();
    return codeSet(next);
  }

  private escape(): CharSet {
    const letter = this.peek();
    if (letter === undefined) throw new Unknown();
    this.at++;
    const known = classes[letter];
    if (known !== undefined) return known;
    const control = { t: 9, n: 10, v: 11, f: 12, r: 13 }[letter];
    if (control !== undefined) return CharSet.of([control]);
    if (letter === "x" || letter === "u") {
      const digits = this.source.slice(this.at, this.at + (letter === "x" ? 2 : 4));
      if (!/^(?:[0-9a-f]{2}){1,2}$/i.test(digits) || digits.length !== (letter === "x" ? 2 : 4)) throw new Unknown();
      this.at += digits.length;
      return CharSet.of([Number.parseInt(digits, 16)]);
    }
    // Back references, \0, \c, \p, \k and whatever else a letter or digit means.
    if (/[0-9A-Za-z]/.test(letter)) throw new Unknown();
    return codeSet(letter);
  }

  private charClass(): CharSet {
    const negated = this.peek() === "^";
    if (negated) this.at++;
    let set = CharSet.empty;
    while (this.peek() !== "]") {
      const first = this.classAtom();
      if (this.peek() === "-" && this.source[this.at + 1] !== "]") {
        this.at++;
        const last = this.classAtom();
        if (first.code === undefined || last.code === undefined) throw new Unknown();
        set = set.union(CharSet.range(first.code, last.code));
      } else {
        set = set.union(first.set);
      }
    }
    this.at++;
    // Folded before it is turned round: [^a] with `i` leaves out "A" too.
    return negated ? this.fold(set).complement() : set;
  }

  private classAtom(): { set: CharSet; code: number | undefined } {
    const next = this.peek();
    if (next === undefined) throw new Unknown();
    this.at++;
    if (next !== "\\") return { set: codeSet(next), code: next.codePointAt(0) };
    const letter = this.peek();
    if (letter === "b") throw new Unknown();
    const set = this.escape();
    return { set, code: letter !== undefined && /[^A-Za-z0-9]/.test(letter) ? letter.codePointAt(0) : undefined };
  }

  private quantifier(): { min: number; max: number } {
    const match = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.source.slice(this.at));
    if (match === null) return { min: 1, max: 1 };
    this.at += match[0].length;
    const [text, low, comma, high] = match;
    if (low !== undefined) {
      const min = Number(low);
      return { min, max: comma === undefined ? min : high === "" ? Number.POSITIVE_INFINITY : Number(high) };
    }
    return { min: text.startsWith("+") ? 1 : 0, max: text.startsWith("?") ? 1 : Number.POSITIVE_INFINITY };
  }

  private fold(set: CharSet): CharSet {
    return this.ignoreCase ? set.foldCase() : set;
  }

  private peek(): string | undefined {
    return this.source[this.at];
  }
}

function codeSet(character: string): CharSet {
  return CharSet.of([character.charCodeAt(0)]);
}

function join(heads: readonly Path[], tails: readonly Path[]): Path[] {
  if (heads.length * tails.length > pathsMax) throw new Unknown();
  return bounded(heads.flatMap((head) => tails.map((tail) => [...head, ...tail])));
}

function bounded(paths: Path[]): Path[] {
  if (paths.length > pathsMax || paths.some((path) => path.length > itemsMax)) throw new Unknown();
  return paths;
}
