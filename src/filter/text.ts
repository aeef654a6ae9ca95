/**
 * Orders text by code point, as SQLite's BINARY collation and PostgreSQL's "C" do. JavaScript's own `<` orders by UTF-16
 * unit, which puts U+1F600 (two units from D83D on) before U+FF21.
 *
 * @returns a negative number, zero or a positive number, as for `Array.prototype.sort`.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rankOfUnit(x) - rankOfUnit(y);
  }
  return a.length - b.length;
}

/** Moves surrogates above all other units: a character of two units is greater than every one of one. */
function rankOfUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** One step of a LIKE pattern: any text (`%`), any one character (`_`), or this character. */
export type PatternStep =
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'character'; readonly character: string };

/** Takes a LIKE pattern apart. A backslash makes the next character stand for itself; the pattern must not end in one. */
export function patternSteps(pattern: string): PatternStep[] {
  const characters = Array.from(pattern);
  const steps: PatternStep[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '%') steps.push({ kind: 'any' });
    else if (character === '_') steps.push({ kind: 'one' });
    else if (character === '\\') steps.push({ kind: 'character', character: characters[++i] ?? '' });
    else steps.push({ kind: 'character', character });
  }
  return steps;
}

/** The LIKE pattern that matches exactly this text. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&');
}

/** True when the last backslash of a pattern has nothing to stand before. */
export function endsInLoneBackslash(pattern: string): boolean {
  return /(?<!\\)(?:\\\\)*\\$/.test(pattern);
}

/**
 * Compiles a LIKE pattern to a test of whole texts, character by character (code points, not UTF-16 units). Ignoring case
 * folds A to Z only: SQLite's LIKE knows no more, and both stores have to agree.
 *
 * The time is bounded by the length of the text times that of the pattern, whatever the pattern.
 */
export function patternTest(pattern: string, ignoreCase: boolean): (text: string) => boolean {
  const fold = ignoreCase ? foldAscii : (text: string) => text;
  const steps = patternSteps(fold(pattern));
  return (text) => matchesSteps(steps, Array.from(fold(text)));
}

/** On a mismatch the last `any` takes one character more; earlier ones never need to be tried again. */
function matchesSteps(steps: readonly PatternStep[], characters: readonly string[]): boolean {
  let step = 0;
  let position = 0;
  let lastAny = -1;
  let lastAnyEnd = 0;
  while (position < characters.length) {
    const wanted = steps[step];
    if (wanted?.kind === 'any') {
      lastAny = step++;
      lastAnyEnd = position;
    } else if (wanted?.kind === 'one' || (wanted?.kind === 'character' && wanted.character === characters[position])) {
      step++;
      position++;
    } else if (lastAny >= 0) {
      step = lastAny + 1;
      position = ++lastAnyEnd;
    } else return false;
  }
  return steps.slice(step).every(({ kind }) => kind === 'any');
}

function foldAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
