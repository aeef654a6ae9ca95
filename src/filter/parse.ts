import {
  type Broken,
  type Expression,
  isNullOperator,
  OPERATOR_OF_SYMBOL,
  type Operator,
  operatorOfWord,
  type Path,
  type Predicate,
  type Segment,
  type Span,
  type Value,
} from './ast.ts';
import { type Diagnostic, inTextOrder } from './diagnostic.ts';
import {
  MAX_FILTER_DEPTH,
  MAX_FILTER_LENGTH,
  MAX_FILTER_PREDICATES,
  MAX_INDEX_DIGITS,
  MAX_LIST_ITEMS,
} from './limits.ts';
import { printPath, quotedName, quotedText } from './print.ts';
import { PLAIN_NAME, type Token, type TokenKind, tokenize } from './token.ts';

/** What a text says, and everything that is wrong with it. */
export interface ParseResult {
  /** Null for a blank text, which filters nothing, and for one of which nothing could be read. */
  readonly tree: Expression | null;
  /** In the order of the text; empty exactly when `Filter.g4` and the limits accept the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a filter. Never throws, and does not stop at the first mistake: the tree holds what could be understood, so that
 * `check` can report its own findings in the same breath.
 *
 * The language is specified by `Filter.g4` beside this file.
 */
export function parse(text: string): ParseResult {
  if (text.length > MAX_FILTER_LENGTH) {
    const message = `The filter has ${text.length} characters; at most ${MAX_FILTER_LENGTH} are allowed.`;
    const hint = 'Ask for less at once, or replace many OR conditions by one .in:(…) list.';
    const diagnostic: Diagnostic = { severity: 'error', from: MAX_FILTER_LENGTH, to: text.length, message, hint };
    return { tree: null, diagnostics: [diagnostic] };
  }
  return new Parser(text).parse();
}

const CLOSERS: ReadonlySet<TokenKind> = new Set([')', 'or', 'end']);
const AFTER_VALUE: ReadonlySet<TokenKind> = new Set([')', ',', 'and', 'or', 'not', 'end']);
const KEYWORDS: ReadonlySet<TokenKind> = new Set(['and', 'or', 'not']);
const STRAY_CLOSERS: ReadonlySet<TokenKind> = new Set([')']);
const JUNK: ReadonlySet<TokenKind> = new Set(['operator', '.', ',', '[', ']', 'unknown']);
const AFTER_NAME: ReadonlySet<TokenKind> = new Set(['operator', '.', '[']);

/**
 * Recursive descent, one method per rule of the grammar. Every token that is passed over lies under a diagnostic, and
 * every loop takes a token per turn, so reading ends.
 */
class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #diagnostics: Diagnostic[] = [];
  #index = 0;
  #predicates = 0;
  /** Set when a limit was passed: the rest of the text is not read, and nothing more is said about it. */
  #stopped = false;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): ParseResult {
    if (this.#at('end')) return { tree: null, diagnostics: [] };
    let tree = this.#expression(0);
    while (this.#at(')')) {
      const stray = this.#skip(STRAY_CLOSERS);
      this.#report(stray, 'This parenthesis closes nothing.', 'Remove it, or open one before it.');
      if (this.#at('and') || this.#at('or')) this.#take();
      if (!this.#at('end')) tree = joined('and', [tree, this.#expression(0)]);
    }
    return { tree, diagnostics: inTextOrder(this.#diagnostics) };
  }

  #expression(depth: number): Expression | null {
    const terms = [this.#conjunction(depth)];
    while (this.#at('or')) {
      this.#take();
      terms.push(this.#conjunction(depth));
    }
    return joined('or', terms);
  }

  #conjunction(depth: number): Expression | null {
    const terms = [this.#term(depth)];
    while (!CLOSERS.has(this.#peek.kind)) {
      if (this.#at('and')) this.#take();
      else if (!this.#connectorMissing()) continue;
      terms.push(this.#term(depth));
    }
    return joined('and', terms);
  }

  #term(depth: number): Expression | null {
    if (depth > MAX_FILTER_DEPTH) {
      this.#stop(this.#peek, `Parentheses and NOTs are nested deeper than ${MAX_FILTER_DEPTH}.`, 'Flatten the filter.');
      return null;
    }
    const token = this.#peek;
    switch (token.kind) {
      case 'not': {
        this.#take();
        const term = this.#term(depth + 1);
        return term && { kind: 'not', term, from: token.from, to: term.to };
      }
      case '(':
        return this.#group(depth);
      case 'bare':
      case 'backquoted':
      case 'quoted':
        return this.#predicate();
      case 'and':
      case 'or':
      case ')':
      case 'end':
        this.#conditionMissing();
        return null;
      default:
        this.#skipJunk(`A condition cannot begin with ${token.text}`, 'Begin with a field: status_code:failed');
        return CLOSERS.has(this.#peek.kind) || this.#at('and') ? null : this.#term(depth);
    }
  }

  #group(depth: number): Expression | null {
    const open = this.#take();
    const inner = this.#expression(depth + 1);
    if (!this.#at(')')) {
      this.#report(open, 'This parenthesis is never closed.', 'Put a ) where the group ends.');
      return inner;
    }
    const close = this.#take();
    return inner && { ...inner, from: open.from, to: close.to };
  }

  #predicate(): Expression | null {
    if (++this.#predicates > MAX_FILTER_PREDICATES) {
      const message = `The filter has more than ${MAX_FILTER_PREDICATES} conditions.`;
      this.#stop(this.#peek, message, 'Replace OR conditions on one field by field.in:(…).');
      return null;
    }
    const path = this.#path();
    const last = path.segments.at(-1);
    const word = path.segments.length > 1 && last && this.#isPlain(last) ? operatorOfWord(String(last.key)) : undefined;
    const field: Path = { ...path, segments: path.segments.slice(0, -1), to: path.segments.at(-2)?.to ?? path.to };

    if (this.#at('operator')) {
      const symbol = this.#take();
      if (word && symbol.text === ':') {
        return this.#compared(field, word, isNullOperator(word) ? this.#single(field) : this.#operand());
      }
      return this.#compared(path, OPERATOR_OF_SYMBOL[symbol.text] ?? 'eq', this.#single(path));
    }
    if (word && isNullOperator(word)) return this.#compared(field, word, []);
    return this.#operatorMissing(path, word && field);
  }

  #compared(path: Path, operator: Operator, values: readonly Value[] | null): Predicate | Broken {
    const span = { from: path.from, to: this.#previous.to };
    if (!values) return { kind: 'broken', path, ...span };
    return { kind: 'predicate', path, ...nullTest(operator, values), ...span };
  }

  #path(): Path {
    const segments = [this.#name()];
    for (;;) {
      if (this.#at('.')) {
        const dot = this.#take();
        if (isName(this.#peek) || KEYWORDS.has(this.#peek.kind)) segments.push(this.#name());
        else this.#report(dot, 'A name is missing after the dot.', 'Write the key that follows, or remove the dot.');
      } else if (this.#at('[')) segments.push(...this.#listIndex());
      else break;
    }
    return { segments, from: segments[0]?.from ?? 0, to: this.#previous.to };
  }

  #name(): Segment {
    const token = this.#take();
    if (token.kind === 'quoted' && !token.problem) {
      this.#report(token, 'A field name stands without quotes.', `Write ${quotedName(token.text)}`);
    } else if (token.kind === 'bare' && !PLAIN_NAME.test(token.text)) {
      const index = /^\d+$/.test(token.text) ? `Write [${token.text}] for an item of a list, or ` : 'Write ';
      const message = `${token.text} is not a plain name, which has letters, digits and _ only.`;
      this.#report(token, message, `${index}${quotedName(token.text)}`);
    }
    return { key: token.text, from: token.from, to: token.to };
  }

  #listIndex(): Segment[] {
    const open = this.#take();
    const index = this.#peek;
    const isIndex = index.kind === 'bare' && /^\d+$/.test(index.text);
    if (isName(index)) this.#take();
    const closed = this.#at(']');
    if (closed) this.#take();
    if (!isIndex || !closed) {
      const span = { from: open.from, to: this.#previous.to };
      const hint = 'Write a number from 0, as in output.outputs[0].url, or .key for a key.';
      this.#report(span, 'Brackets hold the index of a list item.', hint);
      return [{ key: index.text, ...span }];
    }
    if (index.text.length > MAX_INDEX_DIGITS) {
      this.#report(index, `An index has at most ${MAX_INDEX_DIGITS} digits.`, 'Lists are never that long.');
      return [];
    }
    return [{ key: Number(index.text), from: open.from, to: this.#previous.to }];
  }

  /** One value where a list is a mistake worth its own words: after a symbol or a null test. */
  #single(path: Path): Value[] | null {
    if (!this.#at('(')) return this.#operand();
    const open = this.#peek;
    this.#list();
    const hint = `Write ${printPath(path)}.in:(…)`;
    this.#report({ from: open.from, to: this.#previous.to }, 'A list needs the operator in.', hint);
    return null;
  }

  #operand(): Value[] | null {
    if (this.#at('(')) return this.#list();
    const value = this.#value();
    return value && [value];
  }

  #list(): Value[] | null {
    const open = this.#take();
    const values: (Value | null)[] = [];
    if (this.#at(')')) {
      this.#report({ from: open.from, to: this.#take().to }, 'The list is empty.', "Give it values: ('a', 'b')");
      return null;
    }
    for (;;) {
      values.push(this.#value());
      if (values.length > MAX_LIST_ITEMS) {
        this.#stop(this.#previous, `A list has at most ${MAX_LIST_ITEMS} values.`, 'Ask for fewer at once.');
        return null;
      }
      const next = this.#peek;
      if (next.kind === ',') this.#take();
      else if (next.kind === ')') {
        this.#take();
        return values.every((value) => value !== null) ? values : null;
      } else if (isName(next) && !this.#startsCondition()) {
        this.#report(next, 'A comma is missing before this value.', "Separate values by commas: ('a', 'b')");
      } else {
        this.#report(open, 'This list is never closed.', 'Put a ) after its last value.');
        return null;
      }
    }
  }

  #value(): Value | null {
    const token = this.#peek;
    if (token.kind === 'quoted') {
      this.#take();
      return token.problem ? null : { text: token.text, quoted: true, from: token.from, to: token.to };
    }
    if (token.kind === 'backquoted') {
      this.#take();
      this.#report(token, 'Back quotes are for names of fields.', `Write ${quotedText(token.text)}`);
      return { text: token.text, quoted: true, from: token.from, to: token.to };
    }
    const isBare = token.kind === 'bare';
    const runsOn = this.#next.from === token.to && !AFTER_VALUE.has(this.#next.kind);
    if (token.kind === 'unknown' || (isBare && runsOn)) return this.#unquotedRun();
    if (isBare) {
      this.#take();
      return { text: token.text, quoted: false, from: token.from, to: token.to };
    }
    const hint = KEYWORDS.has(token.kind)
      ? `If the word is meant, quote it: ${quotedText(token.text)}`
      : "Write a value: 'text', 42";
    this.#report(this.#previous, `A value is missing after ${this.#previous.text}`, hint);
    if (token.kind === 'operator' || token.kind === '.') this.#skipUnquotedRun();
    return null;
  }

  /** A value such as `foo.bar` or `https://x.y`: understood, but to be quoted. */
  #unquotedRun(): Value {
    const from = this.#peek.from;
    const to = this.#skipUnquotedRun();
    const text = this.#text.slice(from, to);
    const message = 'Unquoted values have letters, digits, _ - / @ only.';
    this.#report({ from, to }, message, `Write ${quotedText(text)}`);
    return { text, quoted: true, from, to };
  }

  /** Passes over the tokens from here to the next space, comma or closing parenthesis; returns where that is. */
  #skipUnquotedRun(): number {
    do this.#index++;
    while (this.#peek.from === this.#previous.to && !AFTER_VALUE.has(this.#peek.kind));
    return this.#previous.to;
  }

  /** @param field the path without its last word, if that is an operator. */
  #operatorMissing(path: Path, field: Path | undefined): Broken {
    const span = { from: path.from, to: this.#skipWords()?.to ?? path.to };
    const name = printPath(field ?? path);
    if (field) {
      const dotted = `${name}.${path.segments.at(-1)?.key}`;
      this.#report(span, `A colon and a value are missing after ${dotted}`, `Write ${dotted}:'value'`);
    } else {
      const hint = `Write ${name}:value, ${name}>value or ${name}.isnull`;
      this.#report(span, `An operator is missing after ${name}`, hint);
    }
    return { kind: 'broken', path: field ?? path, ...span };
  }

  #conditionMissing(): void {
    const here = this.#peek;
    const before = this.#index > 0 ? this.#previous : undefined;
    if (before && (before.kind === 'and' || before.kind === 'or' || before.kind === 'not')) {
      this.#report(before, `A condition is missing after ${before.text}`, 'Add one, or remove the word.');
    } else if (before?.kind === '(' && here.kind === ')') {
      this.#report({ from: before.from, to: here.to }, 'The parentheses are empty.', 'Put a condition between them.');
    } else if (here.kind === 'and' || here.kind === 'or') {
      this.#report(here, `A condition is missing before ${here.text}`, 'Add one, or remove the word.');
    } else if (!before?.problem) {
      this.#report(before ?? here, 'A condition is missing here.', 'Write one: status_code:failed');
    }
  }

  /** Reports what stands where AND or OR should; true when a condition can be read from here on. */
  #connectorMissing(): boolean {
    const token = this.#peek;
    const before = this.#previous;
    if (/T\d\d:\d\d/i.test(before.text) && /^\d\d:?\d\d/.test(this.#text.slice(token.from))) {
      const hint = 'If this is a time zone, its + was lost: in a URL a + is sent as %2B.';
      this.#report({ from: token.from, to: this.#skipUnquotedRun() }, 'This belongs to no condition.', hint);
      return false;
    }
    if (token.kind === '(' || token.kind === 'not' || this.#startsCondition()) {
      this.#report(token, `AND or OR is missing before ${token.text}`, 'Conditions are joined by AND or OR.');
      return true;
    }
    const words = this.#skipWords();
    if (words) {
      const hint = `A value with spaces stands in quotes: ${quotedText(this.#text.slice(before.from, words.to))}`;
      this.#report(words, 'This belongs to no condition.', hint);
    } else this.#skipJunk(`${token.text} is out of place here.`, 'Join conditions by AND or OR.');
    return false;
  }

  /** Passes over words that begin no condition; undefined when there are none. */
  #skipWords(): Span | undefined {
    const from = this.#peek.from;
    let to: number | undefined;
    while (isName(this.#peek) && !this.#startsCondition()) to = this.#take().to;
    return to === undefined ? undefined : { from, to };
  }

  /** Passes over punctuation that begins nothing, and reports it once. */
  #skipJunk(message: string, hint: string): void {
    const problem = this.#peek.problem;
    const junk = this.#skip(JUNK);
    this.#report(junk, problem?.message ?? message, problem?.hint ?? hint);
  }

  /** Passes over the token here and all of the given kinds after it, without a word. */
  #skip(kinds: ReadonlySet<TokenKind>): Span {
    const from = this.#peek.from;
    do this.#index++;
    while (kinds.has(this.#peek.kind));
    return { from, to: this.#previous.to };
  }

  #startsCondition(): boolean {
    return isName(this.#peek) && AFTER_NAME.has(this.#next.kind);
  }

  /** Whether a segment was written without back quotes, so that it may be an operator word. */
  #isPlain(segment: Segment): boolean {
    return typeof segment.key === 'string' && this.#text.charAt(segment.from) !== '`';
  }

  #at(kind: TokenKind): boolean {
    return this.#peek.kind === kind;
  }

  get #peek(): Token {
    return this.#tokens[this.#index] as Token;
  }

  get #next(): Token {
    return this.#tokens[Math.min(this.#index + 1, this.#tokens.length - 1)] as Token;
  }

  get #previous(): Token {
    return this.#tokens[Math.max(this.#index - 1, 0)] as Token;
  }

  #take(): Token {
    const token = this.#peek;
    if (token.kind !== 'end') this.#index++;
    if (token.problem) this.#report(token, token.problem.message, token.problem.hint);
    return token;
  }

  #report(span: Span, message: string, hint: string): void {
    if (this.#stopped) return;
    this.#diagnostics.push({ severity: 'error', from: span.from, to: span.to, message, hint });
  }

  #stop(span: Span, message: string, hint: string): void {
    this.#report(span, message, hint);
    this.#stopped = true;
    this.#index = this.#tokens.length - 1;
  }
}

function isName(token: Token): boolean {
  return token.kind === 'bare' || token.kind === 'backquoted' || token.kind === 'quoted';
}

/** One expression of many; what is null is left out, and a junction inside its like is dissolved in it. */
function joined(kind: 'and' | 'or', terms: readonly (Expression | null)[]): Expression | null {
  const flat = terms.flatMap((term) => (term?.kind === kind ? term.terms : (term ?? [])));
  const [first] = flat;
  if (first === undefined || flat.length === 1) return first ?? null;
  return { kind, terms: flat, from: first.from, to: flat.at(-1)?.to ?? first.to };
}

/** The one form of null tests that {@link Predicate} promises; anything else is left as it is. */
function nullTest(operator: Operator, values: readonly Value[]): { operator: Operator; values: readonly Value[] } {
  const [only] = values;
  const word = only && values.length === 1 && !only.quoted ? only.text.toLowerCase() : '';
  const isNull = { operator: 'isnull', values: [] } as const;
  const notNull = { operator: 'notnull', values: [] } as const;
  switch (`${operator} ${word}`) {
    case 'eq null':
    case 'isnull true':
    case 'notnull false':
      return isNull;
    case 'ne null':
    case 'isnull false':
    case 'notnull true':
      return notNull;
    default:
      return { operator, values };
  }
}
