import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { listSlice } from './list-slice.ts';

const slice = (config: JsonObject, list = [0, 1, 2, 3, 4]) => outputsOf(runPure(listSlice, config, { list }))['output'];

describe('slicing a list', () => {
  it.each<[JsonObject, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ first: 2 }, [0, 1]],
    [{ first: 0 }, []],
    [{ first: 99 }, [0, 1, 2, 3, 4]],
    [{ last: 2 }, [3, 4]],
    [{ last: 0 }, []],
    [{ last: 99 }, [0, 1, 2, 3, 4]],
    [{ start: 1, end: 3 }, [1, 2]],
    [{ start: -2 }, [3, 4]],
    [{ end: -2 }, [0, 1, 2]],
    [{ start: 3, end: 1 }, []],
    [{ step: 2 }, [0, 2, 4]],
    [{ step: -1 }, [4, 3, 2, 1, 0]],
    [{ start: 3, end: 0, step: -1 }, [3, 2, 1]],
    [{ start: '1', end: '2' }, [1]],
  ])('with %j gives %j', (config, items) => {
    expect(slice(config)).toEqual(items);
  });

  it('forwards is what the language does', () => {
    const position = fc.integer({ min: -8, max: 8 });
    fc.assert(
      fc.property(position, position, (start, end) => {
        expect(slice({ start, end })).toEqual([0, 1, 2, 3, 4].slice(start, end));
      }),
    );
  });

  it('with a step of 0 is refused', () => {
    expect(issuesOf(listSlice, { step: 0 })).toHaveLength(1);
    expect(failureOf(runPure(listSlice, { step: 0 }, { list: [] }))).toMatch(/^invalid_config/);
    expect(failureOf(runPure(listSlice, {}, { list: 'abc' }))).toMatch(/^invalid_input/);
  });
});
