import { afterAll, beforeAll, expect, it } from 'vitest';
import { SCOPES } from '../../src/domain/caller.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import type { Store } from '../../src/store/store.ts';
import type { Wire } from '../support/client.ts';
import { queuedRun } from '../support/definitions.ts';
import { completed, issueOf, pendingEvaluation, pendingJudge } from '../support/evaluations.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { heldSystem } from '../support/system.ts';

/** Runs by the verdict of their evaluation and the issues it found, written `category/subcategory`; null: not evaluated. */
const STORIES = {
  never: null,
  passed: { passed: true, issues: [] },
  passedWithIssue: { passed: true, issues: ['colour/dull'] },
  failed: { passed: false, issues: ['colour/dull', 'colour/loud', 'anatomy/hands'] },
  noVerdict: { passed: null, issues: [] },
} as const;

const system = heldSystem();
const nameOf = new Map<string, string>();
const BLIND_KEY = 'sees_no_evaluations_01';

async function prepare(store: Store): Promise<void> {
  const workspaceId = system.newId();
  const key = (text: string, scopes: typeof SCOPES | (typeof SCOPES)[number][]) => {
    const about = { id: system.newId(), workspaceId, name: text, scopes, createdAt: system.now() };
    return { kind: 'putApiKey', key: keyRecord(text, about) } as const;
  };
  const blind = SCOPES.filter((scope) => scope !== 'evaluations:read');
  const workspace = { id: workspaceId, name: 'ours', createdAt: 1 };
  await store.commit([{ kind: 'createWorkspace', workspace }, key(KEY, SCOPES), key(BLIND_KEY, blind)]);
  for (const [name, story] of Object.entries(STORIES)) {
    system.pass(1000);
    const run = queuedRun({ workspaceId, workflowId: system.newId() }, system, { status: 'succeeded' });
    nameOf.set(run.id, name);
    await store.commit([{ kind: 'createRun', run }]);
    if (story === null) continue;
    const evaluation = pendingEvaluation({ workspaceId, runId: run.id }, system);
    const judge = pendingJudge(evaluation, system);
    await store.commit([{ kind: 'createEvaluation', evaluation, judges: [judge] }]);
    const issues = story.issues.map((written) => issueOf(written, system));
    const judges = [{ ...judge, status: 'ended' as const, passed: story.passed, issues }];
    await store.commit([
      { kind: 'completeEvaluation', evaluation: completed(evaluation, story.passed, system.now()), judges },
    ]);
  }
}

let server: TestServer;
let page: ExplorerClient;
beforeAll(async () => {
  server = await startPlatform({ prepare });
  page = await ExplorerClient.signIn(server.url, KEY);
});
afterAll(() => server.stop());

const named = ({ items }: Wire): string[] => items.map(({ id }: Wire) => nameOf.get(id)).toSorted();

it.each([
  ['q=verdict:passed', ['passed', 'passedWithIssue']],
  ['q=verdict:failed', ['failed']],
  ['q=verdict.isnull', ['never', 'noVerdict']],
  ['q=verdict!=passed', ['failed']],
  ['category=colour', ['failed', 'passedWithIssue']],
  ['category=colour&subcategory=loud', ['failed']],
  ['category=colour&q=verdict:passed', ['passedWithIssue']],
])('runs are found by %s', async (query, names) => {
  expect(named(await page.get(`/runs?${query}`))).toEqual(names);
});

it('a run in a list has its verdict, and runs are counted by it', async () => {
  const { items } = await page.get('/runs?q=verdict:failed');
  expect(items[0].evaluation).toMatchObject({ passed: false, passRate: 0 });
  const { facets } = await page.get('/runs/facets?fields=verdict');
  const counts = facets[0].values.map(({ label, count }: Wire) => [label, count]);
  expect(counts.toSorted()).toEqual([
    ['failed', 1],
    ['none', 2],
    ['passed', 2],
  ]);
  const narrowed = await page.get('/runs/facets?fields=verdict&q=verdict:failed');
  expect(narrowed.facets[0].values).toEqual([{ value: 'failed', label: 'failed', count: 1 }]);
});

it('evaluations are listed, shown with their judges, and told over time by what they found', async () => {
  const { items } = await page.get('/evaluations?q=overall_passed:false');
  expect(items).toMatchObject([{ status: 'completed', passed: false, isCurrent: true, attempt: 1 }]);
  const detail = await page.get(`/evaluations/${items[0].id}`);
  expect(detail.judges[0].issues).toHaveLength(3);
  expect((await page.get(`/runs/${items[0].runId}/evaluations`)).items).toEqual([detail]);
  const from = Date.UTC(2026, 0, 1);
  const trends = await page.get(`/evaluations/trends?from=${from}&to=${from + 60_000}&buckets=2`);
  expect(trends).toMatchObject({
    bucketMs: 30_000,
    buckets: [{ at: from, passed: 2, failed: 1, withoutVerdict: 1, issues: { colour: 2, anatomy: 1 } }],
    categories: [
      {
        category: 'colour',
        evaluations: 2,
        subcategories: [
          { subcategory: 'dull', evaluations: 2 },
          { subcategory: 'loud', evaluations: 1 },
        ],
      },
      { category: 'anatomy', evaluations: 1 },
    ],
  });
  expect((await page.send('GET', `/evaluations/trends?from=${from}&to=${from}`)).status).toBe(422);
});

it('who may not read evaluations is told no verdict, and cannot read it off a list', async () => {
  const blind = await ExplorerClient.signIn(server.url, BLIND_KEY);
  const { items } = await blind.get('/runs');
  expect(items.every(({ evaluation }: Wire) => evaluation === null)).toBe(true);
  expect((await blind.get('/runs/facets?fields=verdict')).facets[0].values).toEqual([]);
  for (const path of [
    '/runs',
    '/runs/live',
    '/runs/count',
    '/runs/facets',
    '/runs/histogram',
    '/runs/export?format=csv',
  ]) {
    const mark = path.includes('?') ? '&' : '?';
    const answer = await blind.send('GET', `${path}${mark}q=verdict:passed`);
    expect([answer.status, answer.body.error?.message], path).toEqual([
      403,
      expect.stringContaining('evaluations:read'),
    ]);
  }
  expect((await blind.send('GET', '/runs?sort=verdict')).status).toBe(403);
  expect((await blind.send('GET', '/filter/values?field=verdict')).status).toBe(403);
  const search = { query: 'x', mode: 'exact', q: 'verdict:passed' };
  expect((await blind.send('POST', '/runs/search', search)).status).toBe(403);
  const preview = { action: 'stop', runs: { q: 'verdict:passed' } };
  expect((await blind.send('POST', '/bulk/preview', preview)).status).toBe(403);
});
