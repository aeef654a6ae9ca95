import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Wire } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const ENDED = ['completed', 'failed', 'stopped'];

let server: TestServer;
let runflow: RunflowClient;
let world: OtherServer;
/** Paths that the world answers with 500. */
const broken = new Set<string>();

beforeAll(async () => {
  world = await startOtherServer(({ path, body }, response) => {
    response.writeHead(broken.has(path) ? 500 : 200, { 'content-type': 'text/plain' }).end(`${path.slice(1)}(${body})`);
  });
  server = await startPlatform();
  runflow = new RunflowClient(server);
});
afterAll(async () => {
  await server.stop();
  await world.stop();
});
beforeEach(() => broken.clear());

/** Calls the world with the text that arrives. */
const call = (id: string, more: object = {}) =>
  http(id, `${world.url}/${id}`, { method: 'POST', body_type: 'text', body: '((Text))', ...more });

/** in → a → b → Out, and in → c → Side. All between are calls. */
const chain = (more: { a?: object; extra?: { id: string }[] } = {}) => ({
  nodes: [
    ...[input('in', 'Text'), call('a', more.a), call('b'), output('out', 'Out'), call('c'), output('side', 'Side')],
    ...(more.extra ?? []),
  ],
  edges: [
    ...[edge('in::output', 'a::variables::Text'), edge('a::body', 'b::variables::Text'), edge('b::body', 'out::input')],
    ...[edge('in::output', 'c::variables::Text'), edge('c::body', 'side::input')],
  ],
});

/** What the world was asked while something was done, in no order. */
async function asked(work: () => Promise<unknown>): Promise<string[]> {
  const before = world.received.length;
  await work();
  return world.received
    .slice(before)
    .map(({ path }) => path.slice(1))
    .sort();
}

async function started(definition: object, body: object = { input: { Text: 'x' } }): Promise<Wire> {
  const workflow = await server.client.save(definition);
  return server.client.run(workflow.id, body, [...ENDED, 'awaiting_human_feedback']);
}

const until = (run: Wire, statuses = ENDED): Promise<Wire> =>
  server.client.until(run.workflow_id ?? run.flow_id, run.id, statuses);

const contextOf = async (id: string): Promise<Wire> => (await runflow.get(`/v1/runs/${id}`)).context;

/** The two APIs, and how each repeats a run and names what is wrong. */
const CALLERS = [
  {
    api: 'noxus',
    replay: (id: string, body: object = {}): Promise<Answer> =>
      server.client.send('POST', `/v1/runs/${id}/replay`, body),
    diff: (id: string, other: string): Promise<Answer> => server.client.send('GET', `/v1/runs/${id}/diff/${other}`),
    problems: ({ body }: Answer): Wire[] => body.detail,
    words: { succeeded: 'completed', failed: 'failed', node: 'errored' },
  },
  {
    api: 'runflow',
    replay: (id: string, body: object = {}): Promise<Answer> => runflow.send('POST', `/v1/runs/${id}/retries`, body),
    diff: (id: string, other: string): Promise<Answer> => runflow.send('GET', `/v1/runs/${id}/diff/${other}`),
    problems: ({ body }: Answer): Wire[] => body.errors,
    words: { succeeded: 'succeeded', failed: 'failed', node: 'failed' },
  },
];

