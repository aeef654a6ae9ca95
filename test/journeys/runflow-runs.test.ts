import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scope } from '../../src/domain/caller.ts';
import type { NodeRun } from '../../src/domain/node-run.ts';
import type { Run } from '../../src/domain/run.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import type { Write } from '../../src/store/change.ts';
import type { Store } from '../../src/store/store.ts';
import type { Wire } from '../support/client.ts';
import { queuedRun, versionOf, workflowOf } from '../support/definitions.ts';
import { edge, GREETING, http, input, output } from '../support/noxus-definitions.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';
import { heldSystem } from '../support/system.ts';

/** Runs that a server finds in its store: 24 of a model, one a minute, and one of a ComfyUI workflow. */
const system = heldSystem();
const workspaceId = system.newId();
const THEIRS = 'their_key_0123456789';
const READ_ONLY = 'read_only_0123456789';
const stored: Run[] = [];

const workflows = (['model', 'comfyui_workflow'] as const).map((kind) => {
  const version = versionOf({ nodes: [], edges: [] }, { workspaceId, workflowId: system.newId() }, system);
  const profile =
    kind === 'model'
      ? { category_code: 'image', version: '2', inputs: [{ name: 'prompt', is_required: true }] }
      : { gpu_explicit_models: [{ gpu_model_code: 'a100' }], workflow_json: { 1: { class_type: 'KSampler' } } };
  const workflow = {
    ...workflowOf(workspaceId, version.id, system),
    id: version.workflowId,
    kind,
    slug: `acme/${kind}`,
    profile,
  };
  return { workflow, version };
});

const nodeRun = (nodeId: string, set: Partial<NodeRun> = {}): NodeRun => ({
  nodeId,
  status: 'succeeded',
  currentIteration: 1,
  totalIterations: 1,
  iterates: false,
  attempts: 2,
  startedAt: system.now(),
  finishedAt: system.now() + 250,
  inputs: '{"value":"in"}',
  outputs: '{"image":{"url":"https://cdn.example.com/a.png"}}',
  taken: ['image'],
  failure: null,
  warnings: [{ identifier: 'retry_warning', detail: 'Once more.' }],
  usage: { inputTokens: 1, outputTokens: 2, cost: '0.010' },
  ...set,
});

async function prepare(store: Store): Promise<void> {
  const writes: Write[] = [{ kind: 'createWorkspace', workspace: { id: workspaceId, name: 'ours', createdAt: 1 } }];
  const addKey = (key: string, owner: string, scopes: readonly Scope[]) => {
    const about = { id: system.newId(), workspaceId: owner, name: key, scopes, createdAt: 1 };
    writes.push({ kind: 'putApiKey', key: keyRecord(key, about) });
  };
  addKey(THEIRS, system.newId(), ['runs:read', 'runs:create', 'runs:stop']);
  addKey(READ_ONLY, workspaceId, ['runs:read']);
  for (const { workflow, version } of workflows) {
    writes.push({ kind: 'createWorkflow', workflow }, { kind: 'createVersion', version });
  }
  const [model, comfy] = workflows;
  const add = (of: (typeof workflows)[number] | undefined, set: Partial<Run>) => {
    const { workflow, version } = of!;
    const run = queuedRun({ workspaceId, workflowId: workflow.id }, system, {
      kind: workflow.kind,
      workflowVersionId: version.id,
      ...set,
    });
    stored.push(run);
    writes.push({ kind: 'createRun', run });
    return run;
  };
  for (let n = 0; n < 24; n += 1) {
    const failed = n % 6 === 5;
    system.pass(60_000);
    add(model, {
      status: failed ? 'failed' : 'succeeded',
      failure: failed ? { code: 'timeout', message: 'Too slow.', stage: 'dispatch' } : null,
      clientRef: n % 2 === 0 ? 'grid' : null,
      startedAt: system.now(),
      finishedAt: system.now() + n * 100,
      cost: n % 3 === 0 ? null : `0.${n}`,
      input: JSON.stringify({ prompt: `number ${n}`, seed: n }),
      output: failed ? null : JSON.stringify({ outputs: [{ type: 'image', url: `https://cdn.example.com/${n}.png` }] }),
      meta: { order: { id: `o-${n}` } },
      source: 'playground',
      callbackUrl: 'https://example.com/hook',
    });
  }
  system.pass(60_000);
  const last = add(comfy, { status: 'running', startedAt: system.now() });
  const inRun = { workspaceId, runId: last.id };
  writes.push({ kind: 'putNodeRun', ...inRun, nodeRun: nodeRun('graph') });
  const failure = { code: 'provider', message: 'No memory.' } as const;
  writes.push({
    kind: 'putNodeRun',
    ...inRun,
    nodeRun: nodeRun('graph/3', {
      status: 'failed',
      failure,
      startedAt: system.now() + 10,
      warnings: [],
      usage: null,
      outputs: null,
    }),
  });
  for (const [level, nodeId] of [
    ['info', null],
    ['warning', 'graph'],
  ] as const) {
    const log = {
      id: system.newId(),
      runId: last.id,
      nodeId,
      iteration: 0,
      level,
      message: `A line of ${level}.`,
      at: system.now(),
      meta: { n: 1 },
    };
    writes.push({ kind: 'appendLog', workspaceId, log });
  }
  await store.commit(writes);
}

