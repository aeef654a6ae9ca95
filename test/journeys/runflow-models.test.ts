import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Client, type Wire } from '../support/client.ts';
import { TINY_PNG } from '../support/comfyui-server.ts';
import { type OtherServer, type Received, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let backend: OtherServer;
let server: TestServer;

/** What the backends of all models say. */
function answer({ path, body }: Received, response: Parameters<Parameters<typeof startOtherServer>[0]>[1]): unknown {
  const asked = body === '' ? {} : JSON.parse(body);
  switch (path.split('?')[0]) {
    case '/v1/chat/completions': {
      if (asked.messages.at(-1).content === 'fail') return sendJson(response, { error: { message: 'No.' } }, 400);
      const message = { role: 'assistant', content: JSON.stringify(asked) };
      return sendJson(response, {
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1000, completion_tokens: 500 },
      });
    }
    case '/v1/images/generations': {
      const base64 = { b64_json: TINY_PNG.toString('base64') };
      return sendJson(response, { data: [base64, { url: `${backend.url}/picture.png` }].slice(0, asked.n ?? 1) });
    }
    case '/picture.png':
      return response.writeHead(200, { 'content-type': 'image/png' }).end(TINY_PNG);
    case '/upscale/2':
      return sendJson(response, { result: { image: { url: `${backend.url}/picture.png` }, seed: 7 }, got: asked });
    default:
      return sendJson(response, { error: 'There is nothing.' }, 404);
  }
}

beforeAll(async () => {
  backend = await startOtherServer(answer);
  server = await startPlatform({
    settings: { 'openai-base-url': `${backend.url}/v1`, 'openai-api-key': 'sk-secret' },
  });
});
afterAll(async () => {
  await server.stop();
  await backend.stop();
});

const send = (method: string, path: string, body?: unknown): Promise<Answer> =>
  new Client(server.url, null).send(method, path, body, { authorization: `Bearer ${KEY}` });

/** The body of an answer of this status. */
async function expected(status: number, method: string, path: string, body?: unknown): Promise<Wire> {
  const answered = await send(method, path, body);
  if (answered.status !== status) throw new Error(`${method} ${path} answered ${answered.status}: ${answered.text}`);
  return answered.body;
}

const get = (path: string) => expected(200, 'GET', path);
const register = (model: object) => expected(201, 'POST', '/v1/models', model);

