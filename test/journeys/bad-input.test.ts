import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edge, GREETING, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const RUNS = LONG ? 2000 : 300;

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform({ settings: { 'max-body-bytes': '2000000', 'sync-timeout-seconds': '5' } });
});
afterAll(() => server.stop());

const V1 = {
  ...GREETING,
  nodes: [
    ...GREETING.nodes.map((node) => ({
      ...node,
      display: { position: { x: 1, y: 2 } },
      connector_config: {
        inputs: [{ name: 'variables', type: 'variable_connector', keys: ['Name'], definition: { data_type: 'str' } }],
        outputs: [],
      },
      inputs: [{ name: 'variables::Name', fixed_value: 'x' }],
    })),
    { id: 'if', type: 'ConditionalNode', node_config: { conditions: { left: '((x))', operator: 'equals', right: 1 } } },
  ],
};

const V2 = {
  flow_version: 'v2',
  nodes: [
    { id: 'a', type: 'InputNodeV2', node_config: { label: 'Name', type: 'str' }, iterate_overrides: { input: true } },
    { id: 'b', type: 'CombineTextV2', node_config: { template: ':var[a.output]', __var_keys: { variables: ['k'] } } },
    { id: 'c', type: 'OutputNodeV2', node_config: { label: 'x' }, variable_bindings: { value: 'b.output' } },
  ],
  edges: [{ id: 'e', source: 'a', target: 'b', source_handle: 'output', target_handle: null }],
};

/** Values that programs trip over. */
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(null, '', '__proto__', 'constructor', 'toString', '::', ':var[', ':var[a.b]', '((x))'),
  fc.constantFrom<unknown>({ __proto__: null, length: -1 }, [[]], -0, 1e308, '\u0000', '\ud800', 'a::b::c', {
    node_id: 'in',
  }),
);

/** A document in which up to three parts, at any depth, are something else. */
const mangled = (document: unknown) =>
  fc.array(fc.tuple(fc.nat(), odd, fc.boolean()), { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy = structuredClone(document);
    for (const [at, value, remove] of changes) {
      const places = placesIn(copy);
      const [holder, key] = places[at % places.length]!;
      if (remove && !Array.isArray(holder)) delete holder[key];
      else holder[key] = structuredClone(value);
    }
    return copy;
  });

type Holder = Record<string, unknown>;

function placesIn(value: unknown): [Holder, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    [value as Holder, key] as [Holder, string],
    ...placesIn(part),
  ]);
}

it.each([
  ['V1', V1],
  ['V2', V2],
])(
  'a definition of form %s with anything in any place is kept or refused, and what is kept can be read and run or says why not',
  async (_, form) => {
    await fc.assert(
      fc.asyncProperty(mangled({ name: 'x', type: 'flow', definition: form }), async (body) => {
        const saved = await server.client.send('POST', '/v1/workflows', body);
        expect([200, 422], saved.text).toContain(saved.status);
        if (saved.status !== 200) {
          expect(saved.body.detail.length).toBeGreaterThan(0);
          return;
        }
        const path = `/v1/workflows/${saved.body.id}`;
        const read = await server.client.send('GET', path);
        expect([read.status, read.body.workflow_hash]).toEqual([200, saved.body.workflow_hash]);
        const again = await server.client.send('PATCH', path, { definition: read.body.definition });
        expect([again.status, again.body.workflow_hash], again.text).toEqual([200, saved.body.workflow_hash]);
        const run = await server.client.send('POST', `${path}/runs/sync`, { input: { Name: 'Ada' } });
        expect([200, 202, 422], run.text).toContain(run.status);
        if (run.status === 422) expect(run.body.detail.length).toBeGreaterThan(0);
      }),
      { numRuns: RUNS },
    );
  },
);

it('a run asked for with anything in any place is taken or refused with the place', async () => {
  const workflow = await server.client.save(GREETING);
  const body = {
    input: { Name: 'Ada', in: ['x'] },
    node_ids: ['say'],
    single_node_id: null,
    group_id: null,
    workflow_version_id: null,
    tracing: false,
    debugger: null,
    callback_url: 'https://example.com',
  };
  await fc.assert(
    fc.asyncProperty(mangled(body), fc.boolean(), async (request, sync) => {
      // Nobody is called back by a test.
      const quiet = { ...(request as object), callback_url: null };
      const answer = await server.client.send('POST', `/v1/workflows/${workflow.id}/runs${sync ? '/sync' : ''}`, quiet);
      expect([200, 404, 422], answer.text).toContain(answer.status);
      if (answer.status === 422) for (const { loc } of answer.body.detail) expect(loc[0]).toBe('body');
    }),
    { numRuns: RUNS },
  );
});

it('any input value comes out as it went in', async () => {
  const workflow = await server.client.save({
    nodes: [input('in', 'Any', { type: 'Any' }), output('out', 'Same')],
    edges: [edge('in::output', 'out::input')],
  });
  const path = `/v1/workflows/${workflow.id}/runs/sync?output_only=true`;
  await fc.assert(
    fc.asyncProperty(
      fc.jsonValue().filter((value) => value !== null),
      async (value) => {
        const sent = JSON.stringify(value);
        const answer = await server.client.send('POST', path, `{"input":{"Any":${sent}}}`);
        expect([answer.status, JSON.stringify(answer.body.Same)]).toEqual([200, JSON.stringify(JSON.parse(sent))]);
      },
    ),
    { numRuns: RUNS },
  );
});

it.each([
  ['text that is not JSON', '{bad', {}, 422, 'not JSON'],
  ['no body', '', {}, 422, 'no body'],
  ['null', 'null', {}, 422, 'no body'],
  [
    'another type of content',
    'name=x',
    { 'content-type': 'application/x-www-form-urlencoded' },
    415,
    'application/json',
  ],
  ['plain text', '{}', { 'content-type': 'text/plain' }, 415, 'application/json'],
  ['more than is allowed', `"${'x'.repeat(2_000_001)}"`, {}, 413, 'MILLRUN_MAX_BODY_BYTES'],
])('a body that is %s is refused with what to do', async (_, body, headers, status, said) => {
  const answer = await server.client.send('POST', '/v1/workflows', body, headers);
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(said)]);
});

it.each([
  ['/v1/runs?page=0', 'page'],
  ['/v1/runs?page=x', 'page'],
  ['/v1/runs?size=101', 'size'],
  ['/v1/runs?size=1&size=2', 'size'],
  ['/v1/workflows?type=nope', 'type'],
])('GET %s is refused with the name of the parameter', async (path, name) => {
  const answer = await server.client.send('GET', path);
  expect([answer.status, answer.body.detail[0].loc]).toEqual([422, ['query', name]]);
});

it.each(['/v1/runs/%zz', `/v1/runs/${'x'.repeat(600)}`, '/v1/runs/%00', '/v1/runs/..%2f..'])(
  'the address %s is refused in the form of every refusal',
  async (path) => {
    const answer = await server.client.send('GET', path);
    expect([400, 404, 414]).toContain(answer.status);
    expect(Object.keys(answer.body)).toEqual(['detail']);
  },
);
