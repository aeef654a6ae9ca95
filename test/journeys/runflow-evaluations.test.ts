import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Wire } from '../support/client.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

/** A judge of nodes: passes a greeting of Ada, and finds a fault in every other. */
const MANNERS = {
  nodes: [
    input('fact', 'Output', { type: 'Any' }),
    {
      id: 'is_ada',
      type: 'ConditionalNode',
      node_config: { conditions: [{ left: '((output))', operator: 'matches', right: 'Ada' }] },
    },
    text('good', '{"passed": true, "confidence": 0.9, "reasoning": "Ada was greeted."}'),
    text(
      'bad',
      '{"passed": "no", "reasoning": "Somebody else was.", "issues": [{"category": "manners", "subcategory": "wrong_name", "detail": "Not Ada."}, {"category": "style", "subcategory": "short"}]}',
    ),
    { id: 'either', type: 'MergeNode', node_config: { mode: 'first' } },
    { id: 'read', type: 'JsonParseNode', node_config: {} },
    output('verdict', 'verdict'),
  ],
  edges: [
    edge('fact::output', 'is_ada::variables::output'),
    edge('is_ada::true', 'good::variables::said'),
    edge('is_ada::false', 'bad::variables::said'),
    edge('good::output', 'either::values::good'),
    edge('bad::output', 'either::values::bad'),
    edge('either::output', 'read::text'),
    edge('read::output', 'verdict::input'),
  ],
};

/** A judge that cannot judge. */
const BROKEN = {
  nodes: [
    input('fact', 'status'),
    { id: 'read', type: 'JsonParseNode', node_config: {} },
    output('verdict', 'verdict'),
  ],
  edges: [edge('fact::output', 'read::text'), edge('read::output', 'verdict::input')],
};

let server: TestServer;
let model: OtherServer;
/** What the model says next. */
let modelSays: string;

