import { nearest } from '../domain/nearest.ts';
import {
  type Expression,
  isNullOperator,
  OPERATORS,
  type Operator,
  type Path,
  type Predicate,
  type Segment,
  type Span,
  type Value,
} from './ast.ts';
import type { CheckedFilter, CheckedTest, CheckedValue, Order, Target } from './checked-filter.ts';
import { isBareDate, isRelativeTime, readDatetime } from './datetime.ts';
import { canonicalDecimal } from './decimal.ts';
import { type Diagnostic, inTextOrder } from './diagnostic.ts';
import { matcher } from './match.ts';
import { printPath, quotedText } from './print.ts';
import { endsInLoneBackslash, literalPattern } from './text.ts';
import { type Field, type FieldKind, fieldAt, OPERATORS_OF_KIND, type Vocabulary } from './vocabulary.ts';

/** What a check needs to know besides the words. */
export interface CheckOptions {
  /** What `now` means, in epoch milliseconds. */
  readonly now: number;
  /** Makes unknown words of a code field an error; otherwise a warning, and such a condition finds nothing. */
  readonly strict?: boolean;
}

/** A filter in the words of the domain, and everything that is wrong or odd about it. */
export interface CheckResult {
  /** Null when there is nothing to filter by, or when there are errors. */
  readonly filter: CheckedFilter | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Gives an expression its meaning in a vocabulary. Never throws; reports all mistakes at once. */
export function check(tree: Expression | null, vocabulary: Vocabulary, options: CheckOptions): CheckResult {
  const checker = new Checker(vocabulary, options);
  const filter = tree && checker.expression(tree);
  return { filter, diagnostics: inTextOrder(checker.diagnostics) };
}

const KIND_IN_WORDS: Readonly<Record<FieldKind, { readonly noun: string; readonly example: string }>> = {
  uuid: { noun: 'a UUID', example: "'3c90c3cc-0d44-4b50-8888-8dd25736052a'" },
  text: { noun: 'text', example: "'some text'" },
  code: { noun: 'text', example: "'some_code'" },
  datetime: { noun: 'a date or time', example: '2026-04-01, 2026-04-01T10:00:00Z or now-7d' },
  integer: { noun: 'a whole number', example: '1500' },
  decimal: { noun: 'a decimal number', example: '0.05' },
  boolean: { noun: 'true or false', example: 'true' },
  json: { noun: 'a JSON value', example: "'text', 42 or true" },
};

/** How many values an operator takes; those not named take one. */
const VALUE_COUNT: Readonly<Partial<Record<Operator, { least: number; most: number; words: string }>>> = {
  in: { least: 1, most: Number.POSITIVE_INFINITY, words: 'at least one value' },
  nin: { least: 1, most: Number.POSITIVE_INFINITY, words: 'at least one value' },
  between: { least: 2, most: 2, words: 'exactly two values, as in (1, 10)' },
};
const ONE_VALUE = { least: 1, most: 1, words: 'one value; for several there is in' };

const EQUALITY: ReadonlySet<Operator> = new Set(['eq', 'ne', 'in', 'nin']);
const TEXT_SEARCHES: ReadonlySet<Operator> = new Set(['contains', 'startswith', 'endswith']);

class Checker {
  readonly diagnostics: Diagnostic[] = [];
  readonly #vocabulary: Vocabulary;
  readonly #now: number;
  readonly #strict: boolean;

  constructor(vocabulary: Vocabulary, { now, strict = false }: CheckOptions) {
    this.#vocabulary = vocabulary;
    this.#now = now;
    this.#strict = strict;
  }

  /** Null when the expression, or a part of it, has no meaning. */
  expression(tree: Expression): CheckedFilter | null {
    switch (tree.kind) {
      case 'and':
      case 'or': {
        // All terms are checked before any is given up, so that all mistakes are found.
        const terms = tree.terms.map((term) => this.expression(term));
        return terms.every((term) => term !== null) ? { kind: tree.kind, terms } : null;
      }
      case 'not': {
        const term = this.expression(tree.term);
        return term && { kind: 'not', term };
      }
      case 'predicate':
        return this.#predicate(tree);
      case 'broken':
        this.#field(tree.path);
        return null;
    }
  }

  #predicate(predicate: Predicate): CheckedFilter | null {
    const { operator, values, path } = predicate;
    const found = this.#field(path);
    if (!found) return null;
    const { field, rest } = found;
    const name = printPath(path);
    if (isNullOperator(operator)) return this.#nullTest(predicate, field, rest);

