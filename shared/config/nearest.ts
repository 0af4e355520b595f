/**
 * The valid word that a wrong one was probably meant to be; undefined when none is near enough to be worth saying.
 * Near: at most a third of the letters differ (a swap of two counts once), or one begins with the other.
 */
export function nearest(word: string, valid: readonly string[]): string | undefined {
  const folded = fold(word);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of valid) {
    const other = fold(candidate);
    const contained = folded.length >= 3 && other.length >= 3 && (other.startsWith(folded) || folded.startsWith(other));
    const distance = contained ? Math.min(1, editDistance(folded, other)) : editDistance(folded, other);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return bestDistance <= Math.max(1, Math.floor(Math.max(word.length, best?.length ?? 0) / 3)) ? best : undefined;
}

/** `did you mean "x"?`, or the whole list when nothing is near (and it is short enough to help). */
export function suggest(word: string, valid: readonly string[], what = "valid"): string | undefined {
  const near = nearest(word, valid);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (valid.length === 0 || valid.length > 40) return undefined;
  return `${what}: ${valid.join(", ")}`;
}

/** Case and separators are how people misremember a name, not what they mean. */
function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Damerau–Levenshtein distance (optimal string alignment): insert, delete, replace, swap neighbours. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (beforeLast[j - 2] ?? best) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
