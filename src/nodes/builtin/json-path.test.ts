import { describe, expect, it } from 'vitest';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { jsonPath } from './json-path.ts';

const json = { items: [{ name: 'pen' }, { name: 'book' }] };

describe('a JSON path node', () => {
  it('gives the first match', () => {
    expect(outputsOf(runPure(jsonPath, { path: '$.items[*].name' }, { json }))).toEqual({ output: 'pen' });
  });

  it('gives all matches, as one list and as items', () => {
    const names = ['pen', 'book'];
    expect(outputsOf(runPure(jsonPath, { path: '$..name', mode: 'all' }, { json }))).toEqual({
      output: names,
      items: names,
    });
  });

  it('reads JSON text', () => {
    expect(outputsOf(runPure(jsonPath, { path: '$[1]' }, { json: '[1, {"a": 2}]' }))).toEqual({ output: { a: 2 } });
    expect(failureOf(runPure(jsonPath, { path: '$' }, { json: '[1,' }))).toMatch(/^invalid_input: .*line 1, column 4/);
  });

  it('fails when nothing matches, unless a match is not required', () => {
    expect(failureOf(runPure(jsonPath, { path: '$.x' }, { json }))).toMatch(
      /^invalid_input: Nothing in the JSON matches \$\.x/,
    );
    expect(outputsOf(runPure(jsonPath, { path: '$.x', required: false }, { json }))).toEqual({ output: null });
    expect(outputsOf(runPure(jsonPath, { path: '$.x', required: false, mode: 'all' }, { json }))).toEqual({
      output: [],
      items: [],
    });
  });

  it('with a wrong path is refused when it is saved, and does not run', () => {
    expect(issuesOf(jsonPath, { path: 'items' })).toMatchObject([{ severity: 'invalid' }]);
    expect(issuesOf(jsonPath, { path: '$.:var[n.x]' })).toEqual([]);
    expect(failureOf(runPure(jsonPath, { path: 'items' }, { json }))).toMatch(/^invalid_config/);
  });
});