    if (field.kind === 'json' && rest.length === 0) {
      const hint = `Say which key: ${name}.some_key:'value'. The whole only takes ${name}.isnull and ${name}.notnull.`;
      return this.#error(path, `${name} is JSON and has no one value to compare.`, hint);
    }
    if (!OPERATORS_OF_KIND[field.kind].includes(operator)) {
      const hint = `It takes ${OPERATORS_OF_KIND[field.kind].join(', ')}.`;
      return this.#error(
        predicate,
        `${name} holds ${KIND_IN_WORDS[field.kind].noun}: ${operator} is not for it.`,
        hint,
      );
    }
    const count = VALUE_COUNT[operator] ?? ONE_VALUE;
    if (values.length < count.least || values.length > count.most) {
      const given = values.length === 1 ? 'one is' : `${values.length} are`;
      return this.#error(
        predicate,
        `${operator} takes ${count.words}; ${given} given.`,
        `Change the values of ${name}.`,
      );
    }
    const typed = values.map((value) => this.#value(value, operator, field, name));
    return typed.every((value) => value !== null) ? meaning(operator, field, targetOf(field, rest), typed) : null;
  }

  #nullTest({ operator, values, path }: Predicate, field: Field, rest: readonly Segment[]): CheckedFilter | null {
    const [value] = values;
    if (value) {
      const hint = `Write ${printPath(path)}.${operator} alone, or with :true or :false.`;
      return this.#error(value, `${operator} takes no value but true or false.`, hint);
    }
    return meaning(operator, field, targetOf(field, rest), []);
  }

  /** The field that a path begins with, and the keys that lead on into its JSON. */
  #field(path: Path): { field: Field; rest: readonly Segment[] } | null {
    const keys = path.segments.map(({ key }) => key);
    const found = fieldAt(keys, this.#vocabulary);
    if (found) {
      const { field, length } = found;
      const rest = path.segments.slice(length);
      return field.kind === 'json' || rest.length === 0 ? { field, rest } : this.#notAnOperator(field, rest);
    }
    const name = printPath(path);
    const known = [...this.#vocabulary.byName.keys()];
    const near = nearest(keys.join('.'), known);
    const hint = near ? `Did you mean ${near}?` : `The fields are ${known.join(', ')}.`;
    return this.#error(path, `There is no field ${name}.`, hint);
  }

  /** `status_code.foo:'x'`: only JSON has keys, so what follows another field was meant as an operator. */
  #notAnOperator(field: Field, rest: readonly Segment[]): null {
    const word = rest.map(({ key }) => key).join('.');
    const span = { from: rest[0]?.from ?? 0, to: rest.at(-1)?.to ?? 0 };
    const allowed = OPERATORS_OF_KIND[field.kind];
    const near = nearest(word, allowed);
    const isOperator = OPERATORS.some((operator) => operator === word.toLowerCase());
    const hint = isOperator
      ? `An operator in words is followed by a colon: ${field.name}.${word}:…`
      : near
        ? `Did you mean ${field.name}.${near}:…?`
        : `It takes ${allowed.join(', ')}.`;
    return this.#error(span, `${field.name} has no key or operator ${word}.`, hint);
  }

  #value(value: Value, operator: Operator, field: Field, name: string): CheckedValue | null {
    if (!value.quoted && value.text.toLowerCase() === 'null') {
      const hint = `Write ${name}.isnull or ${name}.notnull; if the word is meant, quote it: 'null'`;
      return this.#error(value, `null cannot be used with ${operator}.`, hint);
    }
    if (!value.text.isWellFormed()) {
      return this.#error(value, 'The text holds half a character (a lone surrogate).', 'Type that character anew.');
    }
    if (operator === 'like' || operator === 'ilike') return this.#pattern(value);
    const typed =
      field.kind === 'json' ? this.#jsonValue(value, operator) : readValue(value.text, field.kind, this.#now);
    if (typed === undefined) {
      const { noun, example } = KIND_IN_WORDS[field.kind];
      return this.#error(value, `${quotedText(value.text)} is not ${noun}.`, `${name} takes ${noun}: ${example}`);
    }
    if (field.codes && EQUALITY.has(operator)) return this.#code(value, Object.keys(field.codes), name);
    if (field.kind === 'datetime' && operator === 'eq' && isBareDate(value.text)) {
      const hint = `For the whole day write ${name}>=${value.text} AND ${name}< the next day.`;
      this.#warn(value, `This finds only the very instant ${value.text}T00:00:00Z.`, hint);
    }
    return typed;
  }

  #code(value: Value, words: readonly string[], name: string): CheckedValue | null {
    if (words.includes(value.text)) return value.text;
    const message = `${quotedText(value.text)} is no value of ${name}.`;
    const near = nearest(value.text, words);
    const hint = near ? `Did you mean ${near}?` : `The values are ${words.join(', ')}.`;
    if (this.#strict) return this.#error(value, message, hint);
    this.#warn(value, message, hint);
    return value.text;
  }

  #pattern(value: Value): string | null {
    if (!endsInLoneBackslash(value.text)) return value.text;
    const hint = 'For a backslash itself write it doubled, which in a string makes four.';
    return this.#error(value, 'The pattern ends in a backslash, which escapes what follows.', hint);
  }

  /** In JSON the form of the literal says its type: `42` is a number, `'42'` text, `true` a boolean. */
  #jsonValue(value: Value, operator: Operator): CheckedValue | null | undefined {
    const { text, quoted } = value;
    if (quoted || TEXT_SEARCHES.has(operator)) return text;
    if (/^(true|false)$/i.test(text)) {
      if (EQUALITY.has(operator)) return text.toLowerCase() === 'true';
      return this.#error(value, 'true and false have no order.', 'Compare them with : or !=');
    }
    if (isRelativeTime(text) && text.toLowerCase() !== 'now') {
      this.#warn(value, 'In JSON this is plain text, not a time.', 'Relative times work with datetime fields only.');
    }
    if (!/^-?\d+(\.\d+)?$/.test(text)) return text;
    return Number.isFinite(Number(text)) ? Number(text) : undefined;
  }

  #error(span: Span, message: string, hint: string): null {
    this.diagnostics.push({ severity: 'error', from: span.from, to: span.to, message, hint });
    return null;
  }

  #warn(span: Span, message: string, hint: string): void {
    this.diagnostics.push({ severity: 'warning', from: span.from, to: span.to, message, hint });
  }
}

