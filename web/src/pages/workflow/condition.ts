import { isJsonObject, type JsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { isBinary, OPERATORS, type Operator } from '../../../../src/domain/operator.ts';

/** A comparison of one value with another. */
export interface Rule {
  readonly kind: 'rule';
  readonly left: JsonValue;
  readonly operator: Operator;
  readonly right: JsonValue;
  /** What the rule says besides, such as `case_sensitive`. */
  readonly rest: JsonObject;
}

/** Rules of which all, or any, must hold; `isNot` turns the answer around. */
export interface Group {
  readonly kind: 'group';
  readonly combinator: 'all' | 'any';
  readonly isNot: boolean;
  readonly parts: readonly Condition[];
}

export type Condition = Rule | Group;

export const NEW_RULE: Rule = { kind: 'rule', left: '', operator: 'equals', right: '', rest: {} };
export const NEW_GROUP: Group = { kind: 'group', combinator: 'all', isNot: false, parts: [NEW_RULE] };

/** Reads a condition in any of the forms that the node takes, as a group. Null: it is none of them, and is edited as JSON. */
export function readCondition(written: JsonValue | undefined): Group | null {
  if (written === undefined || written === null || written === '') return { ...NEW_GROUP, parts: [] };
  const read = readAny(written);
  if (read === null) return null;
  return read.kind === 'group' ? read : { kind: 'group', combinator: 'all', isNot: false, parts: [read] };
}

function readAny(written: JsonValue): Condition | null {
  if (Array.isArray(written)) return groupOf('all', false, written);
  if (!isJsonObject(written)) return null;
  const { all, any, not, combinator, rules } = written;
  if (Array.isArray(all)) return groupOf('all', false, all);
  if (Array.isArray(any)) return groupOf('any', false, any);
  if (Array.isArray(rules)) return groupOf(combinator === 'or' ? 'any' : 'all', not === true, rules);
  if (not !== undefined) {
    const turned = readAny(not);
    if (turned === null) return null;
    if (turned.kind === 'rule') return { kind: 'group', combinator: 'all', isNot: true, parts: [turned] };
    return { ...turned, isNot: !turned.isNot };
  }
  const { left, operator, right, ...rest } = written;
  const known = OPERATORS.find((name) => name === operator);
  return known === undefined ? null : { kind: 'rule', left: left ?? null, operator: known, right: right ?? null, rest };
}

function groupOf(combinator: Group['combinator'], isNot: boolean, written: readonly JsonValue[]): Group | null {
  const parts = written.map(readAny);
  if (parts.includes(null)) return null;
  return { kind: 'group', combinator, isNot, parts: parts.filter((part) => part !== null) };
}

/** As the node takes it. Null for a group without rules, which the node refuses. */
export function writeCondition(condition: Condition): JsonValue {
  if (condition.kind === 'rule') {
    const { left, operator, right, rest } = condition;
    return { left, operator, ...(isBinary(operator) && { right }), ...rest };
  }
  const parts = condition.parts.map(writeCondition).filter((part) => part !== null);
  if (parts.length === 0) return null;
  const group = { [condition.combinator]: parts };
  return condition.isNot ? { not: group } : group;
}
