import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { regexExtract } from './regex-extract.ts';

const text = 'Order AB-12 of 2026-01-31,\norder CD-345 of 2026-02-01';

describe('extracting with a pattern', () => {
  it.each<[JsonObject, JsonValue]>([
    [{ pattern: '[A-Z]+-[0-9]+' }, 'AB-12'],
    [{ pattern: 'Order (\\S+)' }, 'AB-12'],
    [{ pattern: '(\\w+)-(\\d+)' }, ['AB', '12']],
    [{ pattern: '(?P<year>\\d{4})-(?P<month>\\d\\d)' }, { year: '2026', month: '01' }],
    [{ pattern: '(x)?Order' }, null],
    [{ pattern: 'order (\\S+)', mode: 'all', case_sensitive: false }, ['AB-12', 'CD-345']],
    [{ pattern: '^order', multiline: true }, 'order'],
    [{ pattern: '12.*345', dot_all: true }, '12 of 2026-01-31,\norder CD-345'],
    [{ pattern: 'nothing', required: false }, null],
    [{ pattern: 'nothing', required: false, mode: 'all' }, []],
  ])('%j gives %j', (config, output) => {
    expect(issuesOf(regexExtract, config)).toEqual([]);
    expect(outputsOf(runPure(regexExtract, config, { text }))['output']).toEqual(output);
  });

  it.each<[JsonObject, string, number, number]>([
    [{ pattern: 'b+', mode: 'all' }, 'abbabb', 2, 0.6667],
    [{ pattern: 'b+' }, 'abbabb', 1, 0.3333],
    [{ pattern: 'a(b)b', mode: 'all' }, 'abbabb', 2, 1],
    [{ pattern: 'x', mode: 'all', required: false }, 'abbabb', 0, 0],
    [{ pattern: 'x', required: false }, '', 0, 0],
  ])('%j in "%s" counts %d matches that cover %d of it', (config, subject, count, share) => {
    expect(outputsOf(runPure(regexExtract, config, { text: subject }))).toMatchObject({ count, share });
  });

  it('fails when nothing matches', () => {
    expect(failureOf(runPure(regexExtract, { pattern: 'nothing' }, { text }))).toMatch(
      /^invalid_input: Nothing in the text matches/,
    );
  });

  it('refuses a pattern that does not compile when it is saved', () => {
    expect(issuesOf(regexExtract, { pattern: '(' })).toMatchObject([{ severity: 'invalid' }]);
    expect(failureOf(runPure(regexExtract, { pattern: '(' }, { text }))).toMatch(/^invalid_config/);
  });

  it('ends on patterns and texts made to take for ever', () => {
    expect(failureOf(runPure(regexExtract, { pattern: '(a+)+$' }, { text: `${'a'.repeat(100_000)}!` }))).toMatch(
      /^invalid_input/,
    );
    expect(failureOf(runPure(regexExtract, { pattern: '((\\w+)\\s*){30}' }, { text: 'a'.repeat(1_000_000) }))).toMatch(
      /^too_large/,
    );
    expect(failureOf(runPure(regexExtract, { pattern: 'a' }, { text: 'a'.repeat(1_000_001) }))).toMatch(/^too_large/);
  });

  it('gives as many matches as a list may have', () => {
    const outcome = runPure(regexExtract, { pattern: 'a', mode: 'all' }, { text: 'a'.repeat(20_000) });
    expect(outputsOf(outcome)['output']).toHaveLength(10_000);
  });
});