/** Undefined when the text is no value of this kind. */
function readValue(text: string, kind: FieldKind, now: number): CheckedValue | undefined {
  switch (kind) {
    case 'uuid':
      return readUuid(text);
    case 'datetime':
      return readDatetime(text, now) ?? undefined;
    case 'integer':
      // Adding 0 makes 0 of -0.
      return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) + 0 : undefined;
    case 'decimal':
      return canonicalDecimal(text) ?? undefined;
    case 'boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
    default:
      return text;
  }
}

/** Takes the spellings of RFC 9562 and its kin: upper case, no hyphens, braces, `urn:uuid:`. */
function readUuid(text: string): string | undefined {
  const bare = text.toLowerCase().replace(/^urn:uuid:/, '');
  const digits = (/^\{.*\}$/.test(bare) ? bare.slice(1, -1) : bare).replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function targetOf(field: Field, rest: readonly Segment[]): Target {
  return { column: field.column, kind: field.kind, path: rest.map(({ key }) => key) };
}

/** Reduces an operator to the few that a checked filter has. */
function meaning(operator: Operator, field: Field, target: Target, values: readonly CheckedValue[]): CheckedFilter {
  const [first = '', second = ''] = values;
  const test = (test: CheckedTest) => (field.codes ? inDomainCodes(test, field.codes) : test);
  const not = (term: CheckedFilter) => ({ kind: 'not', term }) as const;
  const order = (order: Order, value: CheckedValue) => test({ kind: 'order', target, order, value });
  const like = (pattern: string, ignoreCase = false) => test({ kind: 'like', target, pattern, ignoreCase });
  switch (operator) {
    case 'eq':
    case 'in':
      return test({ kind: 'in', target, values });
    case 'ne':
    case 'nin':
      return not(test({ kind: 'in', target, values }));
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return order(operator, first);
    case 'between':
      return { kind: 'and', terms: [order('gte', first), order('lte', second)] };
    case 'like':
      return like(String(first));
    case 'ilike':
      return like(String(first), true);
    case 'contains':
      return like(`%${literalPattern(String(first))}%`);
    case 'startswith':
      return like(`${literalPattern(String(first))}%`);
    case 'endswith':
      return like(`%${literalPattern(String(first))}`);
    case 'isnull':
      return { kind: 'null', target };
    case 'notnull':
      return not({ kind: 'null', target });
  }
}

/** Turns a test of the words of an API, whatever its operator, into the list of domain codes whose word passes it. */
function inDomainCodes(test: CheckedTest, codes: NonNullable<Field['codes']>): CheckedTest {
  const { target } = test;
  const passes = matcher(test);
  const values = Object.entries(codes).flatMap(([word, stored]) => (passes({ [target.column]: word }) ? stored : []));
  return { kind: 'in', target, values };
}
