import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readFilter } from './filter.ts';
import { matcher } from './match.ts';
import { runVocabulary } from './run-vocabulary.ts';

/** The moment the page names. */
const NOW = Date.UTC(2026, 3, 8, 9);

const page = readFileSync(new URL('../../docs/filter-language.md', import.meta.url), 'utf8');
const examples = blockOf('filter').split('\n');
const run: Record<string, unknown> = JSON.parse(blockOf('json'));
const record = Object.fromEntries(
  runVocabulary.fields.map(({ name, column, kind }) => {
    const value = run[name] ?? null;
    return [column, kind === 'datetime' && value !== null ? Date.parse(String(value)) : value];
  }),
);

test('the page on the filter language has twenty examples', () => {
  expect(examples).toHaveLength(20);
});

test.each(examples)('on the page, %s finds the run that is shown', (text) => {
  const { filter, diagnostics } = readFilter(text, runVocabulary, { now: NOW, strict: true });
  expect(diagnostics).toEqual([]);
  expect(filter && matcher(filter)(record)).toBe(true);
});

/** The first code block of the page in this language. */
function blockOf(language: string): string {
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(page)?.[1];
  if (!block) throw new Error(`The page has no ${language} block.`);
  return block;
}
