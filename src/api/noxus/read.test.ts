import { describe, expect, it } from 'vitest';
import { readDeletion, readRunRequest, readSearch } from './read.ts';

const WORKFLOW = '01a20000-0000-7000-8000-000000000001';
const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('the body of create run', () => {
  it('with an empty list of nodes means all of them', () => {
    expect(readRunRequest(WORKFLOW, { input: {}, node_ids: [] }).nodeIds).toBeNull();
    expect(readRunRequest(WORKFLOW, { input: {}, node_ids: ['a'] }).nodeIds).toEqual(['a']);
  });

  it('cannot ask for a list of nodes and for a single one', () => {
    const both = { input: {}, node_ids: ['a'], single_node_id: 'b' };
    expect(() => readRunRequest(WORKFLOW, both)).toThrow('exclude one another');
  });
});

describe('the body of a search', () => {
  it('is bounded by limit and offset, and sliced by the page of the address', () => {
    const body = { query: 'a', limit: 25, offset: 5 };
    expect(readSearch(body, null, NOW)).toMatchObject({ limit: 25, offset: 5 });
    expect(readSearch(body, { page: 2, size: 10 }, NOW)).toMatchObject({ limit: 10, offset: 15 });
    expect(readSearch(body, { page: 3, size: 10 }, NOW)).toMatchObject({ limit: 5, offset: 25 });
    expect(readSearch(body, { page: 4, size: 10 }, NOW)).toMatchObject({ limit: 0 });
  });

  it('looks everywhere when it names no field', () => {
    for (const nowhere of [[], null])
      expect(readSearch({ query: 'a', search_in: nowhere }, null, NOW).searchIn).toBeUndefined();
  });

  it('lists every mistake of its filter with its place', () => {
    expect(() => readSearch({ query: 'a', filter: 'status:completd AND nope:1' }, null, NOW)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        problems: [
          expect.objectContaining({ at: ['body', 'filter'], hint: expect.stringContaining('completed') }),
          expect.objectContaining({ at: ['body', 'filter'] }),
        ],
      }),
    );
  });
});

describe('the body of a bulk deletion', () => {
  it('says which runs: by id or by time, and not by both', () => {
    expect(readDeletion({ run_ids: ['a'] })).toMatchObject({ runIds: ['a'], dryRun: false });
    expect(readDeletion({ filters: { to_date: '2026-11-01T00:00:00Z' }, dry_run: true })).toMatchObject({
      before: Date.parse('2026-11-01T00:00:00Z'),
      dryRun: true,
    });
    expect(() => readDeletion({})).toThrow('Which runs?');
    expect(() => readDeletion({ run_ids: [], filters: { to_date: '2026-11-01T00:00:00Z' } })).toThrow('exclude');
  });
});
