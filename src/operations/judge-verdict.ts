import type { EvaluationIssue, JudgeVerdict } from '../domain/evaluation.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { valueAsText } from '../domain/value.ts';
import { jsonParse } from '../nodes/builtin/json-parse.ts';

/** Issues, proofs or strengths of one judge that are kept: more is a judge that repeats itself. */
const MAX_ITEMS = 100;

/** Characters kept of a category or subcategory, which are indexed, of an item's text, and of a judge's reasoning. */
const MAX_WORD = 200;
const MAX_ITEM = 4_000;
const MAX_REASONING = 20_000;

/** The names under which judges say the same. */
const NAMES = {
  passed: ['passed', 'pass', 'overall_passed', 'verdict', 'is_ok', 'ok'],
  confidence: ['confidence', 'certainty'],
  reasoning: ['reasoning', 'reason', 'explanation', 'summary'],
  evidence: ['evidence', 'proof'],
  strengths: ['strengths', 'top_strengths'],
  subPoints: ['sub_point_results', 'sub_points', 'checks'],
  issues: ['issues', 'problems'],
  category: ['category', 'type'],
  subcategory: ['subcategory', 'sub_category', 'code'],
  detail: ['detail', 'description', 'message', 'text'],
} as const;

const PASSED: ReadonlySet<string> = new Set(['true', 'pass', 'passed', 'yes', 'ok', 'accept', 'accepted', '1']);
const FAILED: ReadonlySet<string> = new Set(['false', 'fail', 'failed', 'no', 'reject', 'rejected', '0']);

/**
 * Reads what a judge's run put out, as leniently as it can be understood: the verdict's properties as outputs of their own, or in one object, or in
 * one text of JSON, fenced or not, under names in any case. What says nothing of the kind is no verdict; its text is kept as reasoning.
 * @param category what an issue belongs to that names none
 */
export function readVerdict(output: JsonObject, category: string, newId: () => string): JudgeVerdict {
  const said = [output, ...Object.values(output).map(asObject)].filter((one) => one !== null);
  // An output may be called "verdict" and hold all of it: what counts is which object says yes or no.
  const record =
    said.find((one) => readPassed(pick(one, NAMES.passed)) !== null) ??
    said.find((one) => Array.isArray(pick(one, NAMES.issues))) ??
    {};
  const reasoning = textOf(pick(record, NAMES.reasoning), MAX_REASONING);
  return {
    passed: readPassed(pick(record, NAMES.passed)),
    confidence: readConfidence(pick(record, NAMES.confidence)),
    reasoning: reasoning ?? (Object.keys(record).length === 0 ? wholeText(output) : null),
    evidence: readTexts(pick(record, NAMES.evidence)),
    strengths: readTexts(pick(record, NAMES.strengths)),
    subPoints: objectOrNull(pick(record, NAMES.subPoints)),
    issues: readIssues(pick(record, NAMES.issues), category, newId),
  };
}

function asObject(value: JsonValue): JsonObject | null {
  if (isJsonObject(value)) return value;
  if (typeof value !== 'string' || !value.includes('{')) return null;
  const outcome = jsonParse.run({ nodeId: '', config: {}, values: { text: value } });
  const parsed = outcome.kind === 'succeeded' ? outcome.outputs['output'] : null;
  return isJsonObject(parsed) ? parsed : null;
}

function pick(record: JsonObject, names: readonly string[]): JsonValue {
  for (const name of names) {
    const key = Object.keys(record).find((key) => key.toLowerCase().replaceAll(/[\s-]+/g, '_') === name);
    if (key !== undefined) return record[key] ?? null;
  }
  return null;
}

function readPassed(value: JsonValue): boolean | null {
  if (value === null || typeof value === 'object') return null;
  const word = String(value).trim().toLowerCase();
  if (PASSED.has(word)) return true;
  return FAILED.has(word) ? false : null;
}

/** A share, or percent. */
function readConfidence(value: JsonValue): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value.replace(/%\s*$/, '')) : value;
  if (typeof number !== 'number' || !(number >= 0 && number <= 100)) return null;
  return number > 1 ? number / 100 : number;
}

function textOf(value: JsonValue, length: number): string | null {
  const text = valueAsText(value).trim();
  return text === '' ? null : text.slice(0, length).toWellFormed();
}

function wholeText(output: JsonObject): string | null {
  const values = Object.values(output);
  return textOf(values.length === 1 ? (values[0] ?? null) : output, MAX_REASONING);
}

function itemsOf(value: JsonValue): JsonValue[] {
  const items = Array.isArray(value) ? value : value === null ? [] : [value];
  return items.slice(0, MAX_ITEMS);
}

const readTexts = (value: JsonValue): string[] => itemsOf(value).flatMap((item) => textOf(item, MAX_ITEM) ?? []);

const objectOrNull = (value: JsonValue): JsonObject | null => (isJsonObject(value) ? value : null);

function readIssues(value: JsonValue, category: string, newId: () => string): EvaluationIssue[] {
  return itemsOf(value).flatMap((item): EvaluationIssue[] => {
    if (!isJsonObject(item)) {
      const detail = textOf(item, MAX_ITEM);
      return detail === null ? [] : [{ id: newId(), category, subcategory: null, detail }];
    }
    return [
      {
        id: newId(),
        category: textOf(pick(item, NAMES.category), MAX_WORD) ?? category,
        subcategory: textOf(pick(item, NAMES.subcategory), MAX_WORD),
        detail: textOf(pick(item, NAMES.detail), MAX_ITEM),
      },
    ];
  });
}