describe.each(CALLERS)('a run that is repeated through $api', ({ replay, problems }) => {
  /** A repetition that must be taken, at its end. */
  async function replayed(id: string, body: object, statuses = ENDED): Promise<Wire> {
    const answer = await replay(id, body);
    expect([answer.status, answer.text]).toEqual([expect.toBeOneOf([200, 201]), expect.any(String)]);
    return until(answer.body, statuses);
  }

  it('runs all of it, with the input that it had or with another', async () => {
    const first = await started(chain());
    let again: Wire;
    expect(await asked(async () => (again = await replayed(first.id, {})))).toEqual(['a', 'b', 'c']);
    expect(again.output).toEqual(first.output);
    expect(await contextOf(again.id)).toEqual({ retry_of: first.id, retry_from: 'start', retry_version: 'original' });

    const edited = await replayed(first.id, { input_overrides: { in: 'y' } });
    expect(edited).toMatchObject({ input: { in: 'y' }, output: { Out: 'b(a(y))', Side: 'c(y)' } });
    expect(await contextOf(edited.id)).toMatchObject({ retry_input: 'edited' });
    expect(await replayed(edited.id, { input: { Text: 'z' } })).toMatchObject({ output: { Side: 'c(z)' } });
    // What the first repetition said of itself is not said of its own repetition.
    expect(await contextOf((await replayed(edited.id, {})).id)).toEqual({
      ...{ retry_of: edited.id, retry_from: 'start', retry_version: 'original' },
    });
    const wrong = await replay(first.id, { input: { Txt: 'y' } });
    expect([wrong.status, problems(wrong).map(({ type }: Wire) => type)]).toEqual([422, ['unknown_input', 'missing']]);
  });

  it('runs from any node on, and takes over what is before and beside it, though it succeeded', async () => {
    const first = await started(chain());
    let again: Wire;
    expect(await asked(async () => (again = await replayed(first.id, { from_nodes: ['b'] })))).toEqual(['b']);
    expect(again).toMatchObject({ status: 'completed', output: first.output });
    const { per_node_progress: nodes } = again.progress_details;
    expect(nodes.a.warnings).toMatchObject([{ params: { taken_over_from: first.id } }]);
    expect(nodes.b.warnings).toEqual([]);
    expect(await contextOf(again.id)).toMatchObject({ retry_from: 'nodes', retry_nodes: ['b'] });
    expect(await asked(() => replayed(first.id, { from_nodes: ['b', 'c', 'b'] }))).toEqual(['b', 'c']);

    // Of a repetition of a repetition, the run is named in which the node really ran; the one between may be gone.
    const third = await replayed(again.id, { from_nodes: ['out'] });
    await server.client.ok('DELETE', `/v1/runs/${again.id}`);
    const progress = (await until(third)).progress_details.per_node_progress;
    expect([progress.a, progress.b].map(({ warnings }) => warnings[0].params.taken_over_from)).toEqual([
      first.id,
      again.id,
    ]);
    const io = await server.client.get(`/v1/runs/${third.id}/io/a`);
    expect(io).toMatchObject({ inputs: { 'variables::Text': 'x' }, outputs: { body: 'a(x)' } });
  });

  it('runs from a node on after a failure, and makes up for what failed elsewhere', async () => {
    broken.add('/c');
    const first = await started(chain({ extra: [] }));
    expect(first.status).toBe('failed');
    broken.clear();
    const b = first.progress_details.per_node_progress.b?.status === 'succeeded' ? [] : ['b'];
    const a = first.progress_details.per_node_progress.a?.status === 'succeeded' ? [] : ['a'];
    // What the failure cut off runs as well, whatever that was.
    expect(await asked(() => replayed(first.id, { from_nodes: ['side'] }))).toEqual([...a, ...b, 'c']);
    expect(await asked(() => replayed(first.id, { from: 'failed_node' }))).toEqual([...a, ...b, 'c']);
  });

  it('goes on from a node of a run that was canceled', async () => {
    const delay = { id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } };
    const nodes = [input('in', 'Text'), call('a'), delay, output('out', 'Out')];
    const edges = [
      edge('in::output', 'a::variables::Text'),
      edge('a::body', 'wait::value'),
      edge('wait::output', 'out::input'),
    ];
    const workflow = await server.client.save({ nodes, edges });
    const first = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Text: 'x' } });
    expect((await replay(first.id)).status).toBe(409);
    await expect
      .poll(async () => (await server.client.get(`/v1/workflows/${workflow.id}/runs/${first.id}`)).progress_details)
      .toMatchObject({ per_node_progress: { a: { status: 'succeeded' } } });
    await server.client.post(`/v1/runs/${first.id}/stop`);
    const soon = { ...delay, node_config: { seconds: 0 } };
    await server.client.ok('PATCH', `/v1/workflows/${workflow.id}`, {
      definition: { nodes: nodes.with(2, soon), edges },
    });
    let again: Wire;
    const from = { from_nodes: ['wait'], version: 'current' };
    expect(await asked(async () => (again = await replayed(first.id, from)))).toEqual([]);
    expect(again).toMatchObject({ status: 'completed', output: { Out: 'a(x)' } });
  });

  it('refuses nodes that it does not have, with the nearest that it has', async () => {
    const first = await started(chain());
    const refused = await replay(first.id, { from_nodes: ['sid', 'b', 'zzzzzz', 'Side'] });
    expect(refused.status).toBe(422);
    expect(problems(refused)).toMatchObject([
      { loc: ['body', 'from_nodes', 0], type: 'unknown_node', hint: 'Did you mean side?' },
      { loc: ['body', 'from_nodes', 2], type: 'unknown_node', hint: 'It can begin at in, a, c, b, side, out.' },
      { loc: ['body', 'from_nodes', 3], type: 'unknown_node', hint: 'Did you mean side?' },
    ]);
    expect((await replay(first.id, { from_nodes: [] })).status).toBe(422);
    const both = await replay(first.id, { from: 'start', from_nodes: ['b'] });
    expect(problems(both)).toMatchObject([{ type: 'exclusive' }]);
    const misspelled = await replay(first.id, { from_node: ['b'] });
    expect(problems(misspelled)).toMatchObject([{ hint: 'Did you mean from_nodes?' }]);
    expect((await replay(first.id, { from: 'failed_node' })).status).toBe(409);
    expect((await replay('01890000-0000-7000-8000-000000000000')).status).toBe(404);
    await server.client.ok('DELETE', `/v1/runs/${first.id}`);
    expect((await replay(first.id)).status).toBe(404);
  });

  it('refuses an edited input that would not be used, and takes it where it is', async () => {
    const first = await started(chain());
    const refused = await replay(first.id, { from_nodes: ['b'], input_overrides: { Text: 'y' } });
    expect(problems(refused)).toMatchObject([
      { loc: ['body', 'input', 'Text'], type: 'unused_input', node_id: 'in', msg: expect.stringContaining('"in"') },
    ]);
    expect((await replay(first.id, { from_nodes: ['b'], input_overrides: { Text: 'x' } })).status).not.toBe(422);
    const from = { from_nodes: ['in'], input_overrides: { Text: 'y' } };
    expect(await replayed(first.id, from)).toMatchObject({ output: { Out: 'b(a(y))' } });
  });

  it('goes on in the current version where that is the same before it, and names each node that is not', async () => {
    const first = await started(chain());
    const save = (definition: object) =>
      server.client.ok('PATCH', `/v1/workflows/${first.workflow_id}`, { definition });
    // A node before the output, and one that nobody had before.
    const grown = chain({ extra: [text('more', 'more ((Text))')] });
    const through = [edge('b::body', 'more::variables::Text'), edge('more::output', 'out::input')];
    await save({ ...grown, edges: [...grown.edges.filter(({ id }) => id !== 'b::body to out::input'), ...through] });
    const current = { version: 'current', from_nodes: ['more'] };
    let again: Wire;
    expect(await asked(async () => (again = await replayed(first.id, current)))).toEqual([]);
    expect(again.output).toEqual({ Out: 'more b(a(x))', Side: 'c(x)' });
    expect(problems(await replay(first.id, { from_nodes: ['more'] }))).toMatchObject([{ type: 'unknown_node' }]);

    // What is no longer there does not matter where nothing rests on it.
    const less = chain();
    const isSide = (id: string) => id === 'c' || id === 'side';
    await save({
      nodes: less.nodes.filter(({ id }) => !isSide(id)),
      edges: less.edges.filter(({ to_id: { node_id: to } }) => !isSide(to ?? '')),
    });
    expect((await replayed(first.id, { version: 'current', from_nodes: ['out'] })).output).toEqual({ Out: 'b(a(x))' });

    await save(chain({ a: { headers: { 'x-new': '1' } } }));
    const refused = await replay(first.id, { version: 'current', from_nodes: ['b'] });
    expect(problems(refused)).toMatchObject([{ loc: ['body', 'version'], type: 'version_differs', node_id: 'a' }]);
    expect(await asked(() => replayed(first.id, { version: 'current', from_nodes: ['a'] }))).toEqual(['a', 'b']);
  });

  it('takes over nodes that ran once per item, and runs them whole where it begins at them', async () => {
    const nodes = [input('in', 'Texts', { type: 'list' }), { id: 'cut', type: 'ListSliceNode', node_config: {} }];
    const definition = {
      nodes: [
        ...nodes,
        call('a'),
        { ...call('b'), connector_config: { inputs: [{ name: 'variables', propagates_list: false }] } },
        output('out', 'Out'),
      ],
      edges: [
        ...[edge('in::output', 'cut::list'), edge('cut::output', 'a::variables::Text')],
        ...[edge('a::body', 'b::variables::Text'), edge('b::body', 'out::input')],
      ],
    };
    const first = await started(definition, { input: { Texts: ['1', '2', '3'] } });
    expect(first.output).toEqual({ Out: 'b(["a(1)","a(2)","a(3)"])' });
    let again: Wire;
    expect(await asked(async () => (again = await replayed(first.id, { from_nodes: ['b'] })))).toEqual(['b']);
    expect(again.output).toEqual(first.output);
    expect(again.progress_details.per_node_progress.a).toMatchObject({ current_it: 3, total_it: 3 });
    // Its passes are told from the lists.
    expect(await server.client.get(`/v1/runs/${again.id}/io/a?it=2`)).toMatchObject({ outputs: { body: 'a(2)' } });
    expect(await asked(() => replayed(first.id, { from_nodes: ['a'] }))).toEqual(['a', 'a', 'a', 'b']);
  });

  it('takes over a failure that went to its error branch, and decides branches that were left out anew', async () => {
    broken.add('/a');
    const definition = {
      nodes: [input('in', 'Text'), call('a'), call('fine'), call('rescue'), output('out', 'Out'), output('no', 'No')],
      edges: [
        ...[edge('in::output', 'a::variables::Text'), edge('a::body', 'fine::variables::Text')],
        ...[edge('fine::body', 'no::input'), edge('a::on_error', 'rescue::variables::Text')],
        edge('rescue::body', 'out::input'),
      ],
    };
    const first = await started(definition);
    expect(first).toMatchObject({ status: 'completed', output: { Out: expect.stringContaining('rescue(') } });
    let again: Wire;
    expect(await asked(async () => (again = await replayed(first.id, { from_nodes: ['rescue'] })))).toEqual(['rescue']);
    expect(again.output).toEqual(first.output);
    expect(again.progress_details).toMatchObject({
      skipped_nodes: ['fine', 'no'],
      per_node_progress: { a: { status: 'errored' } },
    });
    // It begins at a node that is left out again, since what comes before it did not change.
    expect(await asked(() => replayed(first.id, { from_nodes: ['fine'] }))).toEqual([]);
    broken.clear();
    expect(await replayed(first.id, { from_nodes: ['a'] })).toMatchObject({ output: { No: 'fine(a(x))' } });
  });

  it('is about the nodes that the old run was about', async () => {
    const part = await started(chain(), { input: { Text: 'x' }, node_ids: ['b'] });
    expect(await asked(() => replayed(part.id, { from_nodes: ['b'] }))).toEqual(['b']);
    const refused = await replay(part.id, { from_nodes: ['c'] });
    expect(problems(refused)).toMatchObject([{ type: 'unknown_node', hint: 'It can begin at in, a, b.' }]);

    const single = await started(chain(), { input: { Text: 'x' }, single_node_id: 'a' });
    let again: Wire;
    const from = { from_nodes: ['a'], input_overrides: { 'a::variables::Text': 'y' } };
    expect(await asked(async () => (again = await replayed(single.id, from)))).toEqual(['a']);
    expect(again).toMatchObject({ input: { 'a::variables::Text': 'y' }, output: { body: 'a(y)' } });
    expect((await replay(single.id, { from_nodes: ['b'] })).status).toBe(422);
  });

  it('asks no person twice what was answered before it begins', async () => {
    const ask = (id: string) => ({
      ...{ id, type: 'HumanInTheLoopNode' },
      node_config: { title: '((Text))?', fields: [{ name: 'note', type: 'text' }] },
    });
    const definition = {
      nodes: [input('in', 'Text'), ask('one'), ask('two'), output('out', 'Out')],
      edges: [
        ...[edge('in::output', 'one::variables::Text'), edge('one::note', 'two::variables::Text')],
        edge('two::note', 'out::input'),
      ],
    };
    const pending = async (run: Wire): Promise<Wire[]> =>
      (await server.client.get(`/v1/human-requests?run_id=${run.id}`)).items;
    const answer = async (run: Wire, note: string) => {
      const [request] = await pending(run);
      await server.client.post(`/v1/human-requests/${request.id}/answer`, { answer: { note } });
    };
    const first = await started(definition);
    await answer(first, 'yes');
    await expect.poll(async () => (await pending(first)).map(({ title }) => title)).toEqual(['yes?']);
    // The second question is withdrawn with its run, and asked again.
    await server.client.post(`/v1/runs/${first.id}/stop`);
    const again = await replayed(first.id, { from_nodes: ['two'] }, ['awaiting_human_feedback']);
    expect((await pending(again)).map(({ node_id, title }) => [node_id, title])).toEqual([['two', 'yes?']]);
    await answer(again, 'fine');
    expect(await until(again)).toMatchObject({ status: 'completed', output: { Out: 'fine' } });
  });

  it('runs the workflows that it invokes as they were, and takes over what they gave while they are the same', async () => {
    const saying = (words: string) => ({
      nodes: [input('in', 'Text'), text('say', `${words} ((Text))`), output('out', 'Said')],
      edges: [edge('in::output', 'say::variables::Text'), edge('say::output', 'out::input')],
    });
    const below = await server.client.save(saying('old'));
    const invoke = { id: 'sub', type: 'InvokeSubflowNode', node_config: {}, subflow_id: below.id };
    const first = await started({
      nodes: [input('in', 'Text'), invoke, call('a'), output('out', 'Out')],
      edges: [
        ...[edge('in::output', 'sub::inputs::Text'), edge('sub::outputs::Said', 'a::variables::Text')],
        edge('a::body', 'out::input'),
      ],
    });
    expect(first.output).toEqual({ Out: 'a(old x)' });
    const from = { from_nodes: ['a'], version: 'current' };
    expect(await replayed(first.id, from)).toMatchObject({ output: { Out: 'a(old x)' } });

    await server.client.ok('PATCH', `/v1/workflows/${below.id}`, { definition: saying('new') });
    expect((await replayed(first.id, {})).output).toEqual({ Out: 'a(old x)' });
    expect((await replayed(first.id, { from_nodes: ['a'] })).output).toEqual({ Out: 'a(old x)' });
    expect((await replayed(first.id, { version: 'current' })).output).toEqual({ Out: 'a(new x)' });
    expect(problems(await replay(first.id, from))).toMatchObject([{ type: 'version_differs', node_id: 'sub' }]);
    expect((await replayed(first.id, { ...from, from_nodes: ['sub'] })).output).toEqual({ Out: 'a(new x)' });

    const { items } = await server.client.get(`/v1/runs/${first.id}/subflows/sub`);
    expect((await replayed(items[0].id, { from_nodes: ['say'] })).output).toEqual({ Said: 'old x' });
  });

  it('has its own copy of what is large', async () => {
    const large = 'x'.repeat(300_000);
    const first = await started(chain(), { input: { Text: large } });
    const again = await replayed(first.id, { from_nodes: ['b'] });
    await server.client.ok('DELETE', `/v1/runs/${first.id}`);
    expect((await server.client.get(`/v1/runs/${again.id}/io/a`)).outputs.body).toBe(`a(${large})`);
    const third = await replayed(again.id, { from_nodes: ['out'] });
    expect(third.output).toEqual({ Out: `b(a(${large}))`, Side: `c(${large})` });
  });
});

