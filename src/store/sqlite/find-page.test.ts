import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldSystem } from '../../../test/support/system.ts';
import type { Boundary, KeysetPage } from '../../domain/keyset.ts';
import {
  anyRunFilter,
  anySort,
  expectedIds,
  indexedFilter,
  keepRuns,
  type MadeRun,
  makeRuns,
  runFilter,
  WORKSPACE,
} from '../lists.arbitrary.ts';
import type { FindRequest, FoundRun, Store } from '../store.ts';
import { FIND_LIMITS, type FindLimits } from './access.ts';
import { type Connection, connection } from './connection.ts';
import { find } from './lists.ts';
import { openSqliteStore } from './sqlite-store.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const RUNS = 240;

/** Everything happens with a few rows that needs a hundred thousand otherwise; a step ends after each stretch. */
const TINY: FindLimits = {
  mostLookedUp: 8,
  mostCovered: 16,
  mostMerged: 3,
  passedBeforeInstead: 30,
  mostInstead: 60,
  firstRows: 5,
  mostRows: 20,
  stepMs: 0,
};

describe('a page that is found in steps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-find-'));
  let store: Store;
  let db: DatabaseSync;
  let on: Connection;
  let made: MadeRun[];

  beforeAll(async () => {
    store = openSqliteStore(folder);
    const system = heldSystem();
    made = makeRuns(RUNS, 5, system);
    await keepRuns(store, made, system);
    db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true });
    on = connection(db);
  });
  afterAll(async () => {
    db.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const request = (set: Partial<FindRequest>): FindRequest => {
    return { workspaceId: WORKSPACE, filter: null, sort: [], limit: 50, from: null, backward: false, ...set };
  };

  /** @returns the page, and in how many steps it was found */
  function inSteps(asked: FindRequest, limits: FindLimits): { page: KeysetPage<FoundRun>; steps: number } {
    const steps = find(on, 'runs', asked, { payloads: false }, limits);
    for (let count = 1; ; count += 1) {
      const { done, value } = steps.next();
      if (done) return { page: value, steps: count };
    }
  }

  function walkedIds(asked: FindRequest, limits: FindLimits): string[] {
    const ids: string[] = [];
    let from: Boundary | null = null;
    do {
      const { page } = inSteps({ ...asked, from }, limits);
      const found = page.items.map(({ run }) => run.id);
      if (asked.backward) ids.unshift(...found);
      else ids.push(...found);
      from = asked.backward ? page.previous : page.next;
    } while (from !== null);
    return ids;
  }

  it('has the same runs in the same order, whichever ways the search goes', { timeout: 900_000 }, () => {
    const filters = fc.oneof({ weight: 3, arbitrary: indexedFilter }, { weight: 1, arbitrary: anyRunFilter });
    const limits = fc.constantFrom(
      TINY,
      { ...TINY, mostLookedUp: 0, mostCovered: 0 },
      { ...TINY, mostLookedUp: 0, mostCovered: 0, mostInstead: 0 },
      { ...TINY, mostMerged: 0, firstRows: 1, mostRows: 1 },
      FIND_LIMITS,
    );
    fc.assert(
      fc.property(filters, anySort, fc.constantFrom(3, 10, 100), limits, ({ text, filter }, sort, limit, limits) => {
        const expected = expectedIds(made, filter, sort);
        for (const backward of [false, true]) {
          const found = walkedIds(request({ filter, sort, limit, backward }), limits);
          expect(found, `${text} by ${JSON.stringify(sort)}, ${limit} a page, backward ${backward}`).toEqual(expected);
        }
      }),
      { numRuns: LONG ? 20_000 : 200, ...(LONG ? {} : { seed: 4 }) },
    );
  });

  it('is given a turn between its steps, and few steps when an index leads to it', () => {
    const { filter } = runFilter("metadata.nobody:'has this'");
    expect(inSteps(request({ filter }), TINY).steps).toBeGreaterThan(5);
    expect(inSteps(request({ filter }), FIND_LIMITS).steps).toBe(1);
    expect(inSteps(request(runFilter("client_ref:'nobody'")), TINY).steps).toBe(1);
    expect(inSteps(request({}), TINY).steps).toBe(1);
  });
});
