import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type ComfyuiScript, type ComfyuiTestServer, startComfyuiServer, TINY_PNG } from '../support/comfyui-server.ts';
import { startOtherServer } from '../support/http-server.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const SECRET = 'rf_svc_do_not_keep_me';

/** What ComfyUI-Runflow sends: the graph in API format with `value` taken out of the Runflow input nodes. */
const GRAPH = {
  1: {
    class_type: 'RunflowInputString',
    inputs: { input_id: 'Positive Prompt', display_name: 'Prompt', description: 'What to paint' },
  },
  2: { class_type: 'RunflowInputInt', inputs: { input_id: 'seed', display_name: '', description: '', value: 7 } },
  3: {
    class_type: 'RunflowInputBoolean',
    inputs: { input_id: 'Tile', display_name: '', description: '', value: false },
  },
  4: { class_type: 'RunflowInputImage', inputs: { input_id: 'Photo', display_name: '', description: '' } },
  5: {
    class_type: 'KSampler',
    inputs: { text: ['1', 0], seed: ['2', 0], tile: ['3', 0], image: ['4', 0], mask: 'masks/a.png' },
  },
  6: {
    class_type: 'RunflowOutputImage',
    inputs: { output_id: 'Picture', output_name: 'The picture', value: ['5', 0] },
  },
  7: { class_type: 'RunflowOutputImage', inputs: { output_id: 'Depth', output_name: '', value: ['5', 1] } },
  9: { class_type: 'RunflowDeploy', inputs: { endpoint_name: 'x', host: 'y', api_key: SECRET } },
};

const EDITOR_GRAPH = {
  nodes: [
    { id: 5, type: 'KSampler' },
    { id: 9, type: 'RunflowDeploy', widgets_values: ['portrait', 'http://host', SECRET] },
  ],
  links: [],
};

const deployed = (more: object = {}) => ({
  name: 'Portrait Studio',
  workflow_json: GRAPH,
  graph: EDITOR_GRAPH,
  environment: { packages: [{ name: 'torch', version: '2.9' }], comfyui: { origin: 'x', commit: 'y', dirty: false } },
  custom_nodes: { 'comfyui-runflow': { origin: 'x', commit: 'y', dirty: false } },
  models: { 'checkpoints/a.safetensors': { url: null, sha256: 'abc' } },
  ...more,
});

/** What the ComfyUI server does in the test at hand. */
let script: { -readonly [K in keyof ComfyuiScript]: ComfyuiScript[K] };
let comfyui: ComfyuiTestServer;
let server: TestServer;
let api: RunflowClient;
/** Prompts that came before the test at hand. */
let earlier: number;

beforeAll(async () => {
  comfyui = await startComfyuiServer({
    refuse: (prompt) => script.refuse?.(prompt) ?? null,
    prompts: [(prompt) => (script.prompts?.[0] ?? ((one) => one.play()))(prompt)],
  });
  server = await startPlatform({ settings: { 'comfyui-url': comfyui.url, 'comfyui-rates': '{"L40S": "0.000444"}' } });
  api = new RunflowClient(server);
});
beforeEach(() => {
  script = {};
  earlier = comfyui.prompts.length;
});
/** Slugs are free again for the next test. */
afterEach(async () => {
  for (const { id } of await api.items('/v1/comfyui-workflows'))
    await sent(204, 'DELETE', `/v1/comfyui-workflows/${id}`);
});
afterAll(async () => {
  await server.stop();
  await comfyui.stop();
});

/** The prompts of the test at hand. */
const prompts = () => comfyui.prompts.slice(earlier);

/** The body of an answer that must have a status. */
async function sent(status: number, method: string, path: string, body?: unknown, headers = {}): Promise<Wire> {
  const answer = await api.send(method, path, body, headers);
  expect([answer.status, answer.text]).toEqual([status, expect.anything()]);
  return answer.body;
}