/** Dispatches a run and gives it as the search shows it once it has ended. */
async function run(path: string, given: object, more: object = {}): Promise<Wire> {
  const { id } = await expected(201, 'POST', `/v1/models/${path}/runs`, { input: given, ...more });
  for (;;) {
    const { items } = await get(`/v1/runs?q=${encodeURIComponent(`id = '${id}'`)}`);
    if (items[0].completed_at !== null) return items[0];
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const prompt = { name: 'prompt', variable_type_code: 'string', is_required: true };

const CHAT = {
  name: 'Small talk',
  slug: 'acme/small-talk/1.0',
  inputs: [
    { ...prompt, validator_attrs: { max_length: 20 } },
    { name: 'temperature', variable_type_code: 'float', validator_attrs: { min: 0, max: 2 } },
    {
      name: 'quality',
      variable_type_code: 'enum',
      validator_attrs: { options: ['low', 'high'] },
      default_value: 'low',
    },
  ],
  outputs: [{ name: 'answer', variable_type_code: 'text' }],
  backend: {
    kind: 'openai_chat',
    model: 'small-model',
    system: 'Be {{input.quality}}.',
    parameters: { temperature: '{{input.temperature}}' },
  },
  pricing: [
    { pricing_model_code: 'per_input_token', unit_code: 'million_tokens', price: '0.15' },
    { pricing_model_code: 'per_output_token', unit_code: 'million_tokens', price: '0.6' },
    { rule_effect_code: 'multiply', price: 2, model_input_id: 'quality', match_value: 'high' },
    { rule_effect_code: 'add', pricing_model_code: 'per_request', price: '0.0001' },
  ],
};

describe('a model behind a chat endpoint', () => {
  let model: Wire;
  beforeAll(async () => {
    model = await register(CHAT);
  });

  it('is shown with its lists, and found by id, by slug and behind an owner’s name', async () => {
    expect(model).toMatchObject({ slug: 'acme/small-talk/1.0', name: 'Small talk', is_public: null, examples: [] });
    expect(model.inputs.map((one: Wire) => [one.name, one.model_id, one.sort_order])).toEqual([
      ['prompt', model.id, 0],
      ['temperature', model.id, 1],
      ['quality', model.id, 2],
    ]);
    expect(model.pricing[2].model_input_id).toBe(model.inputs[2].id);
    for (const path of [model.id, 'acme/small-talk/1.0', 'someone/acme/small-talk/1.0', 'acme%2Fsmall-talk/1.0']) {
      expect(await get(`/v1/models/${path}`)).toEqual(model);
      expect(await get(`/runflow/v1/models/${path}`)).toEqual(model);
    }
  });

  it('is dispatched by its path, and answers with normalised outputs and what they cost', async () => {
    const begun = await expected(201, 'POST', '/v1/models/acme/small-talk/1.0/runs', {
      input: { prompt: 'Hello' },
      metadata: { order: 5 },
      client_ref: 'first',
    });
    expect(begun).toMatchObject({
      status_code: 'queued',
      model_id: model.id,
      target_type: 'model',
      flow_id: null,
      client_ref: 'first',
      metadata: { order: 5 },
      input: { prompt: 'Hello', quality: 'low' },
    });
    const ended = await run('acme/small-talk/1.0', { prompt: 'Hello', quality: 'high', temperature: 0.5 });
    expect(ended).toMatchObject({ status_code: 'succeeded', failure_code: null, cost: '0.001' });
    const [entry] = ended.output.outputs;
    expect(entry).toEqual({ type: 'text', name: 'answer', text: expect.any(String), mime_type: 'text/plain' });
    expect(JSON.parse(entry.text)).toEqual({
      model: 'small-model',
      temperature: 0.5,
      messages: [
        { role: 'system', content: 'Be high.' },
        { role: 'user', content: 'Hello' },
      ],
    });
    expect(ended.cost_breakdown).toMatchObject({
      billed: true,
      nodes: { model: { input_tokens: 1000, output_tokens: 500 } },
      pricing: [
        { rule_id: model.pricing[0].id, unit: 'input_tokens', quantity: '1000', measured: 'usage', amount: '0.00015' },
        { quantity: '500', amount: '0.0003' },
        { effect: 'multiply', price: '2' },
        { unit: 'requests', quantity: '1', measured: 'run', amount: '0.0001' },
      ],
    });
  });

  it('runs without its optional inputs', async () => {
    const ended = await run('acme/small-talk/1.0', { prompt: 'Hello' });
    expect(JSON.parse(ended.output.outputs[0].text)).not.toHaveProperty('temperature');
    expect(ended.cost).toBe('0.00055');
  });

  it('is not billed for a run that fails', async () => {
    const ended = await run('acme/small-talk/1.0', { prompt: 'fail' });
    expect(ended).toMatchObject({
      status_code: 'failed',
      failure_code: 'provider',
      cost: '0',
      cost_breakdown: { billed: false },
    });
  });

  it('refuses an input that does not fit, with everything that is wrong', async () => {
    const refused = await expected(422, 'POST', `/v1/models/${model.id}/runs`, {
      input: { promt: 'x', temperature: 3, quality: 'medium' },
    });
    expect(refused.errors).toEqual([
      { loc: ['body', 'input', 'prompt'], msg: expect.stringContaining('required'), type: 'missing' },
      { loc: ['body', 'input', 'temperature'], msg: expect.stringContaining('2 or less'), type: 'maximum' },
      { loc: ['body', 'input', 'quality'], msg: expect.stringContaining('"low", "high"'), type: 'options' },
      expect.objectContaining({ loc: ['body', 'input', 'promt'], hint: 'Did you mean "prompt"?' }),
    ]);
    const long = { input: { prompt: 'x' }, client_ref: 'x'.repeat(256) };
    expect((await send('POST', `/v1/models/${model.id}/runs`, long)).status).toBe(422);
    expect((await send('POST', '/v1/models/acme/unknown/runs', { input: {} })).body.code).toBe('MODEL_NOT_FOUND');
  });

  it('lists its runs by its path, under the rules of every list', async () => {
    const filter = encodeURIComponent("client_ref = 'first'");
    const { items, next } = await get(`/v1/models/acme/small-talk/1.0/runs?limit=1&fields=id,client_ref&q=${filter}`);
    expect([items.length, items[0].client_ref, next]).toEqual([1, 'first', null]);
    expect((await send('GET', `/v1/models/${model.id}/runs?qq=1`)).status).toBe(422);
  });

  it('charges what it cost when the run was started, whatever becomes of its prices', async () => {
    const priced = await register({ ...CHAT, slug: 'acme/repriced', pricing: [{ price: '1' }] });
    const before = await run('acme/repriced', { prompt: 'Hello' });
    await expected(200, 'PATCH', '/v1/models/acme/repriced', { pricing: [{ ...priced.pricing[0], price: 2.0 }] });
    const after = await run('acme/repriced', { prompt: 'Hello' });
    expect([before.cost, after.cost]).toEqual(['1', '2']);
    expect((await get('/v1/models/any/pricing?q=price%3E1&fields=price')).items).toContainEqual({ price: '2' });
    expect(after.target_version).not.toBe(before.target_version);
    expect((await get(`/v1/models/${priced.id}`)).pricing[0].id).toBe(priced.pricing[0].id);
  });

  it('is dispatched in batches', async () => {
    const batch = await expected(201, 'POST', '/v1/models/acme/small-talk/1.0/batches', {
      input: [{ prompt: 'One', client_ref: 'b1' }, { prompt: 'Two' }],
    });
    expect(batch).toMatchObject({ items_total: 2, target_id: model.id, target_type: 'model' });
    const wrong = await send('POST', `/v1/models/${model.id}/batches`, { input: [{ prompt: 'x' }, {}] });
    expect(wrong.body.errors).toMatchObject([{ loc: ['body', 'input', 1, 'prompt'], type: 'missing' }]);
  });

  it('runs through the other API too, with its inputs as labels', async () => {
    const started = await server.client.run(model.id, { input: { prompt: 'Hello' } });
    expect(started).toMatchObject({ status: 'completed', output: { outputs: [{ type: 'text', name: 'answer' }] } });
    const { definition } = await server.client.get(`/v1/workflows/${model.id}`);
    expect(definition.nodes.map((node: Wire) => node.type)).toContain('ModelChatNode');
    const redrawn = await server.client.send('PATCH', `/v1/workflows/${model.id}`, {
      definition: { nodes: [], edges: [] },
      force: true,
    });
    expect([redrawn.status, redrawn.text]).toEqual([422, expect.stringContaining('made by the platform')]);
  });
});

describe('a model behind an images endpoint', () => {
  it('keeps pictures as files, whether they come as bytes or as addresses, and charges by image and megapixel', async () => {
    await register({
      name: 'Painter',
      slug: 'painter',
      inputs: [prompt, { name: 'n', variable_type_code: 'INT' }, { name: 'size', variable_type_code: 'string' }],
      outputs: [{ name: 'picture', variable_type_code: 'image' }],
      backend: { kind: 'openai_images', model: 'brush-1' },
      pricing: [{ pricing_model_code: 'per_image', price: '0.04' }],
    });
    const ended = await run('anybody/painter', { prompt: 'A cat', n: 2, size: '1024x1024' });
    expect(ended).toMatchObject({ status_code: 'succeeded', cost: '0.08' });
    expect(ended.output.outputs).toHaveLength(2);
    for (const entry of ended.output.outputs) {
      expect(entry).toMatchObject({
        type: 'image',
        name: 'picture',
        mime_type: 'image/png',
        size_bytes: TINY_PNG.length,
        filename: expect.stringMatching(/\.png$/),
        width: 1,
        height: 1,
      });
    }
    const asked = backend.received.find(({ path }) => path === '/v1/images/generations');
    expect(JSON.parse(asked?.body ?? '')).toEqual({ model: 'brush-1', prompt: 'A cat', n: 2, size: '1024x1024' });
    expect(asked?.headers['authorization']).toBe('Bearer sk-secret');
  });
});

describe('a model behind any HTTP address', () => {
  const http = (more: object = {}) => ({
    name: 'Upscaler',
    slug: 'tools/upscale',
    inputs: [
      { name: 'image', variable_type_code: 'image', is_required: true },
      { name: 'scale', variable_type_code: 'integer', default_value: 2 },
      { name: 'note', variable_type_code: 'text' },
    ],
    outputs: [
      { name: 'image', variable_type_code: 'image' },
      { name: 'seed', variable_type_code: 'integer' },
    ],
    backend: {
      kind: 'http',
      url: `${backend.url}/upscale/{{input.scale}}?note={{input.note}}`,
      headers: { 'x-note': 'scale {{input.scale}}' },
      body: { picture: '{{input.image}}', options: { scale: '{{input.scale}}', note: '{{input.note}}' } },
      output: { image: '$.result.image', seed: '$.result.seed' },
      ...more,
    },
  });

  it('fills its inputs into the request and reads its outputs from the answer', async () => {
    await register(http());
    const data = `data:image/png;base64,${TINY_PNG.toString('base64')}`;
    const ended = await run('tools/upscale', { image: data });
    expect(ended.status_code).toBe('succeeded');
    expect(ended.output.outputs).toMatchObject([
      { type: 'image', name: 'image', width: 1, mime_type: 'image/png' },
      { type: 'json', name: 'seed', value: 7 },
    ]);
    const asked = backend.received.find(({ path }) => path.startsWith('/upscale'));
    expect([asked?.path, asked?.headers['x-note']]).toEqual(['/upscale/2?note=', 'scale 2']);
    // The file was kept when the run was dispatched, and goes out as it came.
    expect(JSON.parse(asked?.body ?? '')).toEqual({ picture: data, options: { scale: 2 } });
  });

  it('refuses secrets in its description, and says what to do instead', async () => {
    const wrong = { ...http({ headers: { Authorization: 'Bearer x' } }), slug: 'tools/other' };
    const refused = await expected(422, 'POST', '/v1/models', wrong);
    expect(refused.errors[0]).toMatchObject({ loc: ['body', 'backend'], hint: expect.stringContaining('"provider"') });
    const inQuery = { ...http({ url: 'https://example.com/?api_key=x' }), slug: 'tools/other' };
    expect((await send('POST', '/v1/models', inQuery)).text).toContain('api_key');
    const led = { ...http({ url: 'https://{{input.note}}/x' }), slug: 'tools/other' };
    expect((await send('POST', '/v1/models', led)).text).toContain('without an input');
  });

  it('ends as failed with what the backend said', async () => {
    await register({ ...http({ url: `${backend.url}/nothing` }), slug: 'tools/broken' });
    const ended = await run('tools/broken', { image: 'https://example.com/x.png' });
    expect(ended).toMatchObject({ status_code: 'failed', failure_code: 'http_status' });
    expect(ended.failure_message).toContain('There is nothing.');
  });
});

describe('a model that runs a workflow', () => {
  const definition = {
    nodes: [input('in', 'Name'), text('say', 'Hello ((Name))'), output('out', 'Greeting')],
    edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
  };

  it('has its inputs and outputs, and stays as it was published when the workflow is edited', async () => {
    const workflow = await server.client.save(definition);
    const model = await register({ name: 'Greeter', backend: { kind: 'workflow', workflow_id: workflow.id } });
    expect(model).toMatchObject({
      slug: 'greeter',
      inputs: [{ name: 'Name', variable_type_code: 'string', is_required: true }],
      outputs: [{ name: 'Greeting' }],
    });
    const greeting = { outputs: [{ type: 'text', name: 'Greeting', text: 'Hello Ada', mime_type: 'text/plain' }] };
    const first = await run('greeter', { Name: 'Ada' });
    expect(first).toMatchObject({ model_id: model.id, target_type: 'model', output: greeting });
    const other = { ...definition, nodes: [definition.nodes[0], text('say', 'Bye ((Name))'), definition.nodes[2]] };
    await server.client.send('PATCH', `/v1/workflows/${workflow.id}`, { definition: other, force: true });
    expect((await run('greeter', { Name: 'Ada' })).output).toEqual(greeting);
    await expected(200, 'PATCH', '/v1/models/greeter', { backend: { kind: 'workflow', workflow_id: workflow.id } });
    expect((await run('greeter', { Name: 'Ada' })).output.outputs[0].text).toBe('Bye Ada');
  });

  it('maps names of its own to labels of the workflow, and says what does not fit', async () => {
    const workflow = await server.client.save(definition);
    const base = { name: 'Mapped', slug: 'mapped', inputs: [{ name: 'who', variable_type_code: 'text' }] };
    const backendOf = (input_map: object) => ({ kind: 'workflow', workflow_id: workflow.id, input_map });
    await register({ ...base, backend: backendOf({ who: 'Name' }) });
    expect((await run('mapped', { who: 'Eve' })).output.outputs[0].text).toBe('Hello Eve');
    expect((await run('mapped', {})).output.outputs[0].text).toBe('Hello ');
    const wrong = await expected(422, 'POST', '/v1/models', { ...base, slug: 'x', backend: backendOf({ who: 'Nam' }) });
    expect(wrong.errors.map((one: Wire) => one.loc)).toEqual([
      ['body', 'backend', 'input_map', 'who'],
      ['body', 'inputs'],
    ]);
  });
});

describe('the registry', () => {
  it('lists models by filter, in order, projected', async () => {
    for (const n of [1, 2, 3])
      await register({ name: `Listed ${n}`, category_code: 'listed', is_public: n !== 2, seo: { n } });
    const query = (q: string, more = '') =>
      get(`/v1/models?sort_by=slug:asc&fields=slug${more}&q=${encodeURIComponent(q)}`);
    const slugs = async (q: string) => (await query(q)).items.map((one: Wire) => one.slug);
    expect(await slugs("category_code = 'listed'")).toEqual(['listed-1', 'listed-2', 'listed-3']);
    expect(await slugs("category_code = 'listed' AND is_public = true")).toEqual(['listed-1', 'listed-3']);
    expect(await slugs('seo.n > 1')).toEqual(['listed-2', 'listed-3']);
    const first = await query("category_code = 'listed'", '&limit=2');
    const second = await query("category_code = 'listed'", `&limit=2&pq=${first.next}`);
    expect([first.items, second.items]).toEqual([[{ slug: 'listed-1' }, { slug: 'listed-2' }], [{ slug: 'listed-3' }]]);
    const back = await query("category_code = 'listed'", `&limit=2&from_prev=true&pq=${second.previous}`);
    expect(back.items).toEqual(first.items);
  });

  it('changes one model, its slug and its lists, item by item', async () => {
    const model = await register({ name: 'Changing', inputs: [prompt], backend: { kind: 'openai_chat', model: 'm' } });
    const at = `/v1/models/${model.id}`;
    await expected(200, 'PATCH', at, { description: 'New', slug: 'changed/v2' });
    const added = await expected(201, 'POST', `${at}/inputs`, {
      name: 'seed',
      variable_type_code: 'integer',
      sort_order: 1,
    });
    await expected(200, 'PATCH', `${at}/inputs/${added.id}`, { is_required: true });
    await expected(201, 'POST', `/v1/models/changed/v2/faq-entries`, { question: 'Why?', answer: 'So.' });
    const changed = await get('/v1/models/changed/v2');
    expect(changed).toMatchObject({
      description: 'New',
      inputs: [
        { id: model.inputs[0].id, created_at: model.inputs[0].created_at },
        { name: 'seed', is_required: true },
      ],
      faq_entries: [{ question: 'Why?', answer: 'So.' }],
    });
    expect((await send('POST', `${at}/runs`, { input: { prompt: 'x' } })).body.errors[0].loc.at(-1)).toBe('seed');
    const ofAll = await get(`/v1/models/any/inputs?q=${encodeURIComponent("name = 'seed'")}`);
    expect(ofAll.items).toEqual([changed.inputs[1]]);
    expect(await get(`/v1/models/any/inputs/${added.id}`)).toEqual(changed.inputs[1]);
    expect((await send('DELETE', `${at}/inputs/${added.id}`)).status).toBe(204);
    expect((await get(`${at}/inputs`)).items).toHaveLength(1);
    expect((await send('GET', `${at}/inputs/${added.id}`)).body.code).toBe('MODEL_INPUT_NOT_FOUND');
  });

  it('keeps a model’s runs when it is removed, and frees its slug', async () => {
    await register({ ...CHAT, slug: 'short/lived' });
    const { id } = await run('short/lived', { prompt: 'Hello' });
    expect((await send('DELETE', '/v1/models/short/lived')).status).toBe(204);
    expect((await send('GET', '/v1/models/short/lived')).status).toBe(404);
    expect((await get(`/v1/runs?q=${encodeURIComponent(`id = '${id}'`)}`)).items).toHaveLength(1);
    await register({ ...CHAT, slug: 'short/lived' });
  });

  it('refuses what makes no sense, naming each place', async () => {
    const refused = await expected(422, 'POST', '/v1/models', {
      name: 'Wrong',
      slug: 'wrong/runs',
      is_publc: true,
      inputs: [{ name: 'a', variable_type_code: 'strng' }, { name: 'a' }],
      pricing: [
        { pricing_model_code: 'per_imgae' },
        { price: '1', currency_code: 'EUR', model_input_id: 'b', match_value: 1 },
      ],
      backend: { kind: 'openai_chat', modle: 'x' },
    });
    expect(refused.errors.map((one: Wire) => one.loc.slice(1).join('.'))).toEqual([
      'is_publc',
      'slug',
      'backend.model',
      'backend.modle',
      'inputs.0.variable_type_code',
      'inputs.1.name',
      'backend.prompt_input',
      'pricing.0.pricing_model_code',
      'pricing.0.price',
      'pricing.1.currency_code',
      'pricing.1.model_input_id',
    ]);
    expect(refused.errors[0].hint).toBe('Did you mean is_public?');
    const astray = await expected(422, 'POST', '/v1/models', {
      name: 'Astray',
      inputs: [prompt],
      outputs: [{ name: 'image' }],
      backend: { kind: 'http', url: 'https://x.test/{{input.promt}}', output: { imgae: '$' } },
    });
    expect(astray.errors).toMatchObject([
      { loc: ['body', 'backend', 'url'], hint: 'Did you mean "prompt"?' },
      { loc: ['body', 'backend', 'output'], hint: 'Did you mean "image"?' },
    ]);
    await register({ name: 'Taken', slug: 'taken' });
    await register({ name: 'Free', slug: 'free' });
    expect((await send('POST', '/v1/models', { name: 'x', slug: 'taken' })).status).toBe(409);
    expect((await send('PATCH', '/v1/models/free', { slug: 'taken' })).status).toBe(409);
    const idle = await send('POST', '/v1/models/free/runs', { input: {} });
    expect([idle.status, idle.body.message]).toEqual([422, expect.stringContaining('no backend')]);
  });
});

describe('the page on models', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/models.md'), 'utf8');
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]+?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

  it('has lines that register a model, run it, and show what came out', async () => {
    const [setUp = '', dispatch = '', list = ''] = blocks('sh');
    const bash = async (lines: string): Promise<string> => {
      const script = `${setUp}\nexport MILLRUN_API_KEY=${KEY}\n${lines}`.replaceAll(
        'http://127.0.0.1:8080',
        server.url,
      );
      return (await promisify(execFile)('bash', ['-euc', script], { env: { PATH: process.env['PATH'] } })).stdout;
    };
    expect(await bash(dispatch)).toContain('"status_code":"queued"');
    for (;;) {
      const { items } = JSON.parse(await bash(list));
      if (items[0].status_code === 'succeeded') {
        expect({ items }).toEqual(JSON.parse(blocks('json')[0] ?? ''));
        return;
      }
    }
  });

  it('shows backends that can be registered', async () => {
    const workflow = await server.client.save({
      nodes: [input('in', 'Name'), text('say', '((Name))'), output('out', 'Greeting')],
      edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
    });
    const shown = blocks('json')
      .slice(1)
      .map((block) => JSON.parse(block));
    expect(shown.map(({ kind }) => kind)).toEqual(['openai_chat', 'http', 'workflow']);
    const names = ['prompt', 'language', 'temperature', 'image', 'scale'];
    for (const described of shown) {
      const isWorkflow = described.kind === 'workflow';
      await register({
        name: described.kind,
        inputs: isWorkflow ? [{ name: 'who' }] : names.map((name) => ({ name })),
        ...(isWorkflow ? { outputs: [{ name: 'greeting' }] } : {}),
        backend: isWorkflow ? { ...described, workflow_id: workflow.id } : described,
      });
    }
  });
});
