import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queuedRun } from '../../../test/support/definitions.ts';
import { heldSystem } from '../../../test/support/system.ts';
import type { Boundary, KeysetPage } from '../../domain/keyset.ts';
import type { SortKey } from '../../filter/sort.ts';
import {
  anyRunFilter,
  anySort,
  expectedIds,
  indexedFilter,
  keepRuns,
  type MadeRun,
  makeRuns,
  OTHER_ID,
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

  /** Finds a page and gives the plan of each statement that it took, of which the last reads the rows of the page. */
  function plansOf(asked: FindRequest, limits: FindLimits): string[] {
    const statements: string[] = [];
    const recent = (sql: string) => {
      statements.push(sql);
      return on.recent(sql);
    };
    const steps = find({ ...on, recent }, 'runs', asked, {}, limits);
    while (!steps.next().done);
    return statements.map((sql) => {
      const plan = db.prepare(`explain query plan ${sql}`).all();
      return plan.map((row) => row['detail']).join('; ');
    });
  }

  const desc = (column: string): SortKey[] => [{ column, direction: 'desc' }];
  const day = '2026-04-08T09:59:59.997Z';

  it.each<[string, SortKey[], string]>([
    ['', [], 'COVERING INDEX runs_by_creation (workspace_id=?)'],
    [`created_at>=${day}`, [], 'COVERING INDEX runs_by_creation (workspace_id=? AND created_at>?)'],
    ['status_code:succeeded', [], 'COVERING INDEX runs_by_status (workspace_id=? AND status=?)'],
    [
      `status_code:succeeded AND created_at>=${day}`,
      [],
      'COVERING INDEX runs_by_status (workspace_id=? AND status=? AND created_at>?)',
    ],
    ['client_ref:a', [], 'COVERING INDEX runs_by_client_ref (workspace_id=? AND client_ref=?)'],
    [`batch_id:'${WORKSPACE}'`, [], 'COVERING INDEX runs_by_batch (workspace_id=? AND batch_id=?)'],
    ['failure_code:a', [], 'COVERING INDEX runs_by_failure (workspace_id=? AND failure_code=?)'],
    ['failure_code:a AND has_logs:true', [], 'INDEX runs_by_failure (workspace_id=? AND failure_code=?)'],
    [`model_id:'${WORKSPACE}'`, [], 'INDEX runs_by_target (workspace_id=? AND workflow_id=?)'],
    ['model.slug:a', [], 'INDEX runs_by_target (workspace_id=? AND workflow_id=?)'],
    ['cost>=12', desc('cost'), 'COVERING INDEX runs_by_cost (workspace_id=? AND cost_key>?)'],
    ['duration_ms<2', desc('durationMs'), 'COVERING INDEX runs_by_duration (workspace_id=? AND duration_ms<?)'],
    ['', desc('status'), ''],
  ])('asked for %s by %j is walked along an index, no row looked at twice, nothing sorted', (text, sort, index) => {
    const filter = text === '' ? null : runFilter(text).filter;
    const limits = { ...TINY, mostCovered: 0, mostLookedUp: 0, firstRows: 1000, mostRows: 1000 };
    const plans = plansOf(request({ filter, sort, limit: 3 }), limits);
    if (index !== '') expect(plans.slice(0, -1).join('\n')).toContain(index);
    if (index !== '') for (const plan of plans) expect(plan).not.toContain('TEMP B-TREE');
    expect(plans.at(-1)).toMatch(/^SCAN page .*; SEARCH r USING PRIMARY KEY \(workspace_id=\? AND id=\?\); SEARCH p/);
    for (const plan of plans) expect(plan).not.toMatch(/SCAN (r|p|runs|run_payloads)\b/);
  });

  it.each([
    ['cost>=12', 'COVERING INDEX runs_by_cost (workspace_id=? AND cost_key>?)'],
    [
      'duration_ms.between:(0,1)',
      'COVERING INDEX runs_by_duration (workspace_id=? AND duration_ms>? AND duration_ms<?)',
    ],
    [
      "client_ref.startswith:'a'",
      'COVERING INDEX runs_by_client_ref (workspace_id=? AND client_ref>? AND client_ref<?)',
    ],
    ['failure_code.notnull', 'runs_by_failure (workspace_id=? AND failure_code>?)'],
    [`id.in:('${OTHER_ID}','${WORKSPACE}')`, 'PRIMARY KEY (workspace_id=? AND id=?)'],
  ])('that few runs are on, asked for %s, is sorted from what an index leads to', (text, index) => {
    const plans = plansOf(request({ ...runFilter(text), limit: 3 }), FIND_LIMITS);
    expect(plans).toHaveLength(3);
    expect(plans[0]).toContain(index);
    expect(plans[1]).toContain(index);
  });

  it('goes on from a boundary, and from stretch to stretch, by seeking to it', () => {
    const asked = request({ ...runFilter("metadata.nobody:'has this'") });
    const next = inSteps(request({ limit: 20 }), FIND_LIMITS).page.next;
    const stretch = '(workspace_id=? AND (created_at,id)>(?,?) AND (created_at,id)<(?,?))';
    for (const plan of plansOf({ ...asked, from: next }, TINY).filter((plan) => plan.includes('created_at,id)>')))
      expect(plan).toContain(stretch);
    const plans = plansOf(request({ from: next, limit: 5 }), FIND_LIMITS);
    expect(plans[0]).toContain('(workspace_id=? AND (created_at,id)<(?,?))');
  });

  it('has no run that went, and none twice that moved, while it was being found', async () => {
    const system = heldSystem(1);
    const owner = { workspaceId: 'moving', workflowId: 'w' };
    const runs = Array.from({ length: 40 }, (_, n) =>
      queuedRun(owner, system, { status: 'running', startedAt: 5, createdAt: n, meta: { n } }),
    );
    await Promise.all(runs.map((run) => store.commit([{ kind: 'createRun', run }])));
    const { filter } = runFilter('metadata.n>=0 AND status_code!=failed');
    const sort: SortKey[] = [{ column: 'status', direction: 'asc' }];
    const asked = { ...request({ filter, sort }), workspaceId: 'moving' };
    const steps = find(on, 'runs', asked, {}, { ...TINY, firstRows: 3, mostRows: 3 });
    const end = (n: number, status: 'failed' | 'succeeded') => {
      const run = { ...runs[n]!, status, revision: 1, finishedAt: 6 };
      return store.commit([{ kind: 'updateRun', run, before: 'running' }]);
    };
    let taken = 0;
    let result = steps.next();
    for (; !result.done; result = steps.next()) {
      taken += 1;
      if (taken !== 8) continue;
      await end(0, 'failed');
      await end(1, 'succeeded');
    }
    const ids = result.value.items.map(({ run }) => run.id);
    expect(taken).toBeGreaterThan(8);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain(runs[0]?.id);
    expect(ids).toEqual(expect.arrayContaining(runs.slice(2).map(({ id }) => id)));
  });
});