beforeAll(async () => {
  model = await startOtherServer((_, response) =>
    sendJson(response, {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'local-model',
      choices: [{ index: 0, message: { role: 'assistant', content: modelSays }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    }),
  );
  server = await startPlatform();
});
afterAll(async () => {
  await server.stop();
  await model.stop();
});

const send = (method: string, path: string, body?: unknown, on = server): Promise<Answer> =>
  on.client.send(method, `/runflow${path}`, body, { authorization: `Bearer ${KEY}` });

async function ok(method: string, path: string, body?: unknown, on = server): Promise<Wire> {
  const answer = await send(method, path, body, on);
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

async function concluded(id: string, on = server): Promise<Wire> {
  for (;;) {
    const evaluation = await ok('GET', `/v1/evaluations/${id}?embed=judges,action,gate_failures`, undefined, on);
    if (['completed', 'failed'].includes(evaluation.status_code)) return evaluation;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const evaluated = async (body: object, on = server): Promise<Wire> =>
  concluded((await ok('POST', '/v1/evaluations', body, on)).id, on);

async function greeted(name: string, settings: object = {}, on = server): Promise<Wire> {
  const workflow = await on.client.save(GREETING, { settings });
  return on.client.run(workflow.id, { input: { Name: name } });
}

describe('a run is judged', () => {
  it('by a workflow of nodes, and has its verdict, its issues and what to do', async () => {
    const judge = await server.client.save(MANNERS, { name: 'Manners' });
    const judges = [{ workflow_id: judge.id, category: 'manners' }];
    const run = await greeted('Bob');
    const made = await send('POST', '/v1/evaluations', { run_id: run.id, judges, client_ref: 'mine' });
    expect([made.status, made.body.status_code]).toEqual([202, 'pending']);
    expect(made.body).toMatchObject({
      run_id: run.id,
      flow_id: run.workflow_id,
      target_type_code: 'flow',
      attempt_number: 1,
    });
    const done = await concluded(made.body.id);
    expect(done).toMatchObject({
      status_code: 'completed',
      overall_passed: false,
      weighted_pass_rate: 0,
      client_ref: 'mine',
      job_class_code: 'standard',
      top_issues: ['wrong_name', 'short'],
      check_summary: { judges: 1, passed: 0, failed: 1, without_verdict: 0 },
      primary_action_code: 'retry',
      action: { code: 'retry' },
      gate_failures: [],
      judges: [
        {
          name: 'Manners',
          passed: false,
          reasoning: 'Somebody else was.',
          issues: [
            { category: 'manners', subcategory: 'wrong_name', detail: 'Not Ada.' },
            { category: 'style', subcategory: 'short', detail: null },
          ],
        },
      ],
    });
    const judging = await ok('GET', `/v1/runs?q=id:${done.judges[0].run_id}`);
    expect(judging.items).toMatchObject([
      { source_code: 'evaluation', status_code: 'succeeded', context: { evaluation_id: done.id } },
    ]);
    expect((await evaluated({ run_id: (await greeted('Ada')).id, judges })).overall_passed).toBe(true);
  });

  it('again, and no longer has the issues of before when the new judgement passed', async () => {
    const judge = await server.client.save(MANNERS);
    const run = await greeted('Carl');
    const judges = [{ workflow_id: judge.id }];
    const first = await evaluated({ run_id: run.id, judges });
    const lenient = await evaluated({ run_id: run.id, judges, threshold: 0 });
    expect(lenient).toMatchObject({ overall_passed: true, attempt_number: 2, parent_evaluation_id: first.id });
    const second = await evaluated({ run_id: run.id });
    expect(second).toMatchObject({ overall_passed: true, attempt_number: 3, parent_evaluation_id: lenient.id });
    expect((await concluded(first.id)).superseded_at).not.toBeNull();
    const current = await ok('GET', `/v1/evaluations?q=run_id:${run.id} AND superseded_at:null`);
    expect(current.items.map(({ id }: Wire) => id)).toEqual([second.id]);
  });

  it('by the built-in rules when nobody names a judge, which anybody can read', async () => {
    const run = await greeted('Dora');
    const done = await evaluated({ run_id: run.id });
    expect(done).toMatchObject({
      overall_passed: true,
      judges: [{ name: 'Judge: rules', is_gate: true, passed: true }],
    });
    const workflow = await server.client.get(`/v1/workflows/${done.judges[0].workflow_id}`);
    expect(workflow.name).toBe('Judge: rules');
    const failing = await server.client.save({
      nodes: [input('in', 'A'), output('out', 'B')],
      edges: [edge('in::output', 'out::input')],
    });
    const empty = await server.client.run(failing.id, { input: { A: '' } });
    expect(await evaluated({ run_id: empty.id })).toMatchObject({
      overall_passed: false,
      top_issues: ['empty_output'],
    });
    const broken = await server.client.save(BROKEN);
    const failed = await server.client.run(broken.id, { input: { status: 'no JSON' } });
    expect(failed.status).toBe('failed');
    expect(await evaluated({ run_id: failed.id })).toMatchObject({
      overall_passed: false,
      gate_failures: [{ name: 'Judge: rules', reasoning: 'The run ended as failed.' }],
    });
  });

  it('and a gate decides against the others, while a judge that breaks has no say', async () => {
    const [manners, broken] = [await server.client.save(MANNERS), await server.client.save(BROKEN)];
    const run = await greeted('Eve');
    const rules = (await evaluated({ run_id: run.id })).judges[0].workflow_id;
    const judges = [
      { workflow_id: rules, weight: 9 },
      { workflow_id: manners.id, name: 'Manners', gate: true },
      { workflow_id: broken.id, weight: 100, gate: true },
    ];
    const done = await evaluated({ run_id: run.id, judges });
    expect(done).toMatchObject({
      overall_passed: false,
      weighted_pass_rate: 0.9,
      override_reason: 'The gate "Manners" failed.',
      check_summary: { judges: 3, passed: 1, failed: 1, without_verdict: 1 },
    });
    expect(done.judges.map((judge: Wire) => judge.passed)).toEqual([true, false, null]);
  });

  it('and is not evaluated when no judge came to an end: the evaluation failed', async () => {
    const broken = await server.client.save(BROKEN, { name: 'Broken' });
    const run = await greeted('Finn');
    const done = await evaluated({ run_id: run.id, judges: [{ workflow_id: broken.id }] });
    expect(done).toMatchObject({
      status_code: 'failed',
      failure_code: 'judges_failed',
      failure_message: expect.stringContaining('"Broken"'),
      overall_passed: null,
    });
  });

  it('by the judges of its workflow, and by those of the workspace otherwise', async () => {
    const judge = await server.client.save(MANNERS, { name: 'Of the workspace' });
    const defaults = {
      judges: [{ workflow_id: judge.id, name: 'W', category: null, weight: 2, gate: false }],
      threshold: 0.9,
    };
    expect(await ok('PUT', '/v1/evaluations/defaults', defaults)).toEqual(defaults);
    expect(await ok('GET', '/v1/evaluations/defaults')).toEqual(defaults);
    const plain = await evaluated({ run_id: (await greeted('Gina')).id });
    expect(plain).toMatchObject({ pass_threshold: 0.9, judges: [{ name: 'W', weight: 2 }] });
    const settings = { evaluation: { judges: [{ workflow_id: judge.id, name: 'Own' }], threshold: 0.1 } };
    const own = await evaluated({ run_id: (await greeted('Hugo', settings)).id });
    expect(own).toMatchObject({ pass_threshold: 0.1, judges: [{ name: 'Own' }] });
    expect(await ok('PUT', '/v1/evaluations/defaults', {})).toEqual({ judges: null, threshold: 0.5 });
    expect((await evaluated({ run_id: (await greeted('Ida')).id })).judges).toMatchObject([{ name: 'Judge: rules' }]);
  });
});

describe('runs are found by their current evaluation', () => {
  const found = async (query: string): Promise<string[]> =>
    (await ok('GET', `/v1/runs?q=source_code:api AND flow.slug.startswith:searched&${query}`)).items.map(
      ({ id }: Wire) => id,
    );

  it('by verdict and issue, never by those of a superseded one, and with a summary', async () => {
    const judge = await server.client.save(MANNERS);
    const workflow = await server.client.save(GREETING, { name: 'Searched' });
    const run = async (Name: string) => (await server.client.run(workflow.id, { input: { Name } })).id as string;
    const [bad, good, again, untouched] = [await run('Bob'), await run('Ada'), await run('Bea'), await run('Carl')];
    for (const run_id of [bad, good, again]) await evaluated({ run_id, judges: [{ workflow_id: judge.id }] });
    expect((await found('evaluation_issue_category=manners')).toSorted()).toEqual([bad, again].toSorted());
    await evaluated({ run_id: again });
    expect(await found('evaluation_issue_category=manners')).toEqual([bad]);
    expect(await found('evaluation_status=failed')).toEqual([bad]);
    expect((await found('evaluation_status=passed')).toSorted()).toEqual([good, again].toSorted());
    expect(await found('evaluation_status=not_evaluated')).toEqual([untouched]);
    expect(await found('evaluation_issue_category=manners&evaluation_issue_subcategory=wrong_name')).toEqual([bad]);
    expect(await found('evaluation_issue_category=manners&evaluation_issue_subcategory=short')).toEqual([]);
    const shown = await ok(
      'GET',
      `/v1/runs?q=id.in:(${bad},${untouched})&embed=current_evaluation_summary&fields=id&sort_by=created_at`,
    );
    expect(shown.items).toEqual([
      { id: bad, current_evaluation_summary: { passed: false, status_code: 'completed', score: 0 } },
      { id: untouched, current_evaluation_summary: null },
    ]);
  });
});

describe('a picture without a run', () => {
  it('is judged under a chain of its own', async () => {
    const body = { generated_image_url: 'https://example.com/a.png', task_type: 'headshot' };
    const first = await evaluated(body);
    expect(first).toMatchObject({ run_id: null, overall_passed: true, generated_image_url: body.generated_image_url });
    const second = await evaluated({ ...body, parent_evaluation_id: first.id });
    expect(second).toMatchObject({ attempt_number: 2, parent_evaluation_id: first.id });
    expect((await concluded(first.id)).superseded_at).not.toBeNull();
  });
});

describe('a model judges', () => {
  it('beside the rules when one is configured, and answers in a fence or in bad form', async () => {
    const withModel = await startPlatform({
      settings: { 'openai-base-url': `${model.url}/v1`, models: 'local-model' },
    });
    modelSays =
      'Here you are:\n```json\n{"passed": false, "confidence": 85, "issues": [{"category": "quality", "subcategory": "dull"}], "strengths": "short"}\n```';
    const run = await greeted('Jo', {}, withModel);
    const body = { run_id: run.id, evaluation_instructions: 'It must be funny.' };
    const rejected = await evaluated(body, withModel);
    expect(rejected).toMatchObject({
      overall_passed: false,
      weighted_pass_rate: 0.333333,
      top_issues: ['dull'],
      top_strengths: ['short'],
      judges: [{ passed: true }, { name: 'Judge: model', passed: false, confidence: 0.85 }],
    });
    const [asked] = model.received;
    expect(asked!.body).toContain('It must be funny.');
    expect(asked!.body).toContain('Hello Jo');
    modelSays = 'I would rather not say.';
    const unsure = await evaluated(body, withModel);
    expect(unsure).toMatchObject({
      overall_passed: true,
      judges: [{ passed: true }, { passed: null, reasoning: 'I would rather not say.' }],
    });
    await withModel.stop();
  });
});

describe('evaluations come by themselves', () => {
  it('for every finished run of a workflow that wants them, never for the runs that judge', async () => {
    const judge = await server.client.save(MANNERS, { settings: { evaluation: { automatic: true } } });
    const settings = { evaluation: { automatic: true, sample: 1, judges: [{ workflow_id: judge.id }] } };
    const run = await greeted('Kim', settings);
    await expect
      .poll(async () => (await ok('GET', `/v1/evaluations?q=run_id:${run.id}`)).items)
      .toMatchObject([{ status_code: 'completed', overall_passed: false }]);
    const [{ id }] = (await ok('GET', `/v1/evaluations?q=run_id:${run.id}`)).items;
    const { judges } = await concluded(id);
    const next = await greeted('Lea', settings);
    await expect
      .poll(async () => (await ok('GET', `/v1/evaluations?q=run_id:${next.id}`)).items)
      .toMatchObject([{ status_code: 'completed' }]);
    expect((await ok('GET', `/v1/evaluations?q=run_id:${judges[0].run_id}`)).items).toEqual([]);
  });

  it('and are kept as failed when none of their judges can judge', async () => {
    const settings = { evaluation: { automatic: true, judges: [{ workflow_id: 'no such' }] } };
    const run = await greeted('Max', settings);
    await expect
      .poll(async () => (await ok('GET', `/v1/evaluations?q=run_id:${run.id}`)).items)
      .toMatchObject([{ status_code: 'failed', failure_code: 'no_judge' }]);
  });

  it('in bulk over a filter, with a count to be sure of', async () => {
    const workflow = await server.client.save(GREETING);
    for (const Name of ['Nina', 'Otto', 'Pia']) await server.client.run(workflow.id, { input: { Name } });
    const q = `flow_id:${workflow.id}`;
    const dry = await send('POST', '/v1/evaluations/bulk', { q, dry_run: true });
    expect([dry.status, dry.body]).toMatchObject([200, { matched: 3, succeeded: 0 }]);
    const wrong = await send('POST', '/v1/evaluations/bulk', { q, expected_count: 2 });
    expect([wrong.status, wrong.body.message]).toEqual([409, expect.stringContaining('3 runs match, 2 were expected')]);
    const bulk = await send('POST', '/v1/evaluations/bulk', { q, expected_count: 3, limit: 2 });
    expect([bulk.status, bulk.body]).toMatchObject([202, { matched: 3, succeeded: 2, failed: 0, errors: {} }]);
    for (const id of bulk.body.evaluation_ids) expect((await concluded(id)).overall_passed).toBe(true);
    const typo = await send('POST', '/v1/evaluations/bulk', { q: 'flow_idd:1' });
    expect(typo.status).toBe(422);
  });
});

describe('what is wrong with a request is said', () => {
  it.each<[string, object, string[]]>([
    ['without a run or a picture', {}, ['generated_image_url', 'task_type']],
    ['with an address of another kind', { generated_image_url: 'ftp://x/y', task_type: 'x' }, ['generated_image_url']],
    ['with another class', { generated_image_url: 'https://x/y', task_type: 'x', job_class: 'gold' }, ['job_class']],
    [
      'with a private callback address',
      { generated_image_url: 'https://x/y', task_type: 'x', callback_url: 'http://10.0.0.1/' },
      ['callback_url'],
    ],
    [
      'with a judge that is not there',
      { generated_image_url: 'https://x/y', task_type: 'x', judges: [{ workflow_id: 'no' }] },
      ['workflow_id'],
    ],
    [
      'with a weight of nothing',
      { generated_image_url: 'https://x/y', task_type: 'x', judges: [{ workflow_id: 'no', weight: 0 }] },
      ['weight'],
    ],
  ])('%s', async (_, body, fields) => {
    const answer = await send('POST', '/v1/evaluations', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ loc }: Wire) => loc.at(-1))).toEqual(fields);
  });

  it('of a judge that wants to know what nobody tells it', async () => {
    const judge = await server.client.save(GREETING);
    const body = { run_id: (await greeted('Quin')).id, judges: [{ workflow_id: judge.id }] };
    const answer = await send('POST', '/v1/evaluations', body);
    expect([answer.status, answer.body.errors[0].msg]).toEqual([422, expect.stringContaining('its input "Name"')]);
  });

  it('of a run that has not ended, or is none', async () => {
    const sleeping = await server.client.save({
      nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }],
      edges: [],
    });
    const { id } = await server.client.run(sleeping.id, { input: {} }, ['running']);
    const early = await send('POST', '/v1/evaluations', { run_id: id });
    expect([early.status, early.body.message]).toEqual([409, expect.stringContaining('The run is running')]);
    const none = await send('POST', '/v1/evaluations', { run_id: '019d4a6e-8c00-7000-8000-3f2a51c0de01' });
    expect([none.status, none.body.code]).toEqual([404, 'RUN_NOT_FOUND']);
  });
});