/** Uploads a file as the plugin does. */
async function uploaded(name: string, bytes: Buffer): Promise<Wire> {
  const about = { filename: name, mime_type: 'image/png', size_bytes: bytes.length };
  const { asset_id, upload_url } = await sent(201, 'POST', '/v1/asset-uploads', about);
  const headers = { 'content-type': 'image/png' };
  const put = await fetch(upload_url, { method: 'PUT', headers, body: new Uint8Array(bytes) });
  expect([200, 201, 204]).toContain(put.status);
  const asset = await sent(201, 'POST', `/v1/asset-uploads/${asset_id}/confirmations`, {});
  return { asset_id, url: asset.url, mime_type: 'image/png', size_bytes: bytes.length, sha256: 'abc' };
}

/** Deploys as the plugin does: looks the slug up, then changes the workflow or makes it. */
async function deploy(slug: string, payload: object = deployed()): Promise<Wire> {
  const [known] = await api.items('/v1/comfyui-workflows', { q: `slug.eq:'${slug}'`, limit: 1 });
  if (known) return sent(200, 'PATCH', `/v1/comfyui-workflows/${known.id}`, payload);
  return sent(201, 'POST', '/v1/comfyui-workflows', { slug, ...payload });
}

const INPUT = { 'Positive Prompt': 'a cat', Photo: `data:image/png;base64,${TINY_PNG.toString('base64')}` };

/** Starts a run and polls until it has ended, as the SDK does. */
async function run(body: object = { input: INPUT }, headers = {}): Promise<Wire> {
  const { id, status_code } = await sent(201, 'POST', '/v1/comfyui-workflows/acme/portrait/runs', body, headers);
  expect(status_code).toBe('queued');
  return ended(id);
}

