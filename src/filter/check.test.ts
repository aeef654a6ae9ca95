import { describe, expect, test } from 'vitest';
import type { CheckedFilter } from './checked-filter.ts';
import { readFilter } from './filter.ts';
import { runVocabulary } from './run-vocabulary.ts';
import { vocabularyOf } from './vocabulary.ts';

const NOW = Date.UTC(2026, 3, 8, 10);

function filterOf(text: string): CheckedFilter | null {
  const { filter, diagnostics } = readFilter(text, runVocabulary, { now: NOW });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return filter;
}

function hintsOf(text: string, strict = false): (string | undefined)[] {
  return readFilter(text, runVocabulary, { now: NOW, strict }).diagnostics.map(({ hint }) => hint);
}

/** The value of a filter that is one order test. */
function boundOf(text: string): unknown {
  const filter = filterOf(text);
  return filter?.kind === 'order' ? filter.value : filter;
}

describe('values take the type of their field', () => {
  test.each([
    ['created_at>2026-04-01', Date.UTC(2026, 3, 1)],
    ['created_at>2026-04-01T10:00', Date.UTC(2026, 3, 1, 10)],
    ['created_at>2026-04-01T10:00:00.250+02:00', Date.UTC(2026, 3, 1, 8, 0, 0, 250)],
    ["created_at>'2026-04-01T10:00:00 02:00'", Date.UTC(2026, 3, 1, 8)],
    ["created_at>'2026-04-01 10:00:00'", Date.UTC(2026, 3, 1, 10)],
    ['created_at>now', NOW],
    ['created_at>now-7d', NOW - 7 * 86_400_000],
    ['created_at>NOW+90S', NOW + 90_000],
    ['created_at>now-2w', NOW - 14 * 86_400_000],
    ["duration_ms>'1500'", 1500],
    ['duration_ms>-0', 0],
    ['cost>00.50', '0.5'],
    ["cost>'-12.'", '-12'],
    ['metadata.n>42', 42],
    ["metadata.n>'42'", '42'],
    ['metadata.n>now', 'now'],
    ['client_ref>null_', 'null_'],
  ])('%s is compared with %j', (text, value) => {
    expect(boundOf(text)).toEqual(value);
  });

  test.each([
    '3C90C3CC-0D44-4B50-8888-8DD25736052A',
    '3c90c3cc0d444b5088888dd25736052a',
    "'{3c90c3cc-0d44-4b50-8888-8dd25736052a}'",
  ])('a UUID may be spelled %s', (spelling) => {
    expect(filterOf(`id:${spelling}`)).toMatchObject({ values: ['3c90c3cc-0d44-4b50-8888-8dd25736052a'] });
  });

  test.each([
    'id:17',
    'created_at>2026-02-30',
    'created_at>2026-04-01T24:00',
    'created_at>2026-04-01T10:00:61Z',
    'created_at>now-99999999999w',
    'created_at>yesterday',
    'duration_ms>1.5',
    'duration_ms>99999999999999999999',
    'cost>1e3',
    'has_logs:yes',
    'has_logs>true',
    'has_logs.in:(true)',
    'id>3c90c3cc-0d44-4b50-8888-8dd25736052a',
    'cost.like:1',
    'client_ref>null',
    "client_ref.in:('a', null)",
    "client_ref:'a\ud800'",
    "client_ref.like:'a\\\\'",
    'metadata:1',
    'metadata.flag>true',
    "client_ref.eq:('a', 'b')",
    'started_at.isnull:maybe',
    "client_ref.eq='a'",
    'status_code[0]:1',
  ])('%s makes no sense', (text) => {
    expect(readFilter(text, runVocabulary, { now: NOW })).toMatchObject({
      filter: null,
      diagnostics: [{ severity: 'error', hint: expect.any(String) }],
    });
  });
});

describe('hints', () => {
  test.each([
    ['statuscode:failed', 'Did you mean status_code?'],
    ['status:failed', 'Did you mean status_code?'],
    ['craeted_at>now-1d', 'Did you mean created_at?'],
    ['model.slog:x', 'Did you mean model.slug?'],
    ["client_ref.contain:'x'", 'Did you mean client_ref.contains:…?'],
    ['status_code:cancelled', 'Did you mean canceled?'],
    ['status_code:Failed', 'Did you mean failed?'],
    ['created_at:2026-04-01', 'For the whole day write created_at>=2026-04-01 AND created_at< the next day.'],
    ["client_ref.eq='x'", 'An operator in words is followed by a colon: client_ref.eq:…'],
    ['metadata.at>now-7d', 'Relative times work with datetime fields only.'],
  ])('%s: %s', (text, hint) => {
    expect(hintsOf(text)).toEqual([hint]);
  });

  test('a word that is near to no field brings the list of all', () => {
    expect(hintsOf('zzz:1')[0]).toMatch(/^The fields are id, status_code, .*cost_breakdown\.$/);
  });
});

describe('codes', () => {
  test('words of an API stand for codes of the domain, one for several where the domain is finer', () => {
    expect(filterOf('status_code.in:(running, partial_succeeded)')).toMatchObject({
      kind: 'in',
      target: { column: 'status' },
      values: ['running', 'waiting', 'partial'],
    });
  });

  test('order and patterns are about the words, not the codes behind them', () => {
    expect(filterOf("status_code.endswith:'succeeded'")).toMatchObject({ values: ['succeeded', 'partial'] });
    expect(filterOf('status_code>running')).toMatchObject({ values: ['succeeded'] });
    expect(filterOf('status_code!=failed')).toMatchObject({ kind: 'not', term: { kind: 'in', values: ['failed'] } });
  });

  test('an unknown word finds nothing and is warned about, or is an error in strict mode', () => {
    const text = 'status_code:cancelled';
    expect(readFilter(text, runVocabulary, { now: NOW })).toMatchObject({
      filter: { kind: 'in', values: [] },
      diagnostics: [{ severity: 'warning' }],
    });
    expect(readFilter(text, runVocabulary, { now: NOW, strict: true })).toMatchObject({
      filter: null,
      diagnostics: [{ severity: 'error' }],
    });
  });

  test('another vocabulary gives the same language other words', () => {
    const words = vocabularyOf([
      {
        name: 'status',
        column: 'status',
        kind: 'code',
        description: 'Status.',
        sortable: true,
        codes: { completed: ['succeeded', 'partial'], stopped: ['canceled'] },
      },
    ]);
    expect(readFilter('status:completed', words, { now: NOW }).filter).toMatchObject({
      values: ['succeeded', 'partial'],
    });
    expect(readFilter('status:complete', words, { now: NOW }).diagnostics[0]?.hint).toBe('Did you mean completed?');
  });

  test('a vocabulary refuses two fields of one name', () => {
    const [field] = runVocabulary.fields;
    expect(() => vocabularyOf(field ? [field, field] : [])).toThrow('same name');
  });
});
