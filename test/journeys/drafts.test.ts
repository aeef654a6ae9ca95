import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { edge, GREETING, input, output, text } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform();
});
afterAll(() => server.stop());

const types = (issues: Wire[]) => issues.map(({ type }) => type);

it('a draft that cannot run yet is kept, says why, and is refused as a run with all of it', async () => {
  const draft = {
    nodes: [{ id: 'gen', type: 'TextGenerationNode', node_config: { temperature: 9 } }, output('out', 'Text')],
    edges: [],
  };
  const workflow = await server.client.save(draft);
  expect(types(workflow.validation)).toEqual(['missing_config', 'invalid_config', 'missing_input']);
  expect((await server.client.get(`/v1/workflows/${workflow.id}`)).validation).toEqual(workflow.validation);
  for (const path of ['runs', 'runs/sync']) {
    const refused = await server.client.send('POST', `/v1/workflows/${workflow.id}/${path}`, { input: {} });
    expect(refused.status).toBe(422);
    expect(refused.body.detail).toEqual(
      workflow.validation.map((issue: Wire) =>
        expect.objectContaining({ msg: issue.message, type: issue.type, node_id: issue.node_id, hint: issue.hint }),
      ),
    );
  }
});

it('a definition without a meaning is refused with every mistake at once', async () => {
  const definition = {
    nodes: [
      text('a', 'x'),
      text('b', 'y'),
      text('a', 'again'),
      { id: 'c', type: 'ComposeTxtNode', node_config: {} },
      { type: 'OutputNode' },
      7,
    ],
    edges: [
      edge('a::output', 'b::variables::K'),
      edge('b::output', 'a::variables::K'),
      edge('a::nope', 'b::variables::K'),
      edge('a::output', 'zz::input'),
      { id: 'e' },
    ],
  };
  const answer = await server.client.send('POST', '/v1/workflows', { name: 'Broken', definition });
  expect(answer.status).toBe(422);
  expect(types(answer.body.detail).toSorted()).toEqual(
    [
      ...['malformed', 'malformed', 'malformed', 'duplicate_node_id', 'unknown_node_type'],
      ...['unknown_connector', 'unknown_node', 'cycle'],
    ].toSorted(),
  );
  const unknown = answer.body.detail.find(({ type }: Wire) => type === 'unknown_node_type');
  expect(unknown).toMatchObject({ node_id: 'c', hint: expect.stringContaining('ComposeTextNode') });
  const { items } = await server.client.get('/v1/workflows?size=100');
  expect(items.map(({ name }: Wire) => name)).not.toContain('Broken');
});

it.each([undefined, 'v2'])(
  'a node type called like a part of the language is unknown, as any other (form %s)',
  async (flow_version) => {
    const definition = {
      flow_version,
      nodes: [{ id: 'a', type: 'constructor', node_config: { constructor: 1 } }],
      edges: [],
    };
    const answer = await server.client.send('POST', '/v1/workflows', { name: 'Odd', definition });
    expect([answer.status, ...types(answer.body.detail)]).toEqual([422, 'unknown_node_type']);
  },
);

it('a save over a workflow that was changed since conflicts, unless it is forced', async () => {
  const workflow = await server.client.save(GREETING);
  const path = `/v1/workflows/${workflow.id}`;
  const mine = { name: 'Mine', workflow_hash: workflow.workflow_hash };
  const nodes = [input('in', 'Name'), text('say', 'Bye ((Name))'), output('out', 'Greeting')];
  await server.client.ok('PATCH', path, { definition: { ...GREETING, nodes } });
  expect(await server.client.send('PATCH', `${path}?force=False`, mine)).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('force=true') },
  });
  expect(await server.client.ok('PATCH', `${path}?force=True`, mine)).toMatchObject({ name: 'Mine' });
});

it('what was exported is imported as a copy, as a version or in place', async () => {
  const original = await server.client.save(GREETING, {
    name: 'Travelling',
    description: 'Goes far',
    meta: { tags: ['x'] },
  });
  const exported = (await server.client.send('POST', `/v1/workflows/${original.id}/export`)).text;
  const imported = (query: string, definition: unknown = exported) =>
    server.client.post(`/v1/workflows/import?${query}`, { definition, version: 'auto' });

  const [clone] = await imported('mode=clone', Buffer.from(exported).toString('base64'));
  expect(clone).toMatchObject({ name: 'Travelling', description: 'Goes far', definition: original.definition });
  expect(clone.id).not.toBe(original.id);
  expect(clone.workflow_hash).toBe(original.workflow_hash);

  const changed = JSON.parse(exported);
  changed.workflows[0].definition.nodes[1].node_config.template = 'Bye ((Name))';
  const target = `workflow_id=${original.id}`;
  const [version] = await imported(`mode=version&activate=False&${target}`, changed);
  const current = await server.client.get(`/v1/workflows/${original.id}`);
  expect(current.workflow_hash).toBe(original.workflow_hash);
  const run = { input: { Name: 'Ada' } };
  const sync = `/v1/workflows/${original.id}/runs/sync?output_only=true`;
  expect(await server.client.post(sync, { ...run, workflow_version_id: version.id })).toEqual({ Greeting: 'Bye Ada' });

  const [dry] = await imported(`mode=replace&dry_run=True&${target}`, changed);
  expect(dry).toEqual({ name: 'Travelling', type: 'flow', validation: [] });
  expect(await server.client.post(sync, run)).toEqual({ Greeting: 'Hello Ada' });
  const [replaced] = await imported(`mode=replace&${target}`, changed);
  expect(replaced.id).toBe(original.id);
  expect(await server.client.post(sync, run)).toEqual({ Greeting: 'Bye Ada' });
});

it('a bundle with a mistake in any workflow leaves nothing behind', async () => {
  const workflows = [
    { name: 'First of two', definition: GREETING },
    { name: 'Second of two', definition: { nodes: [{}], edges: [] } },
  ];
  const answer = await server.client.send('POST', '/v1/workflows/import', { definition: { workflows } });
  expect(answer.status).toBe(422);
  const { items } = await server.client.get('/v1/workflows?size=100');
  expect(items.map(({ name }: Wire) => name)).not.toContain('First of two');
});

it('a deleted workflow is gone from lists and cannot run, while its runs stay readable', async () => {
  const workflow = await server.client.save(GREETING);
  const run = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
  expect(await server.client.ok('DELETE', `/v1/workflows/${workflow.id}`)).toEqual({ success: true });
  const again = await server.client.send('POST', `/v1/workflows/${workflow.id}/runs`, { input: {} });
  expect(again.status).toBe(404);
  expect(await server.client.get(`/v1/runs/${run.id}`)).toMatchObject({ id: run.id, status: 'completed' });
});
