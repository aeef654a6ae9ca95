import Big from 'big.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldSystem } from '../../test/support/system.ts';
import type { Run } from '../domain/run.ts';
import type { RunSurvey } from '../domain/run-survey.ts';
import { matcher } from '../filter/match.ts';
import {
  anyRunFilter,
  indexedFilter,
  keepRuns,
  type MadeRun,
  makeRuns,
  OTHER_ID,
  WORKSPACE,
} from './lists.arbitrary.ts';
import type { Store, SurveyRequest } from './store.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const RUNS = 240;

/** How much work is done in which way, so that few runs go all ways. */
interface SurveyLimits {
  readonly few: number;
  readonly stretch: number;
}

/** A store, and its survey of runs with limits of the test's own. */
export interface SurveyedStore {
  readonly store: Store;
  surveyRuns(request: SurveyRequest, limits: SurveyLimits): Promise<RunSurvey>;
  dispose(): Promise<void>;
}

/** What every store's surveys are held to. */
export function describeSurveys(name: string, open: () => Promise<SurveyedStore>): void {
  describe(`a survey of runs in ${name}`, () => {
    let opened: SurveyedStore;
    let store: Store;
    let made: MadeRun[];

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
      const system = heldSystem();
      made = makeRuns(RUNS, 7, system);
      await keepRuns(store, made, system);
    });
    afterAll(() => opened.dispose());

    function survey(set: Partial<SurveyRequest>, limits?: SurveyLimits): Promise<RunSurvey> {
      const now = Math.max(...made.map(({ run }) => run.createdAt)) + 1;
      const span = { filter: null, from: null, to: null, buckets: 20, now, budgetMs: 1e9 };
      const request = { workspaceId: WORKSPACE, ...span, ...set };
      return limits === undefined ? store.surveyRuns(request) : opened.surveyRuns(request, limits);
    }

    const tally = (runs: readonly Run[], value: (run: Run) => string | null) =>
      Object.fromEntries([...Map.groupBy(runs, value)].map(([key, some]) => [JSON.stringify(key), some.length]));

    const sumOf = (runs: readonly Run[]): string =>
      runs.reduce((sum, { cost }) => sum.plus(cost ?? 0), new Big(0)).toFixed();

    it.each<[string, SurveyLimits]>([
      ['in whatever order an index has them', { few: 1000, stretch: 4096 }],
      ['newest first, in short stretches', { few: 0, stretch: 7 }],
      ['either way', { few: 40, stretch: 50 }],
    ])('counts the runs that a filter finds, %s', async (_, limits) => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(anyRunFilter, indexedFilter, fc.constant(null)), async (given) => {
          const filter = given?.filter ?? null;
          const fits = filter === null ? () => true : matcher(filter);
          const runs = made.filter(({ record }) => fits(record)).map(({ run }) => run);
          const found = await survey({ filter }, limits);
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

    it('puts each run in the bucket of its time, within the bounds that are asked for', async () => {
      const times = made.map(({ run }) => run.createdAt);
      const [from, to] = [Math.min(...times) + 2, Math.max(...times)];
      for (const few of [0, 1000]) {
        const found = await survey({ from, to }, { few, stretch: 7 });
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

    it('says so when there was no time for all, and how far it came', async () => {
      const found = await survey({ from: 0, budgetMs: 0 }, { few: 0, stretch: 50 });
      expect(found.scanned).toMatchObject({ runs: 50, isPartial: true });
      const times = made.map(({ run }) => run.createdAt).toSorted((a, b) => b - a);
      expect(found.scanned.oldest).toBe(times[49]);
    });

    it('of nothing is empty', async () => {
      expect(await survey({ workspaceId: OTHER_ID })).toMatchObject({
        scanned: { runs: 0, oldest: null },
        buckets: [],
      });
    });

    it('counts the runs of workflows of a name, whether few or many are looked at', async () => {
      const { name } = (await store.getWorkflow(WORKSPACE, OTHER_ID)) ?? { name: '' };
      const target = { column: 'workflowName', kind: 'text', path: [] } as const;
      for (const few of [0, 1000]) {
        const limits = { few, stretch: 7 };
        const all = await survey({}, limits);
        const named = await survey({ filter: { kind: 'in', target, values: [name] } }, limits);
        const others = await survey({ filter: { kind: 'not', term: { kind: 'in', target, values: [name] } } }, limits);
        const nameless = await survey({ filter: { kind: 'null', target } }, limits);
        expect(named.scanned.runs).toBeGreaterThan(0);
        expect(named.scanned.runs + others.scanned.runs + nameless.scanned.runs).toBe(all.scanned.runs);
        const none = await survey({ filter: { kind: 'in', target, values: ['no such name'] } }, limits);
        expect(none.scanned.runs).toBe(0);
      }
    });

    it('of one workflow counts its newest runs', async () => {
      const workflowId = made[0]!.run.workflowId;
      const runs = made.map(({ run }) => run).filter((run) => run.workflowId === workflowId);
      const [all] = await store.workflowSurveys({
        workspaceId: WORKSPACE,
        workflowIds: [workflowId],
        since: 0,
        mostRuns: RUNS,
      });
      expect(all).toMatchObject({
        runs: runs.length,
        failed: runs.filter(({ status }) => status === 'failed').length,
        cost: sumOf(runs),
        isPartial: false,
      });
      const [few] = await store.workflowSurveys({
        workspaceId: WORKSPACE,
        workflowIds: [workflowId],
        since: 0,
        mostRuns: 3,
      });
      expect(few).toMatchObject({ runs: 3, isPartial: true });
    });

    it('offers values by their beginning, whatever it is made of', async () => {
      const request = { workspaceId: WORKSPACE, prefix: '', mostRuns: RUNS, limit: 100 };
      const seen = await store.seenValues({ ...request, target: { column: 'status', path: [] } });
      expect(Object.fromEntries(seen.values.map(([value, count]) => [JSON.stringify(value), count]))).toEqual(
        tally(
          made.map(({ run }) => run),
          ({ status }) => status,
        ),
      );
      const percent = await store.seenValues({ ...request, prefix: '%', target: { column: 'status', path: [] } });
      expect(percent.values).toEqual([]);
      const within = await store.seenValues({ ...request, target: { column: 'metadata', path: ['a key', 0, "it's"] } });
      expect(within.scanned).toBe(RUNS);
      const [key = '', given] = made
        .flatMap(({ run }) => Object.entries(run.meta ?? {}))
        .find(([, value]) => typeof value === 'string' && value !== '' && !value.includes('\0')) ?? ['', null];
      const ofKey = await store.seenValues({ ...request, target: { column: 'metadata', path: [key] } });
      const having = made.filter(({ run }) => run.meta?.[key] === given).length;
      expect(new Map(ofKey.values).get(given as string)).toBe(having);
    });
  });
}
