/** How two values, or one, are judged. The same words in conditions, switches and list filters. */
export const OPERATORS = [
  'equals',
  'not_equals',
  'greater',
  'greater_or_equal',
  'less',
  'less_or_equal',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'matches',
  'in',
  'not_in',
  'is_empty',
  'is_not_empty',
  'is_true',
  'is_false',
  'exists',
  'not_exists',
] as const;

export type Operator = (typeof OPERATORS)[number];

/** Operators that look at one value alone. */
const UNARY: ReadonlySet<Operator> = new Set([
  'is_empty',
  'is_not_empty',
  'is_true',
  'is_false',
  'exists',
  'not_exists',
]);

/** True when the operator compares with a second value. */
export function isBinary(operator: Operator): boolean {
  return !UNARY.has(operator);
}
