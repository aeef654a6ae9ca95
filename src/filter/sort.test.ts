import { expect, test } from 'vitest';
import { runVocabulary } from './run-vocabulary.ts';
import { readSort } from './sort.ts';

test.each([
  ['created_at:desc', [{ column: 'createdAt', direction: 'desc' }]],
  ['created_at', [{ column: 'createdAt', direction: 'asc' }]],
  [
    ' status_code : ASC , created_at:Desc ',
    [
      { column: 'status', direction: 'asc' },
      { column: 'createdAt', direction: 'desc' },
    ],
  ],
  ['model.slug:asc', [{ column: 'modelSlug', direction: 'asc' }]],
  ['', []],
])('%j is a sort expression', (text, keys) => {
  expect(readSort(text, runVocabulary)).toEqual({ keys, diagnostics: [] });
});

test.each([
  ['created:desc', 'created:desc', 'There is no field created.', 'Did you mean created_at?'],
  ['cost,created_at:down', 'created_at:down', 'down is no direction.', 'Write created_at:asc or created_at:desc'],
  ['cost:asc:desc', 'cost:asc:desc', 'asc is no direction.', 'Write cost:asc or cost:desc'],
  ['cost:desc,cost', 'cost', 'cost is given twice.', 'Keep the first: the second would have no effect.'],
  ['cost,', '', 'A field is missing here.', 'Write field:asc or field:desc, separated by commas.'],
  ['metadata', 'metadata', 'metadata cannot be sorted by.', expect.stringMatching(/^Sort by one of id, /)],
  ['zzz', 'zzz', 'There is no field zzz.', expect.stringMatching(/^Sort by one of id, /)],
  ['id,cost,source_code,batch_id,client_ref,created_at', null, expect.stringMatching('at most 5'), expect.any(String)],
])('%s is refused with the place, the reason and a hint', (text, place, message, hint) => {
  const { keys, diagnostics } = readSort(text, runVocabulary);
  expect(keys).toEqual([]);
  const [from, to] =
    place === null ? [0, text.length] : [text.lastIndexOf(place), text.lastIndexOf(place) + place.length];
  expect(diagnostics).toEqual([{ severity: 'error', from, to, message, hint }]);
});

test('all mistakes are told at once', () => {
  expect(readSort('x,cost:up,metadata', runVocabulary).diagnostics).toHaveLength(3);
});