async function ended(id: string): Promise<Wire> {
  for (;;) {
    const read = await api.get(`/v1/runs/${id}`);
    if (['succeeded', 'partial_succeeded', 'failed', 'canceled'].includes(read.status_code)) return read;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('deploying a graph', () => {
  it('makes a workflow with the inputs and outputs that it declares, and keeps no key', async () => {
    const mask = await uploaded('a.png', TINY_PNG);
    const made = await deploy('portrait', deployed({ resources: { 'masks/a.png': mask } }));
    expect(made).toMatchObject({ slug: 'portrait', name: 'Portrait Studio', status_code: 'active', is_public: false });
    expect(
      made.inputs.map((one: Wire) => [
        one.name,
        one.display_name,
        one.variable_type_code,
        one.is_required,
        one.default_value,
        one.comfyui_node_id,
      ]),
    ).toEqual([
      ['Positive Prompt', 'Prompt', 'STRING', true, null, '1'],
      ['seed', 'seed', 'INT', false, 7, '2'],
      ['Tile', 'Tile', 'BOOLEAN', false, false, '3'],
      ['Photo', 'Photo', 'IMAGE', true, null, '4'],
    ]);
    expect(made.outputs.map(({ name, display_name }: Wire) => [name, display_name])).toEqual([
      ['Picture', 'The picture'],
      ['Depth', 'Depth'],
    ]);
    expect(made.workflow_json).toEqual(Object.fromEntries(Object.entries(GRAPH).filter(([id]) => id !== '9')));
    expect(made.graph.nodes).toEqual([{ id: 5, type: 'KSampler' }]);
    expect(made.resources['masks/a.png']).toMatchObject({ asset_id: mask.asset_id, sha256: 'abc' });
    expect(Buffer.from(await (await fetch(made.resources['masks/a.png'].url)).arrayBuffer())).toEqual(TINY_PNG);
    const everywhere = [made, await server.client.get(`/v1/workflows/${made.id}`)];
    expect(JSON.stringify(everywhere)).not.toContain(SECRET);
  });

  it('again changes it: the id and the ids of inputs stay, the graph is a new version', async () => {
    const first = await deploy('portrait');
    const { 3: _, ...without } = GRAPH;
    const again = await deploy(
      'portrait',
      deployed({ workflow_json: { ...without, 5: { class_type: 'KSampler', inputs: {} } } }),
    );
    expect(again.id).toBe(first.id);
    expect(again.version).not.toBe(first.version);
    expect(again.inputs.map(({ name }: Wire) => name)).toEqual(['Positive Prompt', 'seed', 'Photo']);
    expect(again.inputs[0]).toEqual(first.inputs[0]);
    const renamed = await sent(200, 'PATCH', '/v1/comfyui-workflows/portrait', { name: 'Other' });
    expect([renamed.name, renamed.version]).toEqual(['Other', again.version]);
  });

  it('tells everything that is wrong with it at once', async () => {
    const broken = {
      ...GRAPH,
      5: { class_type: 'KSampler', inputs: { text: ['77', 0] } },
      8: { class_type: 'RunflowInputVideo', inputs: { input_id: 'v' } },
    };
    const resources = { 'a.png': { asset_id: '01890000-0000-7000-8000-000000000000' } };
    const body = { name: 'x', slug: 'No Slug!', workflow_json: broken, resources, discription: 'x' };
    const { errors } = await sent(422, 'POST', '/v1/comfyui-workflows', body);
    expect(errors.map(({ loc }: Wire) => loc.join('.'))).toEqual([
      'body.discription',
      'body.slug',
      'body.workflow_json.5.inputs.text',
      'body.workflow_json.8.class_type',
      'body.resources.a.png',
    ]);
    const { message } = await sent(422, 'POST', '/v1/comfyui-workflows', { name: 'x', workflow_json: EDITOR_GRAPH });
    expect(message).toContain('Export (API)');
  });

  it('takes a slug of the name when none is given, and never one that is taken', async () => {
    const made = await sent(201, 'POST', '/v1/comfyui-workflows', deployed());
    expect(made.slug).toBe('portrait-studio');
    const { code } = await sent(409, 'POST', '/v1/comfyui-workflows', deployed({ slug: 'portrait-studio' }));
    expect(code).toBe('CONFLICT');
    await sent(204, 'DELETE', `/v1/comfyui-workflows/${made.id}`);
    const refused = await api.refusal(`/v1/comfyui-workflows/${made.id}`);
    expect([refused.status, refused.code]).toEqual([404, 'COMFYUI_WORKFLOW_NOT_FOUND']);
    expect((await sent(201, 'POST', '/v1/comfyui-workflows', deployed({ slug: 'portrait-studio' }))).id).not.toBe(
      made.id,
    );
  });

  it('can be found by filters, page by page, and read by id, slug and owner', async () => {
    for (const name of ['One', 'Two', 'Three'])
      await deploy(name.toLowerCase(), { name, workflow_json: GRAPH, category_code: 'image' });
    const q = "category_code = 'image' and workflow_json.`5`.class_type = 'KSampler'";
    const query = { q, sort_by: 'name:asc', limit: 2, fields: 'slug,name' };
    const page = await api.get('/v1/comfyui-workflows', query);
    expect(page.items).toEqual([
      { slug: 'one', name: 'One' },
      { slug: 'three', name: 'Three' },
    ]);
    const next = await api.get('/v1/comfyui-workflows', { ...query, pq: page.next });
    expect([next.items, next.next]).toEqual([[{ slug: 'two', name: 'Two' }], null]);
    const [{ id }] = await api.items('/v1/comfyui-workflows', { q: "slug.eq:'two'", limit: 1 });
    for (const path of [id, 'two', 'acme/two']) expect((await api.get(`/v1/comfyui-workflows/${path}`)).id).toBe(id);
  });

  it('of a megabyte works', async () => {
    const notes = Object.fromEntries(
      Array.from({ length: 1000 }, (_, n) => [`n${n}`, { class_type: 'Note', inputs: { text: 'x'.repeat(1000) } }]),
    );
    const made = await deploy('portrait', deployed({ workflow_json: { ...GRAPH, ...notes } }));
    expect(Object.keys(made.workflow_json)).toHaveLength(1007);
    expect((await run()).status_code).toBe('succeeded');
  });
});

describe('inputs, outputs and GPUs of a workflow', () => {
  it('can be read across workflows, added, changed and removed', async () => {
    const { id } = await deploy('portrait');
    await deploy('other');
    expect(await api.items('/v1/comfyui-workflows/any/inputs', { q: "name = 'seed'" })).toHaveLength(2);
    const inputs = `/v1/comfyui-workflows/${id}/inputs`;
    const [seed] = await api.items(inputs, { q: "name = 'seed'" });
    const patch = { default_value: 12, validator_attrs: { max: 100 }, description: 'Picks the picture' };
    const changed = await sent(200, 'PATCH', `${inputs}/${seed.id}`, patch);
    expect(changed).toMatchObject({ ...patch, id: seed.id, comfyui_node_id: '2', is_required: false });
    const { errors } = await sent(422, 'PATCH', `${inputs}/${seed.id}`, { default_value: 101 });
    expect(errors[0].loc).toEqual(['body', 'inputs', 1, 'default_value']);
    const own = {
      name: 'Steps',
      variable_type_code: 'int',
      comfyui_node_id: '5',
      comfyui_field_name: 'steps',
      default_value: 20,
    };
    const added = await sent(201, 'POST', inputs, own);
    expect(added).toMatchObject({ ...own, variable_type_code: 'INT', comfyui_workflow_id: id });
    const { message } = await sent(422, 'POST', inputs, { ...own, name: 'x', comfyui_node_id: '55' });
    expect(message).toContain('node 55');

    // A deployment keeps what was put on a node by hand and what the graph does not say.
    const again = await deploy('portrait');
    expect(again.inputs.map(({ name }: Wire) => name)).toEqual(['Positive Prompt', 'seed', 'Tile', 'Photo', 'Steps']);
    expect(again.inputs[1]).toMatchObject({ default_value: 7, validator_attrs: { max: 100 } });

    await run({ input: { ...INPUT, Steps: '30', Tile: 'yes' } });
    expect(prompts()[0]?.prompt['5']?.inputs['steps']).toBe(30);
    await sent(204, 'DELETE', `${inputs}/${added.id}`);
    expect((await api.refusal(`${inputs}/${added.id}`)).status).toBe(404);

    const gpu = await sent(201, 'POST', `/v1/comfyui-workflows/${id}/gpu-models`, { gpu_model_code: 'L40S' });
    expect((await api.get(`/v1/comfyui-workflows/any/gpu-models/${gpu.id}`)).gpu_model_code).toBe('L40S');
    expect(await api.items(`/v1/comfyui-workflows/${id}/outputs`)).toHaveLength(2);
  });
});

describe('a run', () => {
  it('takes values and files, gives signed addresses, and is found through both APIs', async () => {
    const mask = await uploaded('a.png', TINY_PNG);
    const { id: workflowId } = await deploy('portrait', deployed({ resources: { 'masks/a.png': mask } }));
    const ended = await run({
      input: { ...INPUT, seed: '18446744073709551615', Photo: `runflow://assets/${mask.asset_id}` },
      client_ref: 'row 1',
      metadata: { row: 1 },
    });
    expect(ended).toMatchObject({
      status_code: 'succeeded',
      target_type: 'comfyui_workflow',
      comfyui_workflow_id: workflowId,
      client_ref: 'row 1',
      metadata: { row: 1 },
      cost: null,
      nodes_total: 8,
      nodes_completed: 8,
      has_logs: true,
      has_node_runs: true,
    });
    const { prompt } = prompts()[0]!;
    expect([prompt['1'], prompt['2'], prompt['3']].map((node) => node?.inputs['value'])).toEqual([
      'a cat',
      '18446744073709551615',
      false,
    ]);
    expect(comfyui.uploads.map(({ name, subfolder }) => [subfolder, name])).toContainEqual(['masks', 'a.png']);
    const { outputs } = ended.output;
    expect(outputs).toMatchObject([
      { type: 'image', name: 'Picture', mime_type: 'image/png', width: 1, height: 1 },
      { type: 'image', name: 'Depth' },
    ]);
    for (const { url } of [...outputs, { url: ended.input.Photo }]) {
      expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(TINY_PNG);
    }
    const nodeRuns = await api.items(`/v1/runs/${ended.id}/node-runs`, { q: "state_code = 'succeeded'" });
    expect(nodeRuns.map(({ node_key }: Wire) => node_key)).toEqual(
      expect.arrayContaining(['comfyui', 'comfyui/5', 'comfyui/6']),
    );
    const logs = await api.items(`/v1/runs/${ended.id}/logs`);
    expect(logs.map(({ message }: Wire) => message)).toContain('Node 5 (KSampler) began.');
    const [embedded] = await api.items('/v1/runs', {
      q: "client_ref.EQ:'row 1'",
      embed: 'comfyui_workflow',
      limit: 100,
    });
    expect(embedded.comfyui_workflow).toMatchObject({
      slug: 'portrait',
      inputs: [{ name: 'Positive Prompt' }, {}, {}, {}],
    });
    expect(await api.items('/v1/comfyui-workflows/acme/portrait/runs', { fields: 'id' })).toEqual([{ id: ended.id }]);
    const { items } = await server.client.get('/v1/runs');
    expect(items[0]).toMatchObject({ id: ended.id, workflow_id: workflowId, status: 'completed' });
  });

  it('is refused with everything that is wrong with its input', async () => {
    await deploy('portrait');
    const input = { 'positive prompt': 'a cat', seed: true, Photo: 'cat.png' };
    const { errors } = await sent(422, 'POST', '/v1/comfyui-workflows/acme/portrait/runs', { input });
    expect(errors.map(({ loc, hint }: Wire) => [loc.at(-1), hint])).toEqual([
      ['Positive Prompt', undefined],
      ['seed', undefined],
      ['Photo', undefined],
      ['positive prompt', 'Did you mean "Positive Prompt"?'],
    ]);
    expect(prompts()).toHaveLength(0);
  });

  it('can be started through the Noxus API, and under the address of models', async () => {
    const { id } = await deploy('portrait');
    const ran = await server.client.run(id, { input: { ...INPUT, seed: 9 } });
    expect(ran).toMatchObject({ status: 'completed', output: { outputs: [{ name: 'Picture' }, { name: 'Depth' }] } });
    const other = await sent(201, 'POST', '/v1/models/acme/portrait/runs', { input: INPUT });
    expect((await ended(other.id)).status_code).toBe('succeeded');
  });

  it('costs GPU seconds times the rate of its GPU', async () => {
    await deploy('portrait', deployed({ gpu_current_tier_code: 'l40s' }));
    const tier = await run();
    expect([tier.cost, tier.cost_breakdown]).toEqual(['0.00111', { gpu: 'l40s', seconds: '2.5', rate: '0.000444' }]);
    await deploy('portrait', deployed({ gpu_current_tier_code: null, gpu_explicit_models: ['L40S', 'H100'] }));
    expect(await run()).toMatchObject({ cost: '0.00111', cost_breakdown: { gpu: 'L40S' } });
    await deploy('portrait', deployed({ gpu_explicit_models: ['H100'] }));
    expect(await run()).toMatchObject({ cost: null, cost_breakdown: null });
  });

  it('of a model that is a workflow with a graph costs by its own price list for the same seconds', async () => {
    const { id } = await deploy('portrait');
    const backend = { kind: 'workflow', workflow_id: id };
    const pricing = [{ pricing_model_code: 'per_gpu_second', price: '0.1' }];
    await sent(201, 'POST', '/v1/models', { name: 'Painter', slug: 'painter', backend, pricing });
    const { id: runId } = await sent(201, 'POST', '/v1/models/acme/painter/runs', { input: INPUT });
    expect(await ended(runId)).toMatchObject({ status_code: 'succeeded', target_type: 'model', cost: '0.25' });
  });

  it('that ComfyUI refuses fails at its dispatch with the errors of the nodes, and costs nothing', async () => {
    const refusal = {
      error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation' },
      node_errors: { 5: { class_type: 'KSampler', errors: [{ message: 'Value not in list', details: 'sampler: x' }] } },
    };
    script.refuse = () => refusal;
    await deploy('portrait', deployed({ gpu_current_tier_code: 'L40S' }));
    expect(await run()).toMatchObject({
      status_code: 'failed',
      failure_stage_code: 'dispatch',
      failure_message: expect.stringContaining('Value not in list: sampler: x'),
      cost: null,
    });
  });

  it('that throws at a node fails at its execution', async () => {
    const error = {
      node_id: '5',
      node_type: 'KSampler',
      exception_type: 'OutOfMemory',
      exception_message: 'No VRAM',
      traceback: [],
    };
    script.prompts = [(prompt) => prompt.end({ error })];
    await deploy('portrait');
    expect(await run()).toMatchObject({
      status_code: 'failed',
      failure_stage_code: 'execution',
      failure_message: expect.stringContaining('No VRAM'),
    });
  });

  it('that leaves a declared output without a file succeeds in part', async () => {
    const images = [{ filename: 'a.png', subfolder: '', type: 'output' }];
    script.prompts = [(prompt) => prompt.end({ outputs: { 6: { images } } })];
    await deploy('portrait');
    const partial = await run();
    expect(partial.status_code).toBe('partial_succeeded');
    expect(partial.output.outputs.map(({ name }: Wire) => name)).toEqual(['Picture']);
  });

  it('that is canceled is interrupted at the server', async () => {
    script.prompts = [(prompt) => prompt.tell('execution_start')];
    await deploy('portrait');
    const { id } = await sent(201, 'POST', '/v1/comfyui-workflows/acme/portrait/runs', { input: INPUT });
    await comfyui.got(earlier + 1);
    await sent(201, 'POST', `/v1/runs/${id}/cancellation`, { reason: 'wrong photo' });
    await prompts()[0]!.interrupted;
    expect((await ended(id)).status_code).toBe('canceled');
    expect(comfyui.interrupts).toEqual([prompts()[0]!.id]);
  });

  it('is started once for one Idempotency-Key', async () => {
    await deploy('portrait');
    const headers = { 'idempotency-key': 'row-1' };
    const path = '/v1/comfyui-workflows/acme/portrait/runs';
    const [first, again] = [
      await sent(201, 'POST', path, { input: INPUT }, headers),
      await sent(201, 'POST', path, { input: INPUT }, headers),
    ];
    expect(again.id).toBe(first.id);
    await ended(first.id);
    expect(prompts()).toHaveLength(1);
    await sent(409, 'POST', path, { input: { ...INPUT, seed: 8 } }, headers);
  });

  it('tells its receiver, signed', async () => {
    const receiver = await startOtherServer((_, response) => response.end());
    try {
      const { plain_secret } = await sent(201, 'POST', '/v1/callback-secrets', { label: 'app' });
      await deploy('portrait');
      const { id } = await run({ input: INPUT, callback_url: receiver.url });
      await receiver.got(1);
      const { headers, body } = receiver.received[0]!;
      expect(headers['runflow-signature']).toBe(createHmac('sha256', plain_secret).update(body).digest('hex'));
      expect(JSON.parse(body)).toMatchObject({
        event: 'run.completed',
        run_id: id,
        status: 'succeeded',
        output: { outputs: [{ name: 'Picture' }, {}] },
      });
    } finally {
      await receiver.stop();
    }
  });
});
