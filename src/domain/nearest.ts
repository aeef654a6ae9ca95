/**
 * The word a person most likely meant, for "did you mean". Typing errors count (a wrong, missing, extra or swapped letter),
 * and so do words left unfinished: `status` finds `status_code`.
 *
 * @returns undefined when no candidate is near.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  // A third of the letters may be wrong; more than that is another word.
  const tolerance = Math.max(1, Math.floor(wanted.length / 3));
  let best: { candidate: string; score: number } | undefined;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const isUnfinished = wanted.length >= 3 && known.includes(wanted);
    const score = Math.min(distance(wanted, known, tolerance), isUnfinished ? tolerance : Number.POSITIVE_INFINITY);
    if (score <= tolerance && (best === undefined || score < best.score)) best = { candidate, score };
  }
  return best?.candidate;
}

/**
 * Optimal string alignment: the fewest insertions, deletions, substitutions and swaps of neighbours between two words.
 * Returns more than `limit` without counting on when the lengths alone are too far apart.
 */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