let server: TestServer;
let api: RunflowClient;
beforeAll(async () => {
  server = await startPlatform({ prepare });
  api = new RunflowClient(server);
});
afterAll(() => server.stop());

const ids = (items: readonly Wire[]): string[] => items.map(({ id }) => id);
const newestFirst = () => stored.map(({ id }) => id).toReversed();
const lastRun = () => stored.at(-1)!;

describe('the list of runs', () => {
  it.each(['/v1/runs', '/runflow/v1/runs'])('answers under %s, newest first, 50 at a time', async (path) => {
    const page = await api.get(path);
    expect(ids(page.items)).toEqual(newestFirst());
    expect(page).toMatchObject({ first: expect.any(String), next: null, previous: null });
  });

  it('shows a run with every property that the reference has', async () => {
    const [run] = await api.items('/v1/runs', { q: "metadata.order.id = 'o-5'" });
    const model = workflows[0]!;
    expect(run).toEqual({
      id: stored[5]!.id,
      flow_id: null,
      model_id: model.workflow.id,
      comfyui_workflow_id: null,
      target_type: 'model',
      target_version: model.version.id,
      org_id: workspaceId,
      status_code: 'failed',
      source_code: 'playground',
      input: { prompt: 'number 5', seed: 5 },
      output: null,
      context: null,
      duration_ms: 500,
      cost: '0.5',
      cost_breakdown: null,
      nodes_total: 0,
      nodes_completed: 0,
      resolved_template_id: null,
      batch_id: null,
      client_ref: null,
      jurisdiction_code: null,
      flow_version_id: null,
      request_id: null,
      created_by: null,
      created_at: '2026-01-01T00:06:00.000Z',
      started_at: '2026-01-01T00:06:00.000Z',
      completed_at: '2026-01-01T00:06:00.500Z',
      callback_url: 'https://example.com/hook',
      metadata: { order: { id: 'o-5' } },
      has_logs: false,
      has_node_runs: false,
      links: expect.objectContaining({ self: `/v1/runs/${stored[5]!.id}` }),
      failure_code: 'timeout',
      failure_stage_code: 'dispatch',
      failure_message: 'Too slow.',
      feedback_is_positive: null,
      feedback_reason: null,
      source_chat_message_id: null,
    });
  });

  it.each([
    ["client_ref.EQ:'grid'", 12],
    ['status_code:failed', 4],
    ['status_code = succeeded AND cost > 0.15', 8],
    ["model.slug = 'acme/model' and input.seed >= 20", 4],
    ["output.outputs[0].url.like:'%/7.png'", 1],
    ['duration_ms > 1000 and not status_code.in:(failed)', 10],
    ['completed_at.isnull', 1],
    ['created_at < 2026-01-01T00:02:30Z', 2],
    ['has_logs = true', 1],
  ])('is filtered by %s', async (q, count) => {
    expect(await api.items('/v1/runs', { q })).toHaveLength(count);
  });

  it('is sorted by several keys, nulls last going up and first going down', async () => {
    const up = await api.items('/v1/runs', { sort_by: 'cost:asc,created_at:desc' });
    expect(up.at(-1).cost).toBeNull();
    const costs = up.map(({ cost }) => cost).filter((cost) => cost !== null);
    expect(costs).toEqual(costs.toSorted((a, b) => Number(a) - Number(b)));
    const down = await api.items('/v1/runs', { sort_by: 'status_code:desc,cost:desc', limit: 1 });
    expect(down[0]).toMatchObject({ status_code: 'succeeded', cost: null });
  });

  it('is walked forward to its end and backward to its begin by the cursors that it gives', async () => {
    const query = { q: 'status_code:succeeded', sort_by: 'cost:desc', limit: 7, fields: 'id' };
    const whole = ids(await api.items('/v1/runs', { ...query, limit: 500 }));
    const forward: string[][] = [];
    let page = await api.get('/v1/runs', query);
    const first = page;
    for (;;) {
      forward.push(ids(page.items));
      if (page.next === null) break;
      page = await api.get('/v1/runs', { ...query, pq: page.next });
    }
    expect(forward.flat()).toEqual(whole);
    expect(forward.map((each) => each.length)).toEqual([7, 7, 6]);
    const backward: string[][] = [ids(page.items)];
    while (page.previous !== null) {
      page = await api.get('/v1/runs', { ...query, pq: page.previous, from_prev: true });
      backward.unshift(ids(page.items));
    }
    expect(backward.flat()).toEqual(whole);
    expect(await api.get('/v1/runs', { ...query, pq: page.first })).toEqual(first);
    expect(ids((await api.get('/v1/runs', { ...query, pq: `?limit=7&pq=${first.next}` })).items)).toEqual(forward[1]);
  });

  it('gives the properties that fields names and no others, embeds beside them', async () => {
    const query = { fields: ' id, status_code,status_code', embed: 'model', limit: 1, q: 'target_type:model' };
    const [run] = await api.items('/v1/runs', query);
    expect(Object.keys(run)).toEqual(['id', 'status_code', 'model']);
  });

  it('takes what clients write for nothing as nothing', async () => {
    const nothing = {
      q: '',
      limit: 'null',
      sort_by: '',
      fields: '',
      embed: '',
      pq: '',
      from_prev: 'False',
      evaluation_status: '',
    };
    expect(ids(await api.items('/v1/runs', nothing))).toEqual(newestFirst());
  });

  it('is empty with three null cursors when nothing matches', async () => {
    const empty = { items: [], first: null, next: null, previous: null };
    expect(await api.get('/v1/runs', { q: "client_ref = 'none'" })).toEqual(empty);
  });

  it('shows nothing of another workspace', async () => {
    expect(await new RunflowClient(server, THEIRS).items('/v1/runs')).toEqual([]);
  });
});

