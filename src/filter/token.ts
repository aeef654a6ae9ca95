/**
 * The kinds of token. A `bare` token is any unquoted run: a name, a word, a number, a datetime, `now-7d`; what it means
 * depends on where it stands. `unknown` is text the language has no use for.
 */
export type TokenKind =
  | 'bare'
  | 'quoted'
  | 'backquoted'
  | 'operator'
  | 'and'
  | 'or'
  | 'not'
  | '('
  | ')'
  | '['
  | ']'
  | ','
  | '.'
  | 'unknown'
  | 'end';

/** One token of a filter. */
export interface Token {
  readonly kind: TokenKind;
  /** The text it stands for: without quotes and escapes where it was quoted, else as written. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** Set when the token is a mistake that was understood anyway, or not understood at all. */
  readonly problem?: { readonly message: string; readonly hint: string };
}

/** A name that needs no back quotes. */
export const PLAIN_NAME = /^[\p{L}\p{M}_][\p{L}\p{M}\p{Nd}_]*$/u;

const SPACE = /\p{White_Space}+/uy;
const WORD = /[\p{L}\p{M}\p{Nd}_/@-]+/uy;
/** Datetimes, relative times and numbers: the bare values with characters that no word has. */
const LITERAL =
  /\d{4}-\d\d-\d\d(?:[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?|now[+-]\d+[smhdw]|-?\d+(?:\.\d+)?/iy;
const QUOTED = /'(?:[^'\\\0]|''|\\[^\0])*'|"(?:[^"\\\0]|""|\\[^\0])*"/uy;
const BACKQUOTED = /`(?:[^`\0]|``)*`/uy;
const OPERATOR = /[<>!]=|!:|[<>=:]/y;
const TYPOGRAPHIC = /[‘’‚“”„«»]([^‘’‚“”„«»\0]*)[‘’‚“”„«»]/uy;
/** Operators of other languages; each is read as the one it surely means, and reported. */
const FOREIGN = /&&?|\|\|?|===?|!==|<>|=>|=<|:=|!(?![=:])/y;

const MEANING_OF_FOREIGN: Readonly<Record<string, { kind: TokenKind; text: string }>> = {
  '&': { kind: 'and', text: 'AND' },
  '&&': { kind: 'and', text: 'AND' },
  '|': { kind: 'or', text: 'OR' },
  '||': { kind: 'or', text: 'OR' },
  '!': { kind: 'not', text: 'NOT' },
  '==': { kind: 'operator', text: '=' },
  '===': { kind: 'operator', text: '=' },
  ':=': { kind: 'operator', text: '=' },
  '!==': { kind: 'operator', text: '!=' },
  '<>': { kind: 'operator', text: '!=' },
  '=>': { kind: 'operator', text: '>=' },
  '=<': { kind: 'operator', text: '<=' },
};

const KEYWORDS: ReadonlyMap<string, TokenKind> = new Map([
  ['and', 'and'],
  ['or', 'or'],
  ['not', 'not'],
]);

/**
 * Cuts a text into tokens, the last of which is always `end`. Never throws: what is not of the language becomes a token
 * with a `problem`, so that whoever reads the tokens reports it once, in its place.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const space = matchAt(SPACE, text, position);
    position += space?.[0].length ?? 0;
    if (position >= text.length) break;
    const token = tokenAt(text, position);
    tokens.push(token);
    position = token.to;
  }
  tokens.push({ kind: 'end', text: '', from: text.length, to: text.length });
  return tokens;
}

function tokenAt(text: string, from: number): Token {
  const bare = longest(matchAt(LITERAL, text, from)?.[0], matchAt(WORD, text, from)?.[0]);
  if (bare !== undefined) {
    return { kind: KEYWORDS.get(bare.toLowerCase()) ?? 'bare', text: bare, from, to: from + bare.length };
  }
  const first = text.charAt(from);
  if (first === "'" || first === '"') return quotedAt(text, from, QUOTED, 'quoted');
  if (first === '`') return quotedAt(text, from, BACKQUOTED, 'backquoted');
  if ('()[],.'.includes(first)) return { kind: first as TokenKind, text: first, from, to: from + 1 };
  return foreignAt(text, from) ?? operatorAt(text, from) ?? unknownAt(text, from);
}

function quotedAt(text: string, from: number, shape: RegExp, kind: 'quoted' | 'backquoted'): Token {
  const quote = text.charAt(from);
  const match = matchAt(shape, text, from)?.[0];
  if (match === undefined) {
    const message = `The ${quote} that opens here is never closed.`;
    const hint = `Put a ${quote} at the end. Inside the quotes, write it twice.`;
    return { kind, text: unquoted(text.slice(from + 1), quote), from, to: text.length, problem: { message, hint } };
  }
  return { kind, text: unquoted(match.slice(1, -1), quote), from, to: from + match.length };
}

/**
 * A doubled quote is one quote. In strings a backslash escapes quotes and itself and is plain text before anything else,
 * so that `like:'100\%'` hands its backslash on to the pattern.
 */
function unquoted(inner: string, quote: string): string {
  if (quote === '`') return inner.replaceAll('``', '`');
  const shape = quote === "'" ? /''|\\(['"\\])/g : /""|\\(['"\\])/g;
  return inner.replace(shape, (_, escaped?: string) => escaped ?? quote);
}

function foreignAt(text: string, from: number): Token | undefined {
  const match = matchAt(FOREIGN, text, from)?.[0];
  if (match === undefined) {
    const typographic = matchAt(TYPOGRAPHIC, text, from);
    if (typographic === undefined) return undefined;
    const problem = { message: 'These are typographic quotes.', hint: `Use straight ones: '${typographic[1]}'` };
    return { kind: 'quoted', text: typographic[1] ?? '', from, to: from + typographic[0].length, problem };
  }
  const meaning = MEANING_OF_FOREIGN[match];
  if (meaning === undefined) return undefined;
  const problem = { message: `${match} is not an operator here.`, hint: `Write ${meaning.text}` };
  return { ...meaning, from, to: from + match.length, problem };
}

function operatorAt(text: string, from: number): Token | undefined {
  const match = matchAt(OPERATOR, text, from)?.[0];
  return match === undefined ? undefined : { kind: 'operator', text: match, from, to: from + match.length };
}

function unknownAt(text: string, from: number): Token {
  const character = String.fromCodePoint(text.codePointAt(from) ?? 0);
  const visible = character < ' ' ? `with code ${character.codePointAt(0)}` : character;
  const problem = {
    message: `The character ${visible} has no meaning here.`,
    hint: 'A value with anything but letters, digits, _ - / @ stands in quotes.',
  };
  return { kind: 'unknown', text: character, from, to: from + character.length, problem };
}

function matchAt(shape: RegExp, text: string, position: number): RegExpExecArray | undefined {
  shape.lastIndex = position;
  return shape.exec(text) ?? undefined;
}

function longest(a: string | undefined, b: string | undefined): string | undefined {
  return (a?.length ?? 0) >= (b?.length ?? 0) ? a : b;
}
