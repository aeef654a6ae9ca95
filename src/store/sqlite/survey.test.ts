import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import Big from 'big.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldSystem } from '../../../test/support/system.ts';
import type { Run } from '../../domain/run.ts';
import type { RunSurvey } from '../../domain/run-survey.ts';
import { matcher } from '../../filter/match.ts';
import {
  anyRunFilter,
  indexedFilter,
  keepRuns,
  type MadeRun,
  makeRuns,
  OTHER_ID,
  WORKSPACE,
} from '../lists.arbitrary.ts';
import type { Store, SurveyRequest } from '../store.ts';
import { type Connection, connection } from './connection.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { type SurveyLimits, seenValues, surveyRuns, workflowSurveys } from './survey.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const RUNS = 240;

describe('a survey of runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-survey-'));
  let store: Store;
  let db: DatabaseSync;
  let on: Connection;
  let made: MadeRun[];

  beforeAll(async () => {
    store = openSqliteStore(folder);
    const system = heldSystem();
    made = makeRuns(RUNS, 7, system);
    await keepRuns(store, made, system);
    db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true });
    on = connection(db);
  });
  afterAll(async () => {
    db.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  function survey(set: Partial<SurveyRequest>, limits?: SurveyLimits): RunSurvey {
    const now = Math.max(...made.map(({ run }) => run.createdAt)) + 1;
    const request = { workspaceId: WORKSPACE, filter: null, from: null, to: null, buckets: 20, now, budgetMs: 1e9 };
    const steps = surveyRuns(on, { ...request, ...set }, limits);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  const tally = (runs: readonly Run[], value: (run: Run) => string | null) =>
    Object.fromEntries([...Map.groupBy(runs, value)].map(([key, some]) => [JSON.stringify(key), some.length]));

  const sumOf = (runs: readonly Run[]): string =>
    runs.reduce((sum, { cost }) => sum.plus(cost ?? 0), new Big(0)).toFixed();

  it.each<[string, SurveyLimits]>([
    ['in whatever order an index has them', { few: 1000, stretch: 4096 }],
    ['newest first, in short stretches', { few: 0, stretch: 7 }],
    ['either way', { few: 40, stretch: 50 }],
  ])('counts the runs that a filter finds, %s', (_, limits) => {
    fc.assert(
      fc.property(fc.oneof(anyRunFilter, indexedFilter, fc.constant(null)), (given) => {
        const filter = given?.filter ?? null;
        const fits = filter === null ? () => true : matcher(filter);
        const runs = made.filter(({ record }) => fits(record)).map(({ run }) => run);
        const found = survey({ filter }, limits);
        expect(found.scanned).toEqual({ runs: runs.length, isPartial: false, oldest: null });
        const counted = (facet: keyof RunSurvey['facets']) =>
          Object.fromEntries(found.facets[facet].map(([value, count]) => [JSON.stringify(value), count]));
        expect(counted('status')).toEqual(tally(runs, ({ status }) => status));
        expect(counted('workflowId')).toEqual(tally(runs, ({ workflowId }) => workflowId));
        expect(counted('targetType')).toEqual(tally(runs, ({ kind }) => kind));
        expect(counted('failureCode')).toEqual(tally(runs, ({ failure }) => failure?.code ?? null));
        expect(found.buckets.reduce((sum, bucket) => sum + bucket.runs, 0)).toBe(runs.length);
        expect(sumOf(found.buckets as never)).toBe(sumOf(runs));
      }),
      { numRuns: LONG ? 500 : 60 },
    );
  });

  it('puts each run in the bucket of its time, within the bounds that are asked for', () => {
    const times = made.map(({ run }) => run.createdAt);
    const [from, to] = [Math.min(...times) + 2, Math.max(...times)];
    for (const few of [0, 1000]) {
      const found = survey({ from, to }, { few, stretch: 7 });
      const within = made.filter(({ run }) => run.createdAt >= from && run.createdAt < to);
      expect(found.scanned.runs).toBe(within.length);
      for (const { at, runs, byStatus } of found.buckets) {
        const inside = within.filter(({ run }) => run.createdAt >= at && run.createdAt < at + found.bucketMs);
        expect(runs).toBe(inside.length);
        expect(
          Object.fromEntries(Object.entries(byStatus).map(([status, count]) => [JSON.stringify(status), count])),
        ).toEqual(
          tally(
            inside.map(({ run }) => run),
            ({ status }) => status,
          ),
        );
      }
    }
  });

  it('says so when there was no time for all, and how far it came', () => {
    const found = survey({ budgetMs: 0 }, { few: 0, stretch: 50 });
    expect(found.scanned).toMatchObject({ runs: 50, isPartial: true });
    const newest = made.map(({ run }) => run).toSorted((a, b) => (a.id < b.id ? 1 : -1));
    expect(found.scanned.oldest).toBe(Math.min(...newest.slice(0, 50).map(({ createdAt }) => createdAt)));
  });

  it('of nothing is empty', () => {
    expect(survey({ workspaceId: OTHER_ID })).toMatchObject({ scanned: { runs: 0, oldest: null }, buckets: [] });
  });

  it('of one workflow counts its newest runs', () => {
    const workflowId = made[0]!.run.workflowId;
    const runs = made.map(({ run }) => run).filter((run) => run.workflowId === workflowId);
    const [all] = workflowSurveys(on, { workspaceId: WORKSPACE, workflowIds: [workflowId], since: 0, mostRuns: RUNS });
    expect(all).toMatchObject({
      runs: runs.length,
      failed: runs.filter(({ status }) => status === 'failed').length,
      cost: sumOf(runs),
      isPartial: false,
    });
    const [few] = workflowSurveys(on, { workspaceId: WORKSPACE, workflowIds: [workflowId], since: 0, mostRuns: 3 });
    expect(few).toMatchObject({ runs: 3, isPartial: true });
  });

  it('offers values by their beginning, whatever it is made of', () => {
    const request = { workspaceId: WORKSPACE, prefix: '', mostRuns: RUNS, limit: 100 };
    const seen = seenValues(on, { ...request, target: { column: 'status', path: [] } });
    expect(Object.fromEntries(seen.values.map(([value, count]) => [JSON.stringify(value), count]))).toEqual(
      tally(
        made.map(({ run }) => run),
        ({ status }) => status,
      ),
    );
    const percent = seenValues(on, { ...request, prefix: '%', target: { column: 'status', path: [] } });
    expect(percent.values).toEqual([]);
    const within = seenValues(on, { ...request, target: { column: 'metadata', path: ['a key', 0, "it's"] } });
    expect(within.scanned).toBe(RUNS);
  });
});