describe('what is embedded in runs', () => {
  const EMBED = 'comfyui_workflow,current_evaluation_summary,flow,logs,model,node_runs';

  it('is the one target with the parts that its profile has, and null for the others', async () => {
    const runs = await api.items('/v1/runs', { embed: EMBED, limit: 2 });
    const [comfy, model] = workflows;
    expect(runs[1]).toMatchObject({
      flow: null,
      comfyui_workflow: null,
      current_evaluation_summary: null,
      logs: [],
      node_runs: [],
    });
    expect(runs[1].model).toMatchObject({
      id: comfy!.workflow.id,
      slug: 'acme/model',
      version: '2',
      category_code: 'image',
      inputs: [{ name: 'prompt', is_required: true, model_id: comfy!.workflow.id, display_name: null }],
      examples: [],
      pricing: [],
      paper_url: null,
    });
    expect(runs[0]).toMatchObject({ flow: null, model: null });
    expect(runs[0].comfyui_workflow).toMatchObject({
      slug: 'acme/comfyui_workflow',
      workflow_json: { 1: { class_type: 'KSampler' } },
      gpu_explicit_models: [{ comfyui_workflow_id: model!.workflow.id, gpu_model_code: 'a100' }],
    });
  });

  it('is what the nodes did and wrote, without the run in it again', async () => {
    const run = await api.get(`/v1/runs/${lastRun().id}`, {
      embed: 'logs,node_runs',
      fields: 'id,has_logs,has_node_runs',
    });
    expect(run).toMatchObject({ id: lastRun().id, has_logs: true, has_node_runs: true });
    expect(run.logs.map(({ message, run: again }: Wire) => [message, again])).toEqual([
      ['A line of info.', null],
      ['A line of warning.', null],
    ]);
    expect(run.node_runs).toMatchObject([
      { node_key: 'graph', state_code: 'succeeded', retry_count: 1, preview_type: 'image', duration_ms: 250 },
      { node_key: 'graph/3', state_code: 'failed', error_message: 'No memory.', output: null, preview_type: null },
    ]);
  });

  it('needs the right to read it', async () => {
    const reader = new RunflowClient(server, READ_ONLY);
    for (const embed of ['current_evaluation_summary', 'model', 'comfyui_workflow', 'flow']) {
      expect(await reader.refusal('/v1/runs', { embed })).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' });
    }
    expect(await reader.items('/v1/runs', { embed: 'logs,node_runs', limit: 1 })).toHaveLength(1);
    const filtered = await reader.refusal('/v1/runs', { evaluation_status: 'passed' });
    expect(filtered).toMatchObject({ status: 403, message: expect.stringContaining('evaluations:read') });
  });
});

