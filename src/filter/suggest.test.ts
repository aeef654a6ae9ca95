import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from '../domain/nearest.ts';
import { anyText } from './filter.arbitrary.ts';
import { runVocabulary } from './run-vocabulary.ts';
import { suggest } from './suggest.ts';

/** What is offered at the bar in the text. */
function offered(text: string): string[] {
  return suggest(text.replace('|', ''), text.indexOf('|'), runVocabulary).options.map((option) => option.text);
}

test.each([
  ['|', ['id', 'status_code', 'client_ref']],
  ['sta|', ['status_code', 'started_at']],
  ['cost>1 AND crea|', ['created_at', 'created_by']],
  ['(cost>1 or NOT (has|', ['has_logs', 'has_node_runs']],
  ['model.|', ['model.slug']],
  ['status_code |', [':', '!=']],
  ['has_logs |', [':', '!=']],
  ['has_logs|', ['has_logs:', 'has_logs!=', 'has_logs.isnull', 'has_logs.notnull']],
  ['cost.|', ['cost.in:', 'cost.nin:', 'cost.between:', 'cost.isnull']],
  ['metadata.|', ['metadata.isnull', 'metadata.notnull']],
  ['metadata.sku|', ['metadata.sku:', 'metadata.sku!=']],
  ['client_ref.star|', ['client_ref.startswith:']],
  ['metadata.sku.is|', ['metadata.sku.isnull']],
  ['status_code:|', ['queued', 'dispatching', 'running']],
  ['status_code:ca|nceled', ['canceled']],
  ['status_code.in:(failed, c|', ['canceled']],
  ['status_code.in:(failed |', []],
  ['has_logs:|', ['true', 'false']],
  ['created_at>now|', ['now-1h', 'now-24h']],
  ['status_code:failed |', ['AND', 'OR']],
  ['status_code:failed a|', ['AND']],
  ['started_at.isnull |', ['AND', 'OR']],
  ['(status_code:failed) |', ['AND', 'OR']],
  ["client_ref:'sta|", []],
])('at %s come %j', (text, expected) => {
  expect(offered(text).slice(0, expected.length === 0 ? 1 : expected.length)).toEqual(expected);
});

test('what is chosen replaces the word before the cursor', () => {
  expect(suggest('cost>1 AND model.sl', 19, runVocabulary)).toMatchObject({ from: 11, to: 19 });
});

test('no text and cursor make it throw', () => {
  fc.assert(fc.property(anyText, fc.nat(100), (text, cursor) => void suggest(text, cursor, runVocabulary)));
});

test.each([
  ['statsu_code', 'status_code'],
  ['CREATED_AT', 'created_at'],
  ['cost_break', 'cost_breakdown'],
  ['metdata', 'metadata'],
  ['zzzz', undefined],
])('nearest to %s is %s', (word, expected) => {
  expect(nearest(word, runVocabulary.byName.keys())).toBe(expected);
});
