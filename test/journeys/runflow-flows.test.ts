import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Client, type Wire } from '../support/client.ts';
import { edge, GREETING, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let flow: Wire;
/** Two texts that are fed by one input, and one of them by the other. */
const CHAIN = {
  nodes: [input('in', 'Word'), text('one', '1 ((A))'), text('two', '2 ((A)) ((B))'), output('out', 'End')],
  edges: [
    edge('in::output', 'one::variables::A'),
    edge('in::output', 'two::variables::A'),
    edge('one::output', 'two::variables::B'),
    edge('two::output', 'out::input'),
  ],
};

beforeAll(async () => {
  server = await startPlatform();
  flow = await server.client.save(GREETING, { name: 'Greet people' });
  await server.client.save(CHAIN, { name: 'Chain' });
});
afterAll(() => server.stop());

const send = (method: string, path: string, body?: unknown): Promise<Answer> =>
  new Client(server.url, null).send(method, path, body, { authorization: `Bearer ${KEY}` });

async function get(path: string): Promise<Wire> {
  const answer = await send('GET', path);
  if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

const q = (filter: string) => `q=${encodeURIComponent(filter)}`;

describe('a workflow of the other API', () => {
  it('is a flow here, found by id, by slug and behind an owner’s name', async () => {
    const shown = await get(`/v1/flows/${flow.id}`);
    expect(shown).toMatchObject({
      id: flow.id,
      slug: 'greet-people',
      name: 'Greet people',
      version: 1,
      status_code: 'active',
    });
    expect(shown.inputs).toMatchObject([
      { name: 'Name', variable_type_code: 'string', is_required: true, flow_id: flow.id },
    ]);
    expect(shown.outputs).toMatchObject([{ name: 'Greeting' }]);
    expect(await get('/v1/flows/greet-people')).toEqual(shown);
    expect(await get('/runflow/v1/flows/anybody/greet-people')).toEqual(shown);
    expect((await send('GET', '/v1/flows/unknown')).body.code).toBe('FLOW_NOT_FOUND');
  });

  it('is listed by filter and order, whole and in short', async () => {
    const names = async (path: string) => (await get(path)).items.map((one: Wire) => one.slug);
    expect(await names(`/v1/flows?sort_by=name:asc&${q("status_code = 'active'")}`)).toEqual(['chain', 'greet-people']);
    expect(await names(`/v1/flows?${q("slug.eq:'chain'")}`)).toEqual(['chain']);
    expect(await names(`/v1/flows?${q("status_code = 'draft'")}`)).toEqual([]);
    const { items } = await get(`/v1/flow-summaries?${q("slug = 'chain'")}`);
    expect(items).toMatchObject([{ slug: 'chain', node_count: 4, run_count: 0 }]);
    expect(items[0].nodes[0]).toEqual(expect.objectContaining({ slug: 'in', type_code: 'InputNode' }));
  });

  it('is not among the models, nor is a model among the flows', async () => {
    const model = await send('POST', '/v1/models', { name: 'No flow' });
    expect((await send('GET', `/v1/flows/${model.body.id}`)).status).toBe(404);
    expect((await send('GET', `/v1/models/${flow.id}`)).status).toBe(404);
    expect((await get(`/v1/flows?${q("slug = 'no-flow'")}`)).items).toEqual([]);
  });
});

describe('the nodes of a flow', () => {
  it('carry the edges at the inputs that they enter', async () => {
    const { items } = await get('/v1/flows/chain/nodes');
    expect(items.map((one: Wire) => one.slug)).toEqual(['in', 'one', 'two', 'out']);
    const [entrance, one, two] = items;
    const fed = two.inputs.map((socket: Wire) => [socket.name, socket.source_output_id]);
    expect(fed).toEqual([
      ['variables::A', entrance.outputs[0].id],
      ['variables::B', one.outputs[0].id],
    ]);
  });

  it('have ids of their own that stay the same, and are found by them', async () => {
    const { items } = await get(`/v1/flows/any/nodes?${q("slug = 'two'")}`);
    expect(items).toHaveLength(1);
    const [node] = items;
    expect(node.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
    expect(await get(`/v1/flow-nodes/${node.id}`)).toEqual(node);
    expect(await get(`/v1/flows/any/nodes/${node.id}`)).toEqual(node);
    expect(await get(`/v1/flows/chain/nodes/${node.id}`)).toEqual(node);
    expect((await send('GET', `/v1/flows/greet-people/nodes/${node.id}`)).body.code).toBe('FLOW_NODE_NOT_FOUND');
  });

  it('are listed page by page, in any order, forward and backward', async () => {
    const page = (more: string) => get(`/v1/flows/any/nodes?sort_by=slug:desc&limit=3&fields=slug${more}`);
    const pages = [await page('')];
    for (let last = pages[0]; last.next !== null; pages.push(last)) last = await page(`&pq=${last.next}`);
    const slugs = pages.flatMap(({ items }) => items.map((one: Wire) => one.slug));
    expect(slugs).toEqual(['two', 'say', 'out', 'out', 'one', 'in', 'in']);
    const back = await page(`&from_prev=true&pq=${pages[2].previous}`);
    expect(back.items).toEqual(pages[1].items);
    expect([pages[0].previous, back.next === null]).toEqual([null, false]);
  });
});

it('inputs and outputs of all flows are listed together', async () => {
  const { items } = await get('/v1/flows/any/inputs?sort_by=name:asc&fields=name,is_required');
  expect(items).toEqual([
    { name: 'Name', is_required: true },
    { name: 'Word', is_required: true },
  ]);
  expect((await get('/v1/flows/chain/outputs')).items).toMatchObject([{ name: 'End' }]);
});

describe('a run of a flow', () => {
  async function run(path: string, body: object): Promise<Wire> {
    const begun = await send('POST', path, body);
    if (begun.status !== 201) throw new Error(begun.text);
    for (;;) {
      const { items } = await get(`/v1/runs?${q(`id = '${begun.body.id}'`)}`);
      if (items[0].completed_at !== null) return items[0];
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('is dispatched by id, slug and owner’s path, also under the address of models', async () => {
    for (const path of [`flows/${flow.id}`, 'flows/greet-people', 'flows/me/greet-people', 'models/me/greet-people']) {
      const ended = await run(`/v1/${path}/runs`, { input: { Name: 'Ada' } });
      expect(ended).toMatchObject({ flow_id: flow.id, model_id: null, output: { Greeting: 'Hello Ada' } });
    }
    expect((await get('/v1/flows/greet-people')).run_count).toBe(4);
    expect((await get('/v1/flows/greet-people/runs')).items).toHaveLength(4);
    const wrong = await send('POST', '/v1/flows/greet-people/runs', { input: {} });
    expect(wrong.body.errors).toMatchObject([{ loc: ['body', 'input', 'Name'], type: 'missing' }]);
  });

  it('uses the version that is asked for', async () => {
    const { current_version_id: first } = await get('/v1/flows/greet-people');
    const other = { ...GREETING, nodes: [GREETING.nodes[0], text('say', 'Bye ((Name))'), GREETING.nodes[2]] };
    await server.client.ok('PATCH', `/v1/workflows/${flow.id}`, { definition: other, force: true });
    const body = { input: { Name: 'Ada' } };
    const path = '/v1/flows/greet-people/runs';
    expect((await run(path, body)).output).toEqual({ Greeting: 'Bye Ada' });
    const old = await run(path, { ...body, flow_version_id: first });
    expect([old.output, old.flow_version_id]).toEqual([{ Greeting: 'Hello Ada' }, first]);
    const versions = await get('/v1/flows/greet-people/versions');
    expect(versions.items.map((one: Wire) => one.version)).toEqual([2, 1]);
    expect(versions.items[1]).toMatchObject({ id: first, flow_id: flow.id, snapshot: { flow_version: 'v1' } });
    expect(await get(`/v1/flows/any/versions/${first}`)).toEqual(versions.items[1]);
    expect((await send('GET', `/v1/flows/chain/versions/${first}`)).body.code).toBe('FLOW_VERSION_NOT_FOUND');
    expect((await send('POST', '/v1/flows/chain/runs', { input: { Word: 'x' }, flow_version_id: first })).status).toBe(
      404,
    );
  });
});