describe('a query that means nothing is refused with its place and what to do', () => {
  it.each([
    [{ limit: 0 }, ['limit']],
    [{ limit: 501 }, ['limit']],
    [{ limit: 'many' }, ['limit']],
    [{ from_prev: 'maybe' }, ['from_prev']],
    [{ evaluation_status: 'good' }, ['evaluation_status']],
    [{ sort_by: 'creatd_at:desc' }, ['sort_by']],
    [{ fields: 'id,statuscode', embed: 'modle' }, ['fields', 'embed']],
    [{ q: 'stat_code = failed and cost > x' }, ['q', 'q']],
    [{ pq: 'abc' }, ['pq']],
  ])('%j', async (query, at) => {
    const refusal = await api.refusal('/v1/runs', query);
    expect(refusal).toMatchObject({ status: 422, code: 'VALIDATION_ERROR' });
    expect(refusal.errors.map(({ loc }: Wire) => loc)).toEqual(at.map((name) => ['query', name]));
  });

  it('such as a cursor of another filter, order or workspace', async () => {
    const { next } = await api.get('/v1/runs', { limit: 1 });
    for (const query of [{ q: 'cost > 1' }, { sort_by: 'cost' }, { evaluation_status: 'passed' }]) {
      expect(await api.refusal('/v1/runs', { ...query, pq: next })).toMatchObject({
        errors: [{ type: 'cursor_mismatch' }],
      });
    }
    const theirs = await new RunflowClient(server, THEIRS).refusal('/v1/runs', { pq: next });
    expect(theirs).toMatchObject({ status: 422 });
  });

  it('such as a parameter that is not known: no list that nobody filtered', async () => {
    const { errors } = await api.refusal('/v1/runs', { eval_status: 'failed', limt: 3 });
    expect(errors).toMatchObject([
      { loc: ['query', 'eval_status'], type: 'unknown_parameter' },
      { loc: ['query', 'limt'], hint: 'Did you mean limit?' },
    ]);
  });

  it('with the place in a filter and the nearest name', async () => {
    const { errors } = await api.refusal('/v1/runs', { q: 'stats_code = failed' });
    expect(errors[0]).toMatchObject({ position: 0, end: 10, hint: expect.stringContaining('status_code') });
  });
});

describe('one run', () => {
  it('is read by its id, whole or in part, and is not there for others', async () => {
    const [listed] = await api.items('/v1/runs', { limit: 1 });
    expect(await api.get(`/v1/runs/${listed.id}`)).toEqual(listed);
    expect(await api.get(`/v1/runs/${listed.id}`, { fields: 'status_code' })).toEqual({ status_code: 'running' });
    const theirs = await new RunflowClient(server, THEIRS).refusal(`/v1/runs/${listed.id}`);
    expect(theirs).toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' });
  });

  it('keeps what a person thinks of it until it is taken back', async () => {
    const path = `/v1/runs/${stored[0]!.id}/feedback`;
    const patch = (body: object) => api.send('PATCH', path, body);
    expect((await patch({ is_positive: false, reason: ' Too dark. ' })).body).toMatchObject({
      id: stored[0]!.id,
      feedback_is_positive: false,
      feedback_reason: 'Too dark.',
    });
    expect((await patch({ is_positive: true })).body).toMatchObject({ feedback_reason: 'Too dark.' });
    expect(ids(await api.items('/v1/runs', { q: 'feedback_is_positive = true' }))).toEqual([stored[0]!.id]);
    expect((await patch({ is_positive: null })).body).toMatchObject({
      feedback_is_positive: null,
      feedback_reason: null,
    });
    expect((await patch({ positive: true })).status).toBe(422);
    expect((await patch({ is_positive: true, reason: 'x'.repeat(2001) })).status).toBe(422);
    const reader = new RunflowClient(server, READ_ONLY);
    expect((await reader.send('PATCH', path, { is_positive: true })).status).toBe(403);
    const theirs = new RunflowClient(server, THEIRS);
    expect((await theirs.send('PATCH', path, { is_positive: true })).body.code).toBe('RUN_NOT_FOUND');
  });
});

