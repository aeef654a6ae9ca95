import type { Operator } from './ast.ts';

/** What a field holds, and so which values and operators it takes. `code` is text of a small set of words. */
export type FieldKind = 'uuid' | 'text' | 'code' | 'datetime' | 'integer' | 'decimal' | 'boolean' | 'json';

/** One field that a list can be filtered by. */
export interface Field {
  /** As people write it; may have dots, for a field of a relation: `model.slug`. */
  readonly name: string;
  /** The key of the record, in the words of the domain, that `match` reads and a store maps to SQL. */
  readonly column: string;
  readonly kind: FieldKind;
  /** One sentence for people who choose a field from a list. */
  readonly description: string;
  /**
   * The words of a code field and the domain's codes each stands for: several where the domain is finer, none where it
   * never occurs. Without it any text goes, and stands for itself.
   */
  readonly codes?: Readonly<Record<string, readonly string[]>>;
  /** Whether `sort_by` takes it. */
  readonly sortable: boolean;
}

/** The fields that one list understands, in the words of one API. */
export interface Vocabulary {
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
  /** How many keys the longest name has: 2 for `model.slug`. */
  readonly mostKeys: number;
}

/** A field that can be sorted by unless it holds JSON. */
export function field(
  name: string,
  column: string,
  kind: FieldKind,
  description: string,
  codes?: Field['codes'],
): Field {
  return { name, column, kind, description, sortable: kind !== 'json', ...(codes && { codes }) };
}

/** Makes a vocabulary of fields. Throws when two have one name, which is a mistake of the programmer. */
export function vocabularyOf(fields: readonly Field[]): Vocabulary {
  const byName = new Map(fields.map((field) => [field.name, field]));
  if (byName.size !== fields.length) throw new Error('Two fields of a vocabulary have the same name.');
  return { fields, byName, mostKeys: Math.max(0, ...fields.map(({ name }) => name.split('.').length)) };
}

/**
 * The field that a path begins with, and how many of its keys are the name; the longest name wins. The rest is the way into
 * JSON, or an operator.
 */
export function fieldAt(
  keys: readonly (string | number)[],
  vocabulary: Vocabulary,
): { field: Field; length: number } | undefined {
  for (let length = Math.min(keys.length, vocabulary.mostKeys); length > 0; length--) {
    const name = keys.slice(0, length);
    const field = name.every((key) => typeof key === 'string') && vocabulary.byName.get(name.join('.'));
    if (field) return { field, length };
  }
  return undefined;
}

const NULL_TESTS: readonly Operator[] = ['isnull', 'notnull'];
const EQUALITY: readonly Operator[] = ['eq', 'ne', 'in', 'nin'];
const ORDER: readonly Operator[] = ['lt', 'lte', 'gt', 'gte', 'between'];
const PATTERNS: readonly Operator[] = ['like', 'ilike', 'contains', 'startswith', 'endswith'];

/** The operators that a kind of field takes. A JSON field without a path takes null tests only. */
export const OPERATORS_OF_KIND: Readonly<Record<FieldKind, readonly Operator[]>> = {
  uuid: [...EQUALITY, ...NULL_TESTS],
  text: [...EQUALITY, ...ORDER, ...PATTERNS, ...NULL_TESTS],
  code: [...EQUALITY, ...ORDER, ...PATTERNS, ...NULL_TESTS],
  datetime: [...EQUALITY, ...ORDER, ...NULL_TESTS],
  integer: [...EQUALITY, ...ORDER, ...NULL_TESTS],
  decimal: [...EQUALITY, ...ORDER, ...NULL_TESTS],
  boolean: ['eq', 'ne', ...NULL_TESTS],
  json: [...EQUALITY, ...ORDER, ...PATTERNS, ...NULL_TESTS],
};
