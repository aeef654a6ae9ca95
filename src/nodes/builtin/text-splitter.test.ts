import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { textSplitter } from './text-splitter.ts';

const split = (text: string, config: JsonObject) =>
  outputsOf(runPure(textSplitter, config, { text }))['output'] as string[];

describe('splitting text', () => {
  it.each<[string, JsonObject, string[]]>([
    ['short', { chunk_size: 10 }, ['short']],
    ['', {}, []],
    [' \n ', {}, []],
    [' '.repeat(200_000), { unit: 'words' }, []],
    ['\n a b', { unit: 'words', chunk_size: 1 }, ['a', 'b']],
    ['one two three', { chunk_size: 8 }, ['one two', 'three']],
    ['First par.\n\nSecond par.', { chunk_size: 15 }, ['First par.', 'Second par.']],
    ['abcdefghij', { chunk_size: 4 }, ['abcd', 'efgh', 'ij']],
    ['a,b,c,d', { chunk_size: 4, separators: [','] }, ['a,b,', 'c,d']],
    ['one two three four', { chunk_size: 10, overlap: 4 }, ['one two', 'two three', 'four']],
    ['a b c d e', { unit: 'words', chunk_size: 2 }, ['a b', 'c d', 'e']],
    ['a b c d e', { unit: 'words', chunk_size: 3, overlap: 1 }, ['a b c', 'c d e']],
    ['1\n2\n\n3', { unit: 'lines', chunk_size: 2 }, ['1\n2', '3']],
    ['a😀b', { chunk_size: 2 }, ['a', '😀', 'b']],
  ])('%j with %j gives %j', (text, config, chunks) => {
    expect(split(text, config)).toEqual(chunks);
  });

  it('keeps every character that is no space, in order, in chunks of at most the size', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '.', '😀') }),
        fc.integer({ min: 1, max: 20 }),
        (text, size) => {
          const chunks = split(text, { chunk_size: size });
          expect(chunks.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
          for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(size);
        },
      ),
    );
  });

  it('repeats at most the overlap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 }), { maxLength: 40 }),
        fc.integer({ min: 2, max: 6 }),
        (words, size) => {
          const chunks = split(words.join(' '), { unit: 'words', chunk_size: size, overlap: size - 1 });
          for (const chunk of chunks) expect(chunk.split(' ').length).toBeLessThanOrEqual(size);
          expect(chunks.map((chunk, index) => (index === 0 ? chunk : chunk.split(' ').at(-1))).join(' ')).toBe(
            words.join(' '),
          );
        },
      ),
    );
  });

  it('that would give too many chunks fails', () => {
    expect(failureOf(runPure(textSplitter, { chunk_size: 1 }, { text: 'x'.repeat(20_000) }))).toMatch(/^too_large/);
  });

  it('needs an overlap smaller than the chunks', () => {
    expect(issuesOf(textSplitter, { chunk_size: 10, overlap: 10 })).toMatchObject([{ severity: 'invalid' }]);
    expect(issuesOf(textSplitter, { overlap: -1 })).toHaveLength(1);
    expect(issuesOf(textSplitter, {})).toEqual([]);
    expect(failureOf(runPure(textSplitter, { chunk_size: 10, overlap: 10 }, { text: 'x' }))).toMatch(/^invalid_config/);
  });
});