describe('the nodes of a run', () => {
  const path = () => `/v1/runs/${lastRun().id}/node-runs`;

  it('are listed, filtered and sorted, of one run or of any', async () => {
    const [graph, step] = await api.items(path());
    expect(graph).toMatchObject({
      run_id: lastRun().id,
      flow_id: null,
      cost: '0.010',
      preview_value: 'https://cdn.example.com/a.png',
    });
    expect(graph.input_signature).toMatch(/^[0-9a-f]{64}$/);
    expect(ids(await api.items('/v1/runs/any/node-runs', { sort_by: 'started_at:desc' }))).toEqual([step.id, graph.id]);
    const filters = [
      'state_code = failed',
      `id.in:('${step.id}')`,
      `not id = '${graph.id}'`,
      `node_id = '${step.node_id}'`,
      "node_key.startswith:'graph/'",
      'retry_count = 0',
      'cost.isnull',
      'error_message.notnull',
    ];
    for (const q of filters) expect(ids(await api.items('/v1/runs/any/node-runs', { q })), q).toEqual([step.id]);
    expect(await api.items(path(), { q: 'cost = 0.01', fields: 'node_key' })).toEqual([{ node_key: 'graph' }]);
  });

  it('have ids by which one is found, in its run or in any, and in no other', async () => {
    const [graph] = await api.items(path());
    expect(graph.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await api.get(`${path()}/${graph.id}`)).toEqual(graph);
    expect(await api.get(`/v1/runs/any/node-runs/${graph.id.toUpperCase()}`)).toEqual(graph);
    const elsewhere = await api.refusal(`/v1/runs/${stored[0]!.id}/node-runs/${graph.id}`);
    expect(elsewhere).toMatchObject({ status: 404, code: 'NODE_RUN_NOT_FOUND' });
    expect(await api.refusal('/v1/runs/none/node-runs')).toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' });
    const theirs = new RunflowClient(server, THEIRS);
    expect(await theirs.items('/v1/runs/any/node-runs')).toEqual([]);
    expect(await theirs.refusal(`/v1/runs/any/node-runs/${graph.id}`)).toMatchObject({ status: 404 });
  });

  it('are walked page by page', async () => {
    const page = await api.get(path(), { limit: 1 });
    const next = await api.get(path(), { limit: 1, pq: page.next });
    expect([page.items[0].node_key, next.items[0].node_key, next.next]).toEqual(['graph', 'graph/3', null]);
    expect(await api.refusal('/v1/runs/any/node-runs', { limit: 1, pq: page.next })).toMatchObject({ status: 422 });
  });
});

describe('the log of a run', () => {
  it('is listed and filtered, of one run oldest first, of any newest first', async () => {
    const logs = await api.items(`/v1/runs/${lastRun().id}/logs`);
    expect(logs.map(({ level_code }) => level_code)).toEqual(['info', 'warning']);
    expect(logs[1]).toMatchObject({ run_id: lastRun().id, meta: { n: 1, node_key: 'graph' }, run: null });
    const all = await api.items('/v1/runs/any/logs');
    expect(ids(all)).toEqual(ids(logs).toReversed());
    const filtered = await api.items('/v1/runs/any/logs', { q: "meta.node_key = 'graph' and level_code.in:(warning)" });
    expect(filtered).toHaveLength(1);
  });

  it('has lines that are read by their ids, with their run when asked', async () => {
    const [line] = await api.items('/v1/runs/any/logs');
    expect(await api.get(`/v1/runs/any/logs/${line.id}`)).toEqual(line);
    const withRun = await api.get(`/v1/runs/${lastRun().id}/logs/${line.id}`, { embed: 'run' });
    expect(withRun.run).toEqual(await api.get(`/v1/runs/${lastRun().id}`));
    expect(await api.refusal(`/v1/runs/${stored[0]!.id}/logs/${line.id}`)).toMatchObject({ code: 'LOG_NOT_FOUND' });
    expect(await new RunflowClient(server, THEIRS).items('/v1/runs/any/logs')).toEqual([]);
  });
});

