import {
  type Expression,
  isNullOperator,
  OPERATOR_OF_SYMBOL,
  type Operator,
  operatorOfWord,
  type Path,
  type Predicate,
  type Segment,
  type Value,
} from './ast.ts';
import { PLAIN_NAME } from './token.ts';

/**
 * The canonical text of an expression: symbols where there are any, dotted words where not, no needless parentheses.
 * `parse` reads it back to the same tree, spans aside.
 */
export function print(expression: Expression): string {
  switch (expression.kind) {
    case 'and':
      return expression.terms.map((term) => (term.kind === 'or' ? `(${print(term)})` : print(term))).join(' AND ');
    case 'or':
      return expression.terms.map(print).join(' OR ');
    case 'not': {
      const isJunction = expression.term.kind === 'and' || expression.term.kind === 'or';
      return isJunction ? `NOT (${print(expression.term)})` : `NOT ${print(expression.term)}`;
    }
    case 'predicate':
      return printPredicate(expression);
    case 'broken':
      return printPath(expression.path);
  }
}

/** A path as it is written: keys joined by dots, indexes in brackets. */
export function printPath(path: Path): string {
  return path.segments.map((segment, index) => printSegment(segment, index)).join('');
}

/** Text as a string of the language: `it's` becomes `'it''s'`. */
export function quotedText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** A name as it stands in a path: in back quotes only where it needs them. */
export function quotedName(name: string): string {
  const isWordOfTheLanguage = /^(and|or|not)$/i.test(name) || operatorOfWord(name) !== undefined;
  return PLAIN_NAME.test(name) && !isWordOfTheLanguage ? name : `\`${name.replaceAll('`', '``')}\``;
}

const SYMBOLS: Readonly<Partial<Record<Operator, string>>> = Object.fromEntries(
  // The first symbol of an operator is its canonical one.
  Object.entries(OPERATOR_OF_SYMBOL)
    .toReversed()
    .map(([symbol, operator]) => [operator, symbol]),
);

function printPredicate({ path, operator, values }: Predicate): string {
  const field = printPath(path);
  if (isNullOperator(operator) && values.length === 0) return `${field}.${operator}`;
  const [only] = values;
  const symbol = SYMBOLS[operator];
  const takesList = operator === 'in' || operator === 'nin';
  if (only && values.length === 1 && !takesList) {
    return `${field}${symbol ?? `.${operator}:`}${printValue(only)}`;
  }
  if (symbol && only && values.length === 1) return `${field}${symbol}${printValue(only)}`;
  return `${field}.${operator}:(${values.map(printValue).join(', ')})`;
}

function printSegment({ key }: Segment, index: number): string {
  if (typeof key === 'number') return `[${key}]`;
  return index === 0 ? quotedName(key) : `.${quotedName(key)}`;
}

function printValue(value: Value): string {
  return value.quoted ? quotedText(value.text) : value.text;
}