it('an evaluation tells its callback address how it was concluded', async () => {
  const receiver = await startOtherServer((_, response) => response.writeHead(200).end('thanks'));
  const run = await greeted('Ruth');
  const done = await evaluated({ run_id: run.id, callback_url: receiver.url });
  await receiver.got(1);
  expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
    event: 'evaluation.completed',
    evaluation_id: done.id,
    run_id: run.id,
    status: 'completed',
    output: { overall_passed: true, weighted_pass_rate: 1 },
  });
  await expect
    .poll(() => ok('GET', `/v1/evaluations/${done.id}/callback`))
    .toMatchObject([{ status_code: 'succeeded', evaluation_id: done.id, run_id: null }]);
  await receiver.stop();
});

it('what people think of an evaluation is kept, and taken back', async () => {
  const { id } = await evaluated({ run_id: (await greeted('Sam')).id });
  const path = `/v1/evaluations/${id}/feedback`;
  expect(await ok('PATCH', path, { is_positive: false, reason: ' too kind ' })).toMatchObject({
    feedback_is_positive: false,
    feedback_reason: 'too kind',
  });
  const found = await ok('GET', `/v1/evaluations?q=feedback_is_positive:false&fields=id,feedback_reason`);
  expect(found.items).toEqual([{ id, feedback_reason: 'too kind' }]);
  expect(await ok('PATCH', path, { is_positive: null })).toMatchObject({
    feedback_is_positive: null,
    feedback_reason: null,
  });
  expect((await send('PATCH', path, {})).status).toBe(422);
});

it('evaluations are walked page by page, with what is embedded', async () => {
  for (const Name of ['Tom', 'Uma', 'Vic']) await evaluated({ run_id: (await greeted(Name)).id, client_ref: 'walk' });
  const query = 'q=client_ref:walk&limit=2&sort_by=weighted_pass_rate:desc,created_at:asc&embed=judges,action';
  const first = await ok('GET', `/v1/evaluations?${query}`);
  expect(first.items.map(({ judges, action }: Wire) => [judges.length, action.code])).toEqual([
    [1, 'accept'],
    [1, 'accept'],
  ]);
  const second = await ok('GET', `/v1/evaluations?${query}&pq=${first.next}`);
  expect([second.items.length, second.next]).toEqual([1, null]);
  const statuses = await ok('GET', '/v1/evaluations/statuses');
  expect(statuses.items.map(({ code }: Wire) => code)).toEqual(['pending', 'running', 'completed', 'failed']);
  expect((await ok('GET', '/v1/evaluations/job-classes')).items).toMatchObject([{ code: 'standard' }]);
});