describe('the account', () => {
  it('says that the server is well to everybody, and whose the key is to its owner', async () => {
    for (const path of ['/v1/health', '/runflow/v1/health']) {
      const answer = await fetch(server.url + path);
      expect(await answer.json()).toMatchObject({ status: 'ok', ok: true });
      expect(answer.headers.get('runflow-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(await api.get('/v1/auth/me')).toMatchObject({
      org_id: workspaceId,
      scopes: expect.arrayContaining(['runs:read']),
    });
  });

  it('has a balance that no client runs out of', async () => {
    expect(Number((await api.get('/v1/credit-balances')).balance_usd)).toBeGreaterThan(1000);
    expect(await api.get('/v1/billing/balance')).toEqual({ balance_cents: expect.any(Number), currency: 'USD' });
  });

  it('belongs to one organization', async () => {
    const asked = (id: string) => api.send('GET', '/v1/runs?limit=1', undefined, { 'x-organization-id': id });
    expect((await asked(workspaceId)).status).toBe(200);
    expect((await asked(system.newId())).body.code).toBe('PERMISSION_DENIED');
  });

  it('describes the API to whoever has a key', async () => {
    expect(await api.get('/v1/openapi.json')).toEqual(await api.get('/runflow/openapi.json'));
  });

  it('tells the statuses that runs have', async () => {
    const statuses = await api.items('/v1/runs/statuses');
    expect(statuses.map(({ code }) => code)).toContain('partial_succeeded');
  });
});

describe('statistics', () => {
  it('count runs and money by day, target and source, between two times that both count', async () => {
    const bounds = { created_at_from: '2026-01-01T00:01:00Z', created_at_to: '2026-01-01T00:06:00Z' };
    const spend = { runs: 6, spend: '1.2' };
    expect(await api.get('/v1/runs-stats', bounds)).toEqual({
      timeline: [{ date: '2026-01-01', ...spend }],
      by_flow: [
        {
          target_type: 'model',
          target_id: workflows[0]!.workflow.id,
          flow_slug: 'acme/model',
          flow_name: 'A workflow',
          ...spend,
          avg_duration_ms: 250,
        },
      ],
      by_source: [{ source_code: 'playground', runs: 6, pct: 100 }],
    });
    const day = await api.get('/v1/runs-stats', { from: '2026-01-01', to: '2026-01-01' });
    expect(day.timeline).toMatchObject([{ runs: 25 }]);
    expect(day.by_source).toMatchObject([{ pct: 96 }, { source_code: 'test', runs: 1, pct: 4 }]);
  });

  it('do not name what the caller may not read, and count it all the same', async () => {
    const { by_flow: targets, timeline } = await new RunflowClient(server, READ_ONLY).get('/v1/runs-stats', {
      to: '2026-01-02',
    });
    expect([targets, timeline[0].runs]).toEqual([[], 25]);
  });

  it('refuse what is no time', async () => {
    expect(await api.refusal('/v1/runs-stats', { from: 'yesterday' })).toMatchObject({
      errors: [{ loc: ['query', 'from'] }],
    });
  });
});

describe('a run that was made through Noxus', () => {
  it('is found here as a run of a flow, and the other way round', async () => {
    const workflow = await server.client.save(GREETING);
    const made = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
    const [run] = await api.items('/v1/runs', {
      q: `flow_id = '${workflow.id}' and output.Greeting = 'Hello Ada'`,
      embed: 'flow,node_runs',
    });
    expect(run).toMatchObject({
      id: made.id,
      target_type: 'flow',
      status_code: 'succeeded',
      flow: { id: workflow.id, name: 'Test', run_count: 1, flow_type_code: 'flow' },
      nodes_total: 3,
      nodes_completed: 3,
    });
    expect(run).not.toHaveProperty('model');
    expect(run.node_runs.map(({ node_key }: Wire) => node_key).toSorted()).toEqual(['in', 'out', 'say']);
    expect((await server.client.get(`/v1/runs/${stored[0]!.id}`)).status).toBe('completed');
  });
});

describe('a run that is canceled or retried', () => {
  /** Name → a request to nowhere → Body. */
  const FAILING = {
    nodes: [input('in', 'Name'), http('call', 'http://127.0.0.2:1/'), output('out', 'Body')],
    edges: [edge('call::body', 'out::input')],
  };
  const settled = async (id: string): Promise<Wire> => {
    for (;;) {
      const run = await api.get(`/v1/runs/${id}`);
      if (run.completed_at !== null) return run;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('is canceled once, with the reason in its log', async () => {
    const slow = {
      nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }],
      edges: [],
    };
    const workflow = await server.client.save(slow);
    const { id } = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: {} });
    const cancel = (body?: object, path = '/v1') => api.send('POST', `${path}/runs/${id}/cancellation`, body);
    expect((await cancel({ reason: 'no' })).status).toBe(422);
    const first = await cancel({ reason: 'Wrong picture.' });
    expect([first.status, first.body.status_code]).toEqual([201, 'canceled']);
    const again = await cancel(undefined, '/v1/admin');
    expect([again.status, again.body]).toEqual([200, first.body]);
    const logs = await api.items(`/v1/runs/${id}/logs`);
    expect(logs).toMatchObject([
      { level_code: 'warning', message: expect.stringContaining('Wrong picture.'), meta: { reason: 'Wrong picture.' } },
    ]);
    const theirs = new RunflowClient(server, THEIRS);
    expect((await theirs.send('POST', `/v1/runs/${id}/cancellation`)).status).toBe(404);
    expect((await theirs.send('POST', `/v1/admin/runs/${id}/cancellation`)).status).toBe(403);
  });

  it('is retried whole or from where it failed, with the old definition or the new one', async () => {
    const workflow = await server.client.save(FAILING);
    const failed = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
    const retry = (body?: object) => api.send('POST', `/v1/runs/${failed.id}/retries`, body);

    const whole = await retry();
    expect([whole.status, whole.body.status_code]).toEqual([201, 'queued']);
    expect(whole.body).toMatchObject({
      source_code: 'retry',
      input: { Name: 'Ada' },
      context: { retry_of: failed.id, retry_from: 'start', retry_version: 'original' },
      request_id: whole.headers.get('runflow-request-id'),
    });
    expect((await settled(whole.body.id)).status_code).toBe('failed');

    const once = (key: string) => api.send('POST', `/v1/runs/${failed.id}/retries`, {}, { 'idempotency-key': key });
    const [first, again] = [await once('r1'), await once('r1')];
    expect([again.status, again.body.id, again.headers.get('idempotent-replayed')]).toEqual([
      201,
      first.body.id,
      'true',
    ]);

    // The author mends what comes after the input.
    const nodes = [
      input('in', 'Name'),
      { id: 'call', type: 'ComposeTextNode', node_config: { template: 'mended' } },
      output('out', 'Body'),
    ];
    const mended = { nodes, edges: [edge('call::output', 'out::input')] };
    await server.client.ok('PATCH', `/v1/workflows/${workflow.id}`, { definition: mended });
    expect((await settled((await retry({ from: 'failed_node' })).body.id)).status_code).toBe('failed');
    const current = await settled((await retry({ from: 'failed_node', version: 'current' })).body.id);
    expect(current).toMatchObject({ status_code: 'succeeded', output: { Body: 'mended' } });
    const found = await api.items('/v1/runs', { q: `context.retry_of = '${failed.id}'` });
    expect(found).toHaveLength(4);

    const changed = { ...mended, nodes: nodes.with(0, input('in', 'Name', { value: 'Bob' })) };
    await server.client.ok('PATCH', `/v1/workflows/${workflow.id}`, { definition: changed });
    const refused = await retry({ from: 'failed_node', version: 'current' });
    expect(refused.body.errors).toMatchObject([{ loc: ['body', 'version'], node_id: 'in', type: 'version_differs' }]);
    expect((await retry({ form: 'failed_node' })).body.errors).toMatchObject([{ hint: 'Did you mean from?' }]);
    const succeeded = await api.send('POST', `/v1/runs/${current.id}/retries`, { from: 'failed_node' });
    expect(succeeded.body.code).toBe('CONFLICT');
    expect((await api.send('POST', `/v1/runs/${lastRun().id}/retries`)).status).toBe(409);
  });
});