describe.each(CALLERS)('two runs that are compared through $api', ({ diff, replay, words }) => {
  const compared = async (one: Wire, other: Wire): Promise<Wire> => {
    const { status, body } = await diff(one.id, other.id);
    expect(status).toBe(200);
    return body;
  };

  it('are told apart by what went in, what came out, and what each node did', async () => {
    broken.add('/a');
    const retried = { a: { max_retries: 1, retry_delay: 0 } };
    const first = await started(chain(retried));
    broken.clear();
    const second = await until((await replay(first.id, { input_overrides: { Text: 'y/z' } })).body);
    const found = await compared(first, second);
    expect(found).toMatchObject({
      before: { id: first.id, status: words.failed, error: expect.stringContaining('500'), retry_of: null },
      after: { id: second.id, status: words.succeeded, error: null, retry_of: first.id },
      same_workflow: true,
      version: { same: true, nodes: [] },
      input: { differs: true, is_cut: false },
      output: { differs: true },
    });
    expect(found.input.differences).toEqual([{ kind: 'changed', path: '/Text', before: 'x', after: 'y/z' }]);
    expect(found.output.differences).toContainEqual({ kind: 'added', path: '/Out', after: 'b(a(y/z))' });
    const nodes = Object.fromEntries(found.nodes.map((node: Wire) => [node.node_id, node]));
    expect(nodes['a']).toMatchObject({
      in: 'both',
      before: { status: words.node, attempts: 2, warnings: 1, warning_details: [{ identifier: 'retry_warning' }] },
      after: { status: 'succeeded', attempts: 1, warnings: 0, taken_over_from: null, current_it: 1, total_it: 1 },
      change: { attempts: -1, warnings: -1, duration_ms: expect.any(Number), queue_ms: expect.any(Number), cost: null },
      inputs_differ: true,
      outputs_differ: true,
    });
    expect(nodes['b']).toMatchObject({ in: 'after', before: null, change: null, outputs_differ: true });
    expect(found.totals).toMatchObject({ before: { cost: null }, change: { duration_ms: expect.any(Number) } });
  });

  it('are the same where nothing changed, and say what was taken over', async () => {
    const first = await started(chain());
    const second = await until((await replay(first.id, { from_nodes: ['b'] })).body);
    const found = await compared(first, second);
    expect(found.input).toEqual({ differs: false, differences: [], is_cut: false });
    expect(found.output).toEqual({ differs: false, differences: [], is_cut: false });
    expect(
      found.nodes.map(({ node_id, inputs_differ, outputs_differ }: Wire) => [node_id, inputs_differ, outputs_differ]),
    ).toEqual(['in', 'a', 'c', 'b', 'side', 'out'].map((id) => [id, false, false]));
    const taken = found.nodes.filter(({ after }: Wire) => after.taken_over_from === first.id);
    expect(taken.map(({ node_id }: Wire) => node_id)).toEqual(['in', 'a', 'c', 'side']);
    expect(found.totals.change.attempts).toBe(-4);
  });

  it('name the nodes that are not the same in their versions', async () => {
    const first = await started(chain());
    const renamed = chain({ a: { headers: { 'x-new': '1' } }, extra: [text('more', 'hello')] });
    const definition = {
      nodes: renamed.nodes.filter(({ id }) => id !== 'side'),
      edges: [
        ...renamed.edges.filter(({ to_id: { node_id: to } }) => to !== 'side' && to !== 'out'),
        edge('more::output', 'out::input'),
      ],
    };
    await server.client.ok('PATCH', `/v1/workflows/${first.workflow_id}`, { definition });
    const second = await until((await replay(first.id, { version: 'current' })).body);
    const found = await compared(first, second);
    expect(found.version).toEqual({
      same: false,
      nodes: [
        { node_id: 'a', change: 'changed' },
        { node_id: 'out', change: 'reconnected' },
        { node_id: 'side', change: 'removed' },
        { node_id: 'more', change: 'added' },
      ],
    });
    expect(found.nodes.filter((node: Wire) => node.in !== 'both')).toMatchObject([
      { node_id: 'more', in: 'after' },
      { node_id: 'side', in: 'before', after: null },
    ]);
  });

  it('may be of two workflows, and not of another workspace', async () => {
    const first = await started(chain());
    const second = await started(chain());
    expect(await compared(first, second)).toMatchObject({ same_workflow: false, version: { same: false, nodes: [] } });
    expect((await diff(first.id, '01890000-0000-7000-8000-000000000000')).status).toBe(404);
    expect((await diff('01890000-0000-7000-8000-000000000000', first.id)).status).toBe(404);
  });

  it('are told with values and differences that are cut where there is too much of them', async () => {
    const definition = {
      nodes: [input('in', 'Value', { type: 'dict' }), output('out', 'Value')],
      edges: [edge('in::output', 'out::input')],
    };
    const workflow = await server.client.save(definition);
    const run = (Value: object) => server.client.run(workflow.id, { input: { Value } });
    const many = (value: number) => Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`k${index}`, value]));
    const found = await compared(await run(many(1)), await run(many(2)));
    expect([found.output.differences.length, found.output.is_cut]).toEqual([500, true]);
    const long = await compared(await run({ text: 'a'.repeat(2000) }), await run({ text: ['b'.repeat(2000)] }));
    expect(long.input.differences).toEqual([
      {
        ...{ kind: 'changed', path: '/Value/text', cut: ['before', 'after'] },
        ...{ before: 'a'.repeat(1000), after: `["${'b'.repeat(998)}` },
      },
    ]);
    const huge = await compared(await run({ text: 'a'.repeat(4_200_000) }), await run({ text: 'b' }));
    expect(huge.input).toEqual({ differs: true, differences: [], is_cut: true });
    expect(huge.nodes.map(({ outputs_differ }: Wire) => outputs_differ)).toEqual([true, true]);
  });
});

