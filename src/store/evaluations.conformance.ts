import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun } from '../../test/support/definitions.ts';
import { completed, issueOf, pendingEvaluation, pendingJudge } from '../../test/support/evaluations.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { Evaluation, Judge } from '../domain/evaluation.ts';
import type { Run } from '../domain/run.ts';
import type { Change } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { EvaluationCondition, Store } from './store.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const OURS = 'workspace-ours';
const ANYTHING: EvaluationCondition = { verdict: null, category: null, subcategory: null };
const VERDICTS = ['passed', 'failed', 'not_evaluated'] as const;

/** What every implementation of `Store` promises of evaluations. `open` gives a store that nobody has written to. */
export function describeEvaluations(name: string, open: () => Promise<OpenedStore>): void {
  describe(`evaluations in ${name}`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    const kept = async (change: Change) => expect(await store.commit(change)).toBe('kept');
    const stale = async (change: Change) => expect(await store.commit(change)).toBe('stale');

    async function aRun(): Promise<Run> {
      const run = queuedRun({ workspaceId: OURS, workflowId: 'f' }, system, { status: 'succeeded' });
      await kept([{ kind: 'createRun', run }]);
      return run;
    }

    const createdOf = (evaluation: Evaluation, judges: readonly Judge[] = []) =>
      ({ kind: 'createEvaluation', evaluation, judges }) as const;

    /** A pending evaluation of a run, the next after those it has. */
    async function begin(run: Run, set: Partial<Evaluation> = {}): Promise<Evaluation> {
      const last = await store.lastEvaluation(OURS, run.id);
      const chain = { parentId: last?.id ?? null, attempt: (last?.attempt ?? 0) + 1 };
      const evaluation = pendingEvaluation({ workspaceId: OURS, runId: run.id }, system, { ...chain, ...set });
      await kept([createdOf(evaluation)]);
      return evaluation;
    }

    const judgeWith = (evaluation: Evaluation, issues: readonly string[]) =>
      pendingJudge(evaluation, system, { status: 'ended', issues: issues.map((written) => issueOf(written, system)) });

    async function end(evaluation: Evaluation, passed: boolean | null, issues: readonly string[] = []): Promise<void> {
      system.pass(1000);
      const judges = [judgeWith(evaluation, issues)];
      await kept([{ kind: 'completeEvaluation', evaluation: completed(evaluation, passed, system.now()), judges }]);
    }

    async function evaluated(run: Run, passed: boolean | null, issues: readonly string[] = []): Promise<Evaluation> {
      const evaluation = await begin(run);
      await end(evaluation, passed, issues);
      return evaluation;
    }

    async function found(condition: Partial<EvaluationCondition>): Promise<string[]> {
      const request = { workspaceId: OURS, filter: null, sort: [], limit: 500, from: null, backward: false };
      const page = await store.find('runs', request, { evaluation: { ...ANYTHING, ...condition } });
      return page.items.map(({ run }) => run.id).sort();
    }

    const currentOf = async (run: Run) => (await store.currentEvaluations(OURS, [run.id])).map(({ id }) => id);

    describe('are kept', () => {
      it('with everything that was said, and read after a restart', async () => {
        const run = await aRun();
        const evaluation = pendingEvaluation({ workspaceId: OURS, runId: run.id }, system, {
          target: { kind: 'model', workflowId: 'm' },
          subject: {
            taskType: 'ad_creative',
            taskDescription: 'a banner',
            prompt: 'a red bicycle',
            imageUrl: 'https://example.com/a.png',
            inputAttributes: { age: 3 },
            instructions: 'look at the wheels',
            referenceImages: [{ url: 'https://example.com/b.png', kind: 'style', description: null }],
          },
          threshold: 0.75,
          clientRef: 'mine',
          callbackUrl: 'https://example.com/hook',
        });
        const pending = pendingJudge(evaluation, system, { category: 'anatomy', gate: true, weight: 2.5 });
        await kept([createdOf(evaluation, [pending])]);
        expect(await store.getEvaluation(OURS, evaluation.id)).toEqual(evaluation);
        const judge: Judge = {
          ...pending,
          status: 'ended',
          passed: false,
          confidence: 0.9,
          reasoning: 'two left hands',
          evidence: ['the hands'],
          strengths: ['light'],
          subPoints: { hands: 0 },
          issues: [issueOf('anatomy/hands', system), issueOf('anatomy', system)],
        };
        const done: Evaluation = {
          ...completed(evaluation, false, system.now()),
          passRate: 0.25,
          overrideReason: 'The gate failed.',
          topIssues: ['hands'],
          topStrengths: ['light'],
          checks: { judges: 1, passed: 0, failed: 1, withoutVerdict: 0 },
          action: 'retry',
          cost: '0.125',
        };
        await kept([{ kind: 'completeEvaluation', evaluation: done, judges: [judge] }]);
        const feedback = { isPositive: false, reason: 'no' };
        const of = { workspaceId: OURS, evaluationId: evaluation.id };
        await kept([{ kind: 'setEvaluationFeedback', ...of, feedback, at: 5 }]);
        store = await opened.reopen();
        const told = { ...done, feedback, updatedAt: 5, revision: done.revision + 1 };
        expect(await store.getEvaluation(OURS, evaluation.id)).toEqual(told);
        expect(await store.currentEvaluations(OURS, [run.id, 'another'])).toEqual([told]);
        expect(await store.lastEvaluation(OURS, run.id)).toEqual(told);
        expect(await store.listJudges(OURS, [evaluation.id])).toEqual([judge]);
        expect(await store.evaluationsJudgedBy(OURS, [judge.runId!, 'another'])).toEqual([evaluation.id]);
      });

      it('for a picture without a run too, where the parent is superseded', async () => {
        const owner = { workspaceId: OURS, runId: null };
        const first = pendingEvaluation(owner, system);
        const second = pendingEvaluation(owner, system, { parentId: first.id, attempt: 2 });
        await stale([createdOf(second)]);
        await kept([createdOf(first)]);
        await kept([createdOf(second)]);
        await end(first, false);
        await end(second, true);
        expect((await store.getEvaluation(OURS, first.id))?.supersededAt).toBe(system.now());
        expect((await store.getEvaluation(OURS, second.id))?.supersededAt).toBeNull();
      });

      it('unless the run is not there, or another evaluation of it came first', async () => {
        const run = await aRun();
        await stale([createdOf(pendingEvaluation({ workspaceId: OURS, runId: 'gone' }, system))]);
        const [one, other] = [1, 2].map(() => pendingEvaluation({ workspaceId: OURS, runId: run.id }, system));
        expect(await Promise.all([store.commit([createdOf(one!)]), store.commit([createdOf(other!)])])).toEqual([
          'kept',
          'stale',
        ]);
      });

      it('until their run is deleted', async () => {
        const run = await aRun();
        const other = await aRun();
        const evaluation = await evaluated(run, true, ['a/b']);
        await evaluated(other, true, ['a/b']);
        await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
        expect(await store.getEvaluation(OURS, evaluation.id)).toBeNull();
        expect(await store.listJudges(OURS, [evaluation.id])).toEqual([]);
        expect(await found({ category: 'a' })).toEqual([other.id]);
        await stale([{ kind: 'completeEvaluation', evaluation: completed(evaluation, true, 1), judges: [] }]);
      });

      it('with the plan of the workspace, which can be taken back', async () => {
        const judge = { workflowId: 'j', name: 'J', category: null, weight: 1, gate: true };
        const plan = { judges: [judge], threshold: 0.6 };
        expect(await store.evaluationPlan(OURS)).toBeNull();
        await kept([{ kind: 'setEvaluationPlan', workspaceId: OURS, plan }]);
        expect(await store.evaluationPlan(OURS)).toEqual(plan);
        await kept([{ kind: 'setEvaluationPlan', workspaceId: OURS, plan: null }]);
        expect(await store.evaluationPlan(OURS)).toBeNull();
      });

      it('and listed by filter, newest first', async () => {
        const run = await aRun();
        const first = await evaluated(run, false);
        const second = await evaluated(run, true);
        const request = { workspaceId: OURS, filter: null, sort: [], limit: 10, from: null, backward: false };
        const all = await store.find('evaluations', request);
        expect(all.items.map(({ id }) => id)).toEqual([second.id, first.id]);
        const target = { column: 'passRate', kind: 'decimal', path: [] } as const;
        const passed = await store.find('evaluations', {
          ...request,
          filter: { kind: 'order', target, order: 'gte', value: '0.5' },
        });
        expect(passed.items.map(({ id }) => id)).toEqual([second.id]);
      });
    });

    describe('surveyed over time', () => {
      it('count by verdict and by issue, those that are current, once for a category', async () => {
        const from = system.now();
        const run = await aRun();
        await evaluated(run, false, ['old/one']);
        await evaluated(run, true, ['quality/blur', 'quality/noise', 'anatomy']);
        await evaluated(await aRun(), false, ['quality/blur']);
        await evaluated(await aRun(), null);
        await begin(await aRun());
        const survey = await store.evaluationSurvey({
          workspaceId: OURS,
          from,
          to: from + 60_000,
          bucketMs: 86_400_000,
        });
        expect(survey).toEqual({
          buckets: [
            {
              at: from - (from % 86_400_000),
              passed: 1,
              failed: 1,
              withoutVerdict: 1,
              issues: { quality: 2, anatomy: 1 },
            },
          ],
          categories: [
            {
              category: 'quality',
              evaluations: 2,
              subcategories: [
                { subcategory: 'blur', evaluations: 2 },
                { subcategory: 'noise', evaluations: 1 },
              ],
            },
            { category: 'anatomy', evaluations: 1, subcategories: [{ subcategory: null, evaluations: 1 }] },
          ],
        });
        const before = { workspaceId: OURS, from: 0, to: from, bucketMs: 1000 };
        expect(await store.evaluationSurvey(before)).toEqual({ buckets: [], categories: [] });
      });

      it('tell the verdict of runs, by which they are found and counted', async () => {
        const passed = await aRun();
        const failed = await aRun();
        const without = await aRun();
        await evaluated(passed, false);
        await evaluated(passed, true);
        await evaluated(failed, false);
        await evaluated(without, null);
        const target = { column: 'verdict', kind: 'code', path: [] } as const;
        const filter = { kind: 'in', target, values: ['passed'] } as const;
        const request = { workspaceId: OURS, filter, sort: [], limit: 10, from: null, backward: false };
        const page = await store.find('runs', request);
        expect(page.items.map(({ run }) => run.id)).toEqual([passed.id]);
        const span = { from: null, to: null, buckets: 10, now: system.now(), budgetMs: 10_000 };
        const one = await store.surveyRuns({ workspaceId: OURS, filter, ...span });
        expect(one.facets.verdict).toEqual([['passed', 1]]);
        const all = await store.surveyRuns({ workspaceId: OURS, filter: null, ...span });
        expect(new Map(all.facets.verdict)).toEqual(
          new Map([
            ['passed', 1],
            ['failed', 1],
            [null, 1],
          ]),
        );
        const seen = await store.seenValues({ workspaceId: OURS, target, prefix: 'PA', mostRuns: 10, limit: 10 });
        expect(seen).toEqual({ values: [['passed', 1]], scanned: 3 });
      });
    });

    describe('of one run', () => {
      it('are current one at a time: completing one supersedes the one before', async () => {
        const run = await aRun();
        const first = await evaluated(run, false);
        expect(await currentOf(run)).toEqual([first.id]);
        const second = await begin(run);
        expect(await currentOf(run)).toEqual([first.id]);
        await end(second, true);
        expect(await currentOf(run)).toEqual([second.id]);
        expect((await store.getEvaluation(OURS, first.id))?.supersededAt).toBe(system.now());
      });

      it('are current one at a time when they complete at once', async () => {
        const run = await aRun();
        const evaluations = [await begin(run), await begin(run), await begin(run)];
        const results = await Promise.all(
          evaluations.map((evaluation, index) =>
            store.commit([
              {
                kind: 'completeEvaluation',
                evaluation: completed(evaluation, index === 1, system.now()),
                judges: [judgeWith(evaluation, [`issue ${index}`])],
              },
            ]),
          ),
        );
        expect(results).toEqual(['kept', 'kept', 'kept']);
        expect(await currentOf(run)).toEqual([evaluations[2]!.id]);
        expect(await found({ category: 'issue 0' })).toEqual([]);
        expect(await found({ category: 'issue 2' })).toEqual([run.id]);
      });

      it('count by attempt: an older one that completes late is superseded at once', async () => {
        const run = await aRun();
        const slow = await begin(run);
        const quick = await begin(run);
        await end(quick, true);
        await end(slow, false, ['late']);
        expect(await currentOf(run)).toEqual([quick.id]);
        expect(await store.getEvaluation(OURS, slow.id)).toMatchObject({
          status: 'completed',
          passed: false,
          supersededAt: system.now(),
        });
        expect(await found({ category: 'late' })).toEqual([]);
      });

      it('complete once: a second completion of the same evaluation is stale', async () => {
        const run = await aRun();
        const evaluation = await begin(run);
        const done = completed(evaluation, true, system.now());
        const again = [{ kind: 'completeEvaluation', evaluation: done, judges: [] }] as const;
        expect(await Promise.all([store.commit(again), store.commit(again)])).toEqual(['kept', 'stale']);
        const later = { ...done, revision: done.revision + 1, passed: false };
        await stale([{ kind: 'completeEvaluation', evaluation: later, judges: [] }]);
        await stale([{ kind: 'updateEvaluation', evaluation: done, judges: [] }]);
      });

      it('are never two current ones, even if a writer forgets to complete in order', async () => {
        const run = await aRun();
        await evaluated(run, true);
        const wrong = await begin(run);
        const forced = completed(wrong, false, system.now());
        await expect(store.commit([{ kind: 'updateEvaluation', evaluation: forced, judges: [] }])).rejects.toThrow(
          /UNIQUE/i,
        );
      });
    });

    describe('find runs', () => {
      it('in three parts: every run fits exactly one of the three verdicts', async () => {
        const runs: Run[] = [];
        for (let n = 0; n < 8; n += 1) runs.push(await aRun());
        const [passed, failed, unsure, , pending, running, broken, again] = runs as [
          Run,
          Run,
          Run,
          Run,
          Run,
          Run,
          Run,
          Run,
        ];
        await evaluated(passed, true);
        await evaluated(failed, false);
        await evaluated(unsure, null);
        await begin(pending);
        const begun = await begin(running);
        await kept([
          { kind: 'updateEvaluation', evaluation: { ...begun, status: 'running', revision: 2 }, judges: [] },
        ]);
        const lost = await begin(broken);
        const failure = { code: 'judges_failed', message: 'No judge answered.' } as const;
        await kept([
          { kind: 'updateEvaluation', evaluation: { ...lost, status: 'failed', revision: 2, failure }, judges: [] },
        ]);
        await evaluated(again, false);
        await begin(again);
        const parts = await Promise.all(VERDICTS.map((verdict) => found({ verdict })));
        expect(parts[0]).toEqual([passed.id]);
        expect(parts[1]).toEqual([failed.id, again.id]);
        expect(parts.flat().sort()).toEqual(runs.map(({ id }) => id).sort());
      });

      it('that passed and have issues all the same', async () => {
        const run = await aRun();
        await evaluated(run, true, ['quality/blur']);
        await evaluated(await aRun(), true);
        await evaluated(await aRun(), false, ['quality/blur']);
        expect(await found({ verdict: 'passed', category: 'quality' })).toEqual([run.id]);
      });

      it('without a verdict and with an issue only among those that were completed', async () => {
        const run = await aRun();
        await evaluated(run, null, ['quality/blur']);
        await aRun();
        await evaluated(await aRun(), false, ['quality/blur']);
        await evaluated(await aRun(), null, ['quality/noise']);
        expect(await found({ verdict: 'not_evaluated', subcategory: 'blur' })).toEqual([run.id]);
      });

      it('never by the issues of a superseded evaluation', async () => {
        const run = await aRun();
        await evaluated(run, false, ['anatomy/hands']);
        expect(await found({ category: 'anatomy' })).toEqual([run.id]);
        await evaluated(run, true);
        expect(await found({ category: 'anatomy' })).toEqual([]);
        expect(await found({ verdict: 'passed' })).toEqual([run.id]);
      });

      it('never by the issues of an evaluation that is not completed', async () => {
        const run = await aRun();
        const evaluation = await begin(run);
        const judges = [judgeWith(evaluation, ['anatomy/hands'])];
        await kept([
          { kind: 'updateEvaluation', evaluation: { ...evaluation, status: 'running', revision: 2 }, judges },
        ]);
        expect(await found({ category: 'anatomy' })).toEqual([]);
        const failed = { ...evaluation, status: 'failed', revision: 3 } as const;
        await kept([{ kind: 'updateEvaluation', evaluation: failed, judges: [] }]);
        expect(await found({ subcategory: 'hands' })).toEqual([]);
      });

      it('by the issues that judges had written before the others ended', async () => {
        const run = await aRun();
        const evaluation = await begin(run);
        const running = { ...evaluation, status: 'running', revision: 2 } as const;
        const judges = [judgeWith(evaluation, ['anatomy/hands'])];
        await kept([{ kind: 'updateEvaluation', evaluation: running, judges }]);
        await end(running, false);
        expect(await found({ category: 'anatomy', subcategory: 'hands' })).toEqual([run.id]);
      });

      it('once, however many of their issues match', async () => {
        const run = await aRun();
        await evaluated(run, false, ['anatomy/hands', 'anatomy/hands', 'anatomy/feet']);
        expect(await found({ category: 'anatomy' })).toEqual([run.id]);
      });

      it('by category and subcategory of one and the same issue', async () => {
        const run = await aRun();
        await evaluated(run, false, ['anatomy/hands', 'quality/blur']);
        expect(await found({ category: 'anatomy', subcategory: 'hands' })).toEqual([run.id]);
        expect(await found({ category: 'anatomy', subcategory: 'blur' })).toEqual([]);
      });

      it('by issue texts as they are: in their case, and nothing by an unknown one', async () => {
        const run = await aRun();
        await evaluated(run, false, ["Anatomy '%_/hands"]);
        expect(await found({ category: "Anatomy '%_" })).toEqual([run.id]);
        expect(await found({ category: "anatomy '%_" })).toEqual([]);
        expect(await found({ category: '%' })).toEqual([]);
        expect(await found({ category: '' })).toEqual([]);
      });

      it('the same whether there are few matches or thousands', async () => {
        const few = await aRun();
        await evaluated(few, false, ['rare/a']);
        const many: Run[] = [];
        // More than the number up to which matches are looked up one by one.
        for (let n = 0; n < 2_100; n += 1) many.push(queuedRun({ workspaceId: OURS, workflowId: 'f' }, system));
        await kept(many.map((run) => ({ kind: 'createRun', run })));
        const evaluations = many.map((run) => pendingEvaluation({ workspaceId: OURS, runId: run.id }, system));
        await kept(evaluations.map((evaluation) => createdOf(evaluation)));
        await kept(
          evaluations.map((evaluation, index) => ({
            kind: 'completeEvaluation',
            evaluation: completed(evaluation, false, system.now()),
            judges: [judgeWith(evaluation, ['common/b', ...(index === 7 ? ['common/a'] : [])])],
          })),
        );
        expect(await found({ verdict: 'failed' })).toHaveLength(500);
        expect(await found({ category: 'common' })).toHaveLength(500);
        expect(await found({ subcategory: 'b' })).toHaveLength(500);
        expect(await found({ category: 'common', subcategory: 'a' })).toEqual([many[7]!.id]);
        expect(await found({ verdict: 'failed', category: 'rare' })).toEqual([few.id]);
        expect(await found({ verdict: 'passed', category: 'common' })).toEqual([]);
        expect(await found({ verdict: 'not_evaluated' })).toEqual([]);
      });

      it('as a model in memory does, whatever happened to their evaluations', { timeout: 300_000 }, async () => {
        const words = fc.constantFrom('a', 'b', 'c');
        const issue = fc.tuple(words, fc.option(words, { nil: null }));
        const step = fc.record({
          run: fc.nat(5),
          does: fc.constantFrom('begin', 'complete', 'complete', 'write', 'fail'),
          /** Which of the run's evaluations in hand it is about. */
          which: fc.nat(3),
          passed: fc.constantFrom(true, false, null),
          issues: fc.array(issue, { maxLength: 3 }),
        });
        interface Modelled {
          evaluation: Evaluation;
          issues: (readonly [string, string | null])[];
        }
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
            const workspace = system.newId();
            const runs = Array.from({ length: 6 }, () =>
              queuedRun({ workspaceId: workspace, workflowId: 'f' }, system),
            );
            await kept(runs.map((run) => ({ kind: 'createRun', run })));
            const model = new Map<string, Modelled[]>(runs.map(({ id }) => [id, []]));
            for (const { run: index, does, which, passed, issues } of steps) {
              const run = runs[index]!;
              const known = model.get(run.id)!;
              if (does === 'begin') {
                const parent = known.at(-1)?.evaluation;
                const chain = { parentId: parent?.id ?? null, attempt: known.length + 1 };
                const owner = { workspaceId: workspace, runId: run.id };
                const evaluation = pendingEvaluation(owner, system, chain);
                await kept([createdOf(evaluation)]);
                known.push({ evaluation, issues: [] });
                continue;
              }
              const open = known.filter(({ evaluation }) => ['pending', 'running'].includes(evaluation.status));
              const one = open[which % Math.max(1, open.length)];
              if (one === undefined) continue;
              const judge = pendingJudge(one.evaluation, system, {
                issues: issues.map(([category, subcategory]) => ({
                  id: system.newId(),
                  category,
                  subcategory,
                  detail: null,
                })),
              });
              one.issues.push(...issues);
              const next = { ...one.evaluation, revision: one.evaluation.revision + 1 };
              if (does === 'complete') {
                const done = completed(one.evaluation, passed, system.now());
                await kept([{ kind: 'completeEvaluation', evaluation: done, judges: [judge] }]);
                one.evaluation = done;
              } else {
                one.evaluation = { ...next, status: does === 'fail' ? 'failed' : 'running' };
                await kept([{ kind: 'updateEvaluation', evaluation: one.evaluation, judges: [judge] }]);
              }
            }
            const currentIn = (runId: string): Modelled | undefined =>
              model.get(runId)!.findLast(({ evaluation }) => evaluation.status === 'completed');
            const fits = (runId: string, { verdict, category, subcategory }: EvaluationCondition): boolean => {
              const current = currentIn(runId);
              const told = current?.evaluation.passed ?? null;
              const part = told === null ? 'not_evaluated' : told ? 'passed' : 'failed';
              if (verdict !== null && part !== verdict) return false;
              if (category === null && subcategory === null) return true;
              return (current?.issues ?? []).some(
                (one) => (category === null || one[0] === category) && (subcategory === null || one[1] === subcategory),
              );
            };
            for (const verdict of [null, ...VERDICTS]) {
              for (const category of [null, 'a', 'b']) {
                for (const subcategory of [null, 'a', 'c']) {
                  const condition = { verdict, category, subcategory };
                  const request = { filter: null, sort: [], limit: 50, from: null, backward: false };
                  const page = await store.find(
                    'runs',
                    { ...request, workspaceId: workspace },
                    { evaluation: condition },
                  );
                  const expected = runs.filter(({ id }) => fits(id, condition)).map(({ id }) => id);
                  expect(page.items.map(({ run }) => run.id).sort(), JSON.stringify(condition)).toEqual(expected);
                }
              }
            }
            const current = await store.currentEvaluations(
              workspace,
              runs.map(({ id }) => id),
            );
            expect(current.map(({ id }) => id).sort()).toEqual(
              runs.flatMap(({ id }) => currentIn(id)?.evaluation.id ?? []).sort(),
            );
          }),
          { numRuns: LONG ? 500 : 25 },
        );
      });
    });
  });
}
