/**
 * A quick proof that a backtracking matcher needs time linear in the line, for the patterns people write most. It says
 * yes only when it has a proof; "no" means "not known", and a slower, complete analysis has its turn.
 *
 * Work on a pattern is at most the work on all of its paths. On one path, let the *runs* be the items without an upper
 * bound. Two conditions make the work linear:
 *
 * 1. A run shares no character with anything that may come directly after it. Then there is one place where it can
 *    end: giving back a character fails at once, and an attempt costs the length of its runs, not a product of them.
 * 2. Attempts from different places do not run over the same characters again and again: either the path is bound to
 *    the start of the line, or some mandatory item before the first run shares no character with the run. The
 *    beginning of a later attempt would have to lie inside the earlier one's run, which holds no such character.
 *    (A run with nothing after it that could fail needs no second attempt.)
 */
import { CharSet } from "./char-set.ts";
import { type Item, type Path, readPaths } from "./paths.ts";

/** How many ways the bounded parts may be matched, over all paths: a constant, but one that is paid at each character. */
const waysMax = 64;
/** Characters that the bounded parts of a path take together, for the same reason. */
const boundedCharactersMax = 256;

/** Whether the pattern is proven to need linear time. */
export function provesLinear(source: string, ignoreCase: boolean): boolean {
  const paths = readPaths(source, ignoreCase);
  if (paths === undefined) return false;
  const ways = paths.reduce((sum, path) => sum + path.reduce((product, item) => product * waysOf(item), 1), 0);
  return ways <= waysMax && paths.every(isLinear);
}

function isLinear(path: Path): boolean {
  if (path.reduce((sum, item) => sum + boundedCharacters(item), 0) > boundedCharactersMax) return false;
  const firstRun = path.findIndex(isRun);
  if (firstRun < 0) return true;
  const bound = path[0]?.kind === "start";
  const head = path.slice(0, firstRun).filter((item) => item.kind === "chars" && item.min > 0);
  return path.every((item, index) => {
    if (item.kind !== "chars" || !isRun(item)) return true;
    const behind = path.slice(index + 1);
    if (!behind.some(canFail)) return true;
    const oneEnd = followers(behind).every((set) => set.disjoint(item.set));
    const startsApart = bound || head.some((before) => before.kind === "chars" && before.set.disjoint(item.set));
    return oneEnd && startsApart;
  });
}

function isRun(item: Item): boolean {
  return item.kind === "chars" && item.max === Number.POSITIVE_INFINITY;
}

function waysOf(item: Item): number {
  return item.kind === "chars" && item.max !== Number.POSITIVE_INFINITY ? item.max - item.min + 1 : 1;
}

function canFail(item: Item): boolean {
  return item.kind !== "chars" || item.min > 0;
}

function boundedCharacters(item: Item): number {
  return item.kind === "chars" && !isRun(item) ? item.max : 0;
}

/** The sets that may take the character directly behind: up to the first item that must. */
function followers(behind: Path): readonly CharSet[] {
  const sets: CharSet[] = [];
  for (const item of behind) {
    if (item.kind === "end") return sets;
    // After a run, a start of line or a boundary can hold at many places: as if anything might follow.
    if (item.kind !== "chars") return [...sets, CharSet.any];
    sets.push(item.set);
    if (item.min > 0) return sets;
  }
  return sets;
}
