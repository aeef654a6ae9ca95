import type { Expression, Operator, Predicate } from '../../../../src/filter/ast.ts';
import { readDatetime } from '../../../../src/filter/datetime.ts';
import { parse } from '../../../../src/filter/parse.ts';
import { print, printPath, quotedText } from '../../../../src/filter/print.ts';

/** Clicks that change a filter change its text: what facets and charts do can be read, undone, and sent as an address. */

/** The conditions that must all hold; null for a filter that cannot be read, which no click may change. */
function termsOf(filter: string): readonly Expression[] | null {
  const { tree, diagnostics } = parse(filter);
  if (diagnostics.length > 0) return null;
  if (tree === null) return [];
  return tree.kind === 'and' ? tree.terms : [tree];
}

function joined(terms: readonly string[]): string {
  return terms.join(' AND ');
}

function textOf(term: Expression): string {
  return term.kind === 'or' ? `(${print(term)})` : print(term);
}

function isOn(term: Expression, field: string, operators: readonly Operator[]): term is Predicate {
  return term.kind === 'predicate' && operators.includes(term.operator) && printPath(term.path) === field;
}

const CHOICES: readonly Operator[] = ['eq', 'in', 'isnull'];
const REFUSALS: readonly Operator[] = ['ne', 'nin', 'notnull'];
const BOUNDS: readonly Operator[] = ['lt', 'lte', 'gt', 'gte', 'between'];

/** Whether the filter can be changed by clicks. */
export function isEditable(filter: string): boolean {
  return termsOf(filter) !== null;
}

/** The values that the filter asks of a field, null among them for runs without one; empty when it asks for none in particular. */
export function chosenValues(filter: string, field: string): readonly (string | null)[] {
  return (termsOf(filter) ?? [])
    .flatMap((term) => (isChoiceWithNull(term, field) && term.kind === 'or' ? term.terms : [term]))
    .filter((term) => isOn(term, field, CHOICES))
    .flatMap(({ operator, values }) => (operator === 'isnull' ? [null] : values.map(({ text }) => text)));
}

/** The filter with other values asked of a field. */
export function withChosen(filter: string, field: string, values: readonly (string | null)[]): string {
  const others = without(filter, field, [...CHOICES, ...REFUSALS]);
  const texts = values.filter((value) => value !== null).map(valueText);
  const choice =
    texts.length > 1 ? `${field}.in:(${texts.join(', ')})` : texts.length === 1 ? `${field}:${texts[0]}` : '';
  const nothing = values.includes(null) ? `${field}.isnull` : '';
  const both = choice && nothing ? `(${choice} OR ${nothing})` : choice || nothing;
  return joined([...others, both].filter(Boolean));
}

/** The filter with one more value that a field must not have. */
export function withRefused(filter: string, field: string, value: string | null): string {
  const refused = value === null ? `${field}.notnull` : `${field}!=${valueText(value)}`;
  return joined([...without(filter, field, CHOICES), refused]);
}

/** The filter without what it says about the values of a field: what its facet is counted under, so that the other values can be seen and added. */
export function withoutChoice(filter: string, field: string): string {
  return joined(without(filter, field, [...CHOICES, ...REFUSALS]));
}

/** From (inclusive) and to (exclusive), epoch milliseconds, that the filter asks of a time; null where it is open. */
export function timeBounds(
  filter: string,
  field: string,
  now: number,
): { readonly from: number | null; readonly to: number | null } {
  let from: number | null = null;
  let to: number | null = null;
  for (const term of termsOf(filter) ?? []) {
    if (!isOn(term, field, BOUNDS)) continue;
    const [first, second] = term.values.map(({ text }) => readDatetime(text, now));
    if (term.operator === 'gt' || term.operator === 'gte' || term.operator === 'between') from = first ?? from;
    if (term.operator === 'lt' || term.operator === 'lte') to = first ?? to;
    if (term.operator === 'between') to = second ?? to;
  }
  return { from, to };
}

/** How the filter bounds a time as it was written, `now-24h`; null without a bound or with two. */
export function sinceText(filter: string, field: string): string | null {
  const bounds = (termsOf(filter) ?? []).filter((term) => isOn(term, field, BOUNDS));
  const [only] = bounds;
  return bounds.length === 1 && (only?.operator === 'gte' || only?.operator === 'gt')
    ? (only.values[0]?.text ?? null)
    : null;
}

/** The filter with a time between two moments: as times are written, such as `now-24h`; null leaves a side open. */
export function withTime(filter: string, field: string, from: string | null, to: string | null): string {
  const bounds = [from !== null && `${field}>=${from}`, to !== null && `${field}<${to}`].filter(
    (bound) => bound !== false,
  );
  return joined([...without(filter, field, BOUNDS), ...bounds]);
}

function without(filter: string, field: string, operators: readonly Operator[]): string[] {
  return (termsOf(filter) ?? [])
    .filter((term) => !isOn(term, field, operators) && !isChoiceWithNull(term, field))
    .map(textOf);
}

/** `(field.in:(a) OR field.isnull)`, as {@link withChosen} writes it. */
function isChoiceWithNull(term: Expression, field: string): boolean {
  return term.kind === 'or' && term.terms.every((one) => isOn(one, field, CHOICES));
}

function valueText(value: string): string {
  return /^[\w/@-]+$/.test(value) && !/^(and|or|not|null)$/i.test(value) ? value : quotedText(value);
}
