import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Evaluation } from '../../src/domain/evaluation.ts';
import type { Store } from '../../src/store/store.ts';
import type { Wire } from '../support/client.ts';
import { queuedRun } from '../support/definitions.ts';
import { completed, issueOf, pendingEvaluation, pendingJudge } from '../support/evaluations.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';
import { heldSystem } from '../support/system.ts';

/** Runs by what became of their evaluation. Issues are written `category/subcategory`. */
const STORIES = {
  never: [],
  pending: ['pending'],
  passed: [{ passed: true, issues: [] }],
  passedWithIssue: [{ passed: true, issues: ['colour/dull'] }],
  failed: [{ passed: false, issues: ['colour/dull', 'anatomy/hands', 'colour/dull'] }],
  apart: [{ passed: false, issues: ['colour/loud', 'text/dull'] }],
  noVerdict: [{ passed: null, issues: ['colour/dull'] }],
  mended: [
    { passed: false, issues: ['anatomy/hands'] },
    { passed: true, issues: [] },
  ],
  again: [{ passed: false, issues: ['anatomy/hands'] }, 'pending'],
} as const;

const system = heldSystem();
const workspaceId = system.newId();
const nameOf = new Map<string, string>();

async function prepare(store: Store): Promise<void> {
  const workspace = { id: workspaceId, name: 'ours', createdAt: 1 };
  await store.commit([{ kind: 'createWorkspace', workspace }]);
  for (const [name, story] of Object.entries(STORIES)) {
    system.pass(1000);
    const run = queuedRun({ workspaceId, workflowId: system.newId() }, system, {
      status: 'succeeded',
      clientRef: name,
    });
    nameOf.set(run.id, name);
    await store.commit([{ kind: 'createRun', run }]);
    let parent: Evaluation | null = null;
    for (const told of story) {
      const chain = { parentId: parent?.id ?? null, attempt: (parent?.attempt ?? 0) + 1 };
      const evaluation: Evaluation = pendingEvaluation({ workspaceId, runId: run.id }, system, chain);
      const judge = pendingJudge(evaluation, system);
      expect(await store.commit([{ kind: 'createEvaluation', evaluation, judges: [judge] }])).toBe('kept');
      if (told === 'pending') continue;
      const { passed } = told;
      const issues = told.issues.map((written) => issueOf(written, system));
      const judges = [{ ...judge, status: 'ended' as const, passed, issues }];
      const done = completed(evaluation, passed, system.now());
      expect(await store.commit([{ kind: 'completeEvaluation', evaluation: done, judges }])).toBe('kept');
      parent = done;
    }
  }
}

let server: TestServer;
let api: RunflowClient;
beforeAll(async () => {
  server = await startPlatform({ prepare });
  api = new RunflowClient(server);
});
afterAll(() => server.stop());

const found = async (query: object): Promise<string[]> =>
  (await api.items('/v1/runs', { ...query, sort_by: 'created_at:asc' })).map(({ client_ref }) => client_ref);

it.each([
  [{ evaluation_status: 'passed' }, ['passed', 'passedWithIssue', 'mended']],
  [{ evaluation_status: 'failed' }, ['failed', 'apart', 'again']],
  [{ evaluation_status: 'not_evaluated' }, ['never', 'pending', 'noVerdict']],
  [{ evaluation_issue_category: 'colour' }, ['passedWithIssue', 'failed', 'apart', 'noVerdict']],
  [{ evaluation_issue_subcategory: 'dull' }, ['passedWithIssue', 'failed', 'apart', 'noVerdict']],
  [
    { evaluation_issue_category: 'colour', evaluation_issue_subcategory: 'dull' },
    ['passedWithIssue', 'failed', 'noVerdict'],
  ],
  [{ evaluation_issue_category: 'anatomy' }, ['failed', 'again']],
  [{ evaluation_status: 'passed', evaluation_issue_subcategory: 'dull' }, ['passedWithIssue']],
  [{ evaluation_status: 'not_evaluated', evaluation_issue_category: 'colour' }, ['noVerdict']],
  [{ evaluation_status: 'failed', q: "client_ref.in:('failed', 'passed')" }, ['failed']],
  [{ evaluation_issue_category: 'Colour' }, []],
  [{ evaluation_issue_category: '', evaluation_status: 'null' }, Object.keys(STORIES)],
])('%j finds runs by their current evaluation', async (query, names) => {
  expect(await found(query)).toEqual(names);
});

it('a list by verdict is walked page by page', async () => {
  const query = { evaluation_status: 'failed', sort_by: 'created_at:asc', limit: 1 };
  const first = await api.get('/v1/runs', query);
  const second = await api.get('/v1/runs', { ...query, pq: first.next });
  expect(second.items[0].client_ref).toBe('apart');
  const back = await api.get('/v1/runs', { ...query, pq: second.previous, from_prev: true });
  expect(back.items).toEqual(first.items);
});

it('a run shows its current evaluation when it is embedded, and null when it has none', async () => {
  const runs = await api.items('/v1/runs', { embed: 'current_evaluation_summary', fields: 'client_ref' });
  const summaries = Object.fromEntries(
    runs.map(({ client_ref, current_evaluation_summary }: Wire) => [client_ref, current_evaluation_summary]),
  );
  const failed = { passed: false, status_code: 'completed', score: 0 };
  expect(summaries).toEqual({
    never: null,
    pending: null,
    passed: { passed: true, status_code: 'completed', score: 1 },
    passedWithIssue: { passed: true, status_code: 'completed', score: 1 },
    failed,
    apart: failed,
    noVerdict: { passed: null, status_code: 'completed', score: null },
    mended: { passed: true, status_code: 'completed', score: 1 },
    again: failed,
  });
});
