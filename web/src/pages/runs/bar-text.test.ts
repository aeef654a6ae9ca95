import { describe, expect, it } from 'vitest';
import { explorerVocabulary } from '../../../../src/filter/explorer-vocabulary.ts';
import { readBar, writeBar } from './bar-text.ts';

const CASES: readonly (readonly [bar: string, filter: string, text: string])[] = [
  ['', '', ''],
  ['refund', '', 'refund'],
  ['status:failed', 'status:failed', ''],
  ['refund status:failed', 'status:failed', 'refund'],
  ['status:failed refund', 'status:failed', 'refund'],
  ['status:failed AND cost > 1 money back', 'status:failed AND cost > 1', 'money back'],
  ["client_ref:'order 7' refund", "client_ref:'order 7'", 'refund'],
  ['status.in:(failed, partial) late', 'status.in:(failed, partial)', 'late'],
  ['(status:failed OR status:partial) AND has_logs:true', '(status:failed OR status:partial) AND has_logs:true', ''],
  ['NOT status:failed', 'NOT status:failed', ''],
  ['started_at.isnull order', 'started_at.isnull', 'order'],
  ['input.messages[0].text:hello', 'input.messages[0].text:hello', ''],
  ['salt and pepper', '', 'salt and pepper'],
  ['(in brackets)', '', '(in brackets)'],
  ['5 > 3', '', '5 > 3'],
  ["'status:failed'", '', 'status:failed'],
  ['"money back" status:failed', 'status:failed', 'money back'],
  ['status:', 'status:', ''],
  ['statuscode:failed', 'statuscode:failed', ''],
  ['status:failed AND', 'status:failed AND', ''],
];

describe('the bar', () => {
  it.each(CASES)('reads `%s` as the filter `%s` and the words `%s`', (bar, filter, text) => {
    const reading = readBar(bar, explorerVocabulary);
    expect({ filter: reading.filter, text: reading.text }).toEqual({ filter, text });
    expect(reading.filterInPlace).toHaveLength(bar.length);
  });

  it.each(CASES)('is written from what `%s` means so that it means the same', (_, filter, text) => {
    const reading = readBar(writeBar(filter, text, explorerVocabulary), explorerVocabulary);
    expect({ filter: reading.filter, text: reading.text }).toEqual({ filter, text });
  });
});
