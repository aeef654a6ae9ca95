import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { compileTest, isBinary, OPERATORS, type Operator, readOperator } from './comparison.ts';
import { holdsToken } from './config.ts';
import { resolveReferences } from './template.ts';

/** Deeper groups cannot be read by people any more. */
const MAX_DEPTH = 10;

const MAX_RULES = 200;

/** A condition as an author writes it. */
export const CONDITION_EXAMPLE =
  '{"all": [{"left": "((Score))", "operator": "greater", "right": 5}, {"any": [{"left": "((Name))", "operator": "is_empty"}]}]}';

/** Rules on variables, and groups of them. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | {
      readonly kind: 'rule';
      readonly left: JsonValue;
      readonly operator: Operator;
      readonly right: JsonValue;
      readonly caseSensitive: boolean | null;
    };

class Unreadable extends Error {}

/** Reads a condition as an author writes it: a rule, a list of rules, or a group. */
export function readConditions(written: JsonValue): { condition: Condition } | { problem: string } {
  const budget = { rules: MAX_RULES };
  try {
    return { condition: readCondition(written, 'conditions', 1, budget) };
  } catch (error) {
    if (error instanceof Unreadable) return { problem: error.message };
    throw error;
  }
}

function readCondition(written: JsonValue, at: string, depth: number, budget: { rules: number }): Condition {
  if (depth > MAX_DEPTH) throw new Unreadable(`${at} is nested deeper than ${MAX_DEPTH} groups.`);
  const readParts = (parts: JsonValue, where: string): readonly Condition[] => {
    if (!Array.isArray(parts) || parts.length === 0)
      throw new Unreadable(`${where} must be a list with at least one rule.`);
    return parts.map((part, index) => readCondition(part, `${where}[${index}]`, depth + 1, budget));
  };
  if (Array.isArray(written)) return { kind: 'all', parts: readParts(written, at) };
  if (!isJsonObject(written)) {
    throw new Unreadable(`${at} must be a rule, a list of rules or a group; given was ${JSON.stringify(written)}.`);
  }
  if (written['rules'] !== undefined) return readGroup(written, at, readParts(written['rules'], `${at}.rules`));
  for (const kind of ['all', 'any'] as const) {
    if (written[kind] !== undefined) return { kind, parts: readParts(written[kind], `${at}.${kind}`) };
  }
  if (written['not'] !== undefined) {
    return { kind: 'not', part: readCondition(written['not'], `${at}.not`, depth + 1, budget) };
  }
  if (--budget.rules < 0) throw new Unreadable(`There are more than ${MAX_RULES} rules.`);
  return readRule(written, at);
}

function readGroup(written: JsonObject, at: string, parts: readonly Condition[]): Condition {
  const combinator = written['combinator'] ?? 'and';
  if (combinator !== 'and' && combinator !== 'or') {
    throw new Unreadable(`${at}.combinator must be "and" or "or"; given was ${JSON.stringify(combinator)}.`);
  }
  const group: Condition = { kind: combinator === 'and' ? 'all' : 'any', parts };
  return written['not'] === true ? { kind: 'not', part: group } : group;
}

function readRule(written: JsonObject, at: string): Condition {
  const operator = readOperator(written['operator']);
  if (operator === null) {
    const given = written['operator'] === undefined ? 'missing' : `unknown: ${JSON.stringify(written['operator'])}`;
    throw new Unreadable(`${at}.operator is ${given}. Use one of ${OPERATORS.join(', ')}.`);
  }
  const { left, right } = written;
  if (left === undefined) throw new Unreadable(`${at}.left is missing: name a variable like "((Key))".`);
  if (right === undefined && isBinary(operator)) {
    throw new Unreadable(`${at}.right is missing: "${operator}" compares with a second value.`);
  }
  const pattern = operator === 'matches' && typeof right === 'string' && !right.includes('((') && !holdsToken(right);
  if (pattern) {
    const compiled = compileTest(operator, right, true);
    if ('problem' in compiled) throw new Unreadable(`${at}.right: ${compiled.problem}`);
  }
  const own = written['case_sensitive'];
  return { kind: 'rule', left, operator, right: right ?? null, caseSensitive: typeof own === 'boolean' ? own : null };
}

/** Whether the condition holds, or why that cannot be said. */
export function evaluate(condition: Condition, variables: JsonObject, caseSensitive: boolean): boolean | string {
  switch (condition.kind) {
    case 'not': {
      const verdict = evaluate(condition.part, variables, caseSensitive);
      return typeof verdict === 'string' ? verdict : !verdict;
    }
    case 'all':
    case 'any': {
      const decisive = condition.kind === 'any';
      for (const part of condition.parts) {
        const verdict = evaluate(part, variables, caseSensitive);
        if (typeof verdict === 'string' || verdict === decisive) return verdict;
      }
      return !decisive;
    }
    case 'rule': {
      const right = resolveReferences(condition.right, variables);
      const compiled = compileTest(condition.operator, right, condition.caseSensitive ?? caseSensitive);
      return 'problem' in compiled ? compiled.problem : compiled.test(resolveReferences(condition.left, variables));
    }
  }
}