it('media in an edited input are kept as assets, as those of a first run are', async () => {
  const first = await started(chain());
  const overrides = { Text: 'data:text/plain;base64,SGVsbG8=' };
  const answer = await runflow.send('POST', `/v1/runs/${first.id}/retries`, { input_overrides: overrides });
  expect(answer.body.input.Text).toMatch(/^http.*\/v1\/asset-content\//);
  const { input: kept } = await until(answer.body);
  expect(kept.Text).toMatch(/^spot:\/\//);
  // As an address again, wherever it is told.
  const { body } = await runflow.send('GET', `/v1/runs/${first.id}/diff/${answer.body.id}`);
  expect(body.input.differences).toMatchObject([{ path: '/Text', after: expect.stringMatching(/^http/) }]);
});

it('an edited input of a model is held against what the model declares', async () => {
  const about = {
    name: 'Echo',
    inputs: [{ name: 'prompt' }, { name: 'size', variable_type_code: 'INTEGER', default_value: 1 }],
    backend: { kind: 'http', url: `${world.url}/model`, body: { prompt: '((prompt))', size: '((size))' } },
  };
  const model = await runflow.send('POST', '/v1/models', about);
  expect(model.status).toBe(201);
  const made = await runflow.send('POST', `/v1/models/${model.body.id}/runs`, { input: { prompt: 'a cat' } });
  const settled = async (id: string): Promise<Wire> => {
    const read = () => runflow.get(`/v1/runs/${id}`);
    await expect.poll(async () => (await read()).completed_at).not.toBeNull();
    return read();
  };
  await settled(made.body.id);
  const retry = (body: object) => runflow.send('POST', `/v1/runs/${made.body.id}/retries`, body);
  const refused = await retry({ input_overrides: { promt: 'a dog', size: 'large' } });
  expect(refused.body.errors).toMatchObject([
    { loc: ['body', 'input', 'size'], type: 'type' },
    { loc: ['body', 'input', 'promt'], type: 'unknown_input', hint: 'Did you mean "prompt"?' },
  ]);
  const again = await retry({ input_overrides: { prompt: 'a dog' } });
  expect(await settled(again.body.id)).toMatchObject({ target_type: 'model', input: { prompt: 'a dog', size: 1 } });
});
