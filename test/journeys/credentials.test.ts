import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type OtherServer, type Received, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';
import { storeAddressOf } from '../support/store-under-test.ts';

const TOKEN = 'tok-9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const PASSWORD = 'correct horse/battery+staple';
/** What must be nowhere: the secrets, and what begins or ends them in other forms. */
const SECRETS = [
  ...[TOKEN, PASSWORD, encodeURIComponent(PASSWORD), JSON.stringify(PASSWORD).slice(1, -1)],
  ...[TOKEN, PASSWORD, `ada:${PASSWORD}`].map((secret) => Buffer.from(secret).toString('base64').replace(/=+$/, '')),
];

let folder: string;
let server: TestServer;
let other: OtherServer;

/** Repeats what it was sent: as JSON, in base64, as a file, as an error; and is a provider of models that does so too. */
function repeat({ path, headers, body }: Received, response: ServerResponse): unknown {
  const said = JSON.stringify({ path, headers, body });
  const key = headers['authorization'] ?? headers['x-token'] ?? '';
  if (path.startsWith('/fail')) return sendJson(response, { error: `The key ${key} is not valid.` }, 400);
  if (path.startsWith('/base64')) return response.end(Buffer.from(`x${said}`).toString('base64'));
  if (path.startsWith('/file')) {
    return response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(`\u0000${key}`);
  }
  if (path.startsWith('/away')) {
    const location = other.url.replace('127.0.0.1', 'localhost');
    return response.writeHead(307, { location: `${location}/there` }).end();
  }
  if (path === '/v1/models') {
    if (!key.endsWith(TOKEN)) return sendJson(response, { error: { message: `Incorrect key: ${key}` } }, 401);
    return sendJson(response, { data: [{ id: 'small' }, { id: 'large' }] });
  }
  if (path === '/v1/chat/completions') {
    const choices = [{ index: 0, message: { role: 'assistant', content: `You sent ${key}` }, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 1_000_000, completion_tokens: 500_000, total_tokens: 1_500_000 };
    return sendJson(response, { id: 'x', object: 'chat.completion', created: 1, model: 'small', choices, usage });
  }
  return response.writeHead(200, { 'content-type': 'application/json', 'x-echo': key }).end(said);
}

const open = async (settings: Readonly<Record<string, string>> = {}): Promise<void> => {
  server = await startPlatform({ folder, settings: { 'http-allow': '127.0.0.1,localhost', ...settings } });
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-credentials-'));
  other = await startOtherServer(repeat);
  await open();
});
afterEach(async () => {
  await server.stop();
  await other.stop();
  rmSync(folder, { recursive: true });
});

const LIST = '/v1/credentials';
const make = (body: object): Promise<Wire> => server.client.post(LIST, body);
const makeBearer = (set: object = {}) => make({ name: 'shop', kind: 'http_bearer', fields: { token: TOKEN }, ...set });
/** The header that each kind sends. */
const KINDS = [
  ['http_bearer', { token: ` ${TOKEN}\n` }, ['authorization', `Bearer ${TOKEN}`]],
  [
    ...['http_basic', { username: 'ada', password: PASSWORD }],
    ['authorization', `Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`],
  ],
  ['http_header', { header: 'X-Token', value: TOKEN }, ['x-token', TOKEN]],
] as unknown as [string, object, [string, string]][];

/** Input "Id" → a request with the credential → output "Said". */
const calls = (path: string, config: object = { credential: 'shop' }, more: object = {}) => ({
  nodes: [input('in', 'Id'), { ...http('call', other.url + path, config), ...more }, output('out', 'Said')],
  edges: [edge('in::output', 'call::variables::Id'), edge('call::body', 'out::input')],
});
const run = async (definition: object, given = '17'): Promise<Wire> => {
  const workflow = await server.client.save(definition);
  return server.client.run(workflow.id, { input: { Id: given } });
};
const failureOf = async (definition: object): Promise<string> => {
  const { status, error } = await run(definition);
  expect(status).toBe('failed');
  return error;
};

/** The texts of all files of the data folder. */
function everything(at = folder): string {
  return readdirSync(at)
    .map((name) => join(at, name))
    .map((path) => (statSync(path).isDirectory() ? everything(path) : readFileSync(path, 'latin1')))
    .join('\n');
}

/** Everything that can be asked about a run. */
async function allOf(runId: string): Promise<string> {
  const paths = [
    `/v1/runs/${runId}`,
    `/v1/runs/${runId}/data`,
    `/v1/runs/${runId}/io/call`,
    `/v1/runs/${runId}/callback`,
  ];
  const answers = await Promise.all(paths.map((path) => server.client.send('GET', path)));
  const bearer = { authorization: `Bearer ${server.client.key}` };
  const more = ['', '/node-runs', '/logs'].map((path) =>
    server.client.send('GET', `/runflow/v1/runs/${runId}${path}`, undefined, bearer),
  );
  return [...answers, ...(await Promise.all(more))].map(({ text: body }) => body).join('\n');
}

describe('a credential', () => {
  it('is shown by its name, its kind, the fields that are set and the last characters of long secrets, and no more', async () => {
    const made = await makeBearer({ hosts: ['API.example.com', 'api.example.com'] });
    const shown = {
      id: made.id,
      group_id: (await server.client.get('/v1/admin/me')).group_id,
      name: 'shop',
      kind: 'http_bearer',
      fields: { token: { secret: true, last_characters: TOKEN.slice(-4) } },
      models: [],
      hosts: ['api.example.com'],
      created_at: expect.any(String),
      updated_at: made.created_at,
      last_used_at: null,
    };
    expect(made).toEqual(shown);
    const short = await make({
      name: 'a',
      kind: 'http_basic',
      fields: { username: 'ada', password: 'short-password' },
    });
    expect(short.fields).toEqual({
      username: { secret: false, value: 'ada' },
      password: { secret: true, last_characters: null },
    });
    expect(await server.client.get(LIST)).toEqual({ items: [short, shown] });
    expect(await server.client.get(`${LIST}/${made.id}`)).toEqual(shown);
    const runflow = await server.client.send('GET', `/runflow/v1/credentials/${made.id}`, undefined, {
      authorization: `Bearer ${server.client.key}`,
    });
    const { group_id, ...same } = shown;
    expect(runflow.body).toEqual({ ...same, org_id: group_id });
  });

  it('is in no file of the data folder in clear, and the key is in a file of its own', async () => {
    await makeBearer();
    await make({ name: 'basic', kind: 'http_basic', fields: { username: 'ada', password: PASSWORD } });
    const files = everything();
    for (const secret of SECRETS) expect(files).not.toContain(secret);
    expect(readFileSync(join(folder, 'encryption.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('changes by what is given, and keeps the rest', async () => {
    const made = await makeBearer();
    const changed = await server.client.ok('PATCH', `${LIST}/${made.id}`, { name: 'store', hosts: ['127.0.0.1'] });
    expect(changed).toEqual({ ...made, name: 'store', hosts: ['127.0.0.1'], updated_at: expect.any(String) });
    const rotated = await server.client.ok('PATCH', `${LIST}/${made.id}`, { fields: { token: `${TOKEN}-next` } });
    expect(rotated.fields.token.last_characters).toBe('next');
    const said = await run(calls('/', { credential: 'store' }));
    expect([said.status, other.received.at(-1)?.headers['authorization']]).toEqual([
      ...['completed', `Bearer ${TOKEN}-next`],
    ]);
    expect(await server.client.ok('DELETE', `${LIST}/${made.id}`)).toEqual({ success: true });
    expect(await failureOf(calls('/', { credential: 'store' }))).toContain('There is no credential "store"');
  });

  it('is not sent to another place without its secrets being given again', async () => {
    const bearer = await makeBearer({ hosts: ['a.example.com', 'b.example.com'] });
    const fields = { api_key: TOKEN, base_url: `${other.url}/v1` };
    const provider = await make({ name: 'models', kind: 'openai-compatible', fields });
    const refused = async (id: string, change: object) => {
      const answer = await server.client.send('PATCH', `${LIST}/${id}`, change);
      return [answer.status, answer.body.detail?.[0]?.loc?.at(-1)];
    };
    expect(await refused(bearer.id, { hosts: ['c.example.com'] })).toEqual([422, 'token']);
    expect(await refused(bearer.id, { hosts: [] })).toEqual([422, 'token']);
    expect(await refused(bearer.id, { hosts: ['a.example.com'] })).toEqual([200, undefined]);
    expect(await refused(bearer.id, { hosts: [], fields: { token: TOKEN } })).toEqual([200, undefined]);
    expect(await refused(provider.id, { fields: { base_url: `${other.url}/v2` } })).toEqual([422, 'api_key']);
    expect(await refused(provider.id, { fields: { base_url: `${other.url}/v2`, api_key: TOKEN } })).toEqual([
      ...[200, undefined],
    ]);
  });
});

describe('a request with a credential', () => {
  it.each(KINDS)(
    'of the kind %s sends it, and nothing that can be asked or is stored has it',
    async (kind, fields, sent) => {
      await make({ name: 'shop', kind, fields });
      const [name, value] = sent;
      for (const path of ['/', '/base64', '/file']) {
        const said = await run(calls(`${path}((Id))`));
        expect([said.status, other.received.at(-1)?.headers[name]]).toEqual(['completed', value]);
        const all = await allOf(said.id);
        for (const secret of SECRETS) expect(all).not.toContain(secret);
        if (path === '/') expect(all).toContain('[secret shop]');
      }
      const message = await failureOf(calls('/fail'));
      expect(message).toContain('[secret shop]');
      await server.stop();
      const files = everything();
      for (const secret of SECRETS) expect(files).not.toContain(secret);
      await open();
      expect((await server.client.get(LIST)).items[0].last_used_at).toEqual(expect.any(String));
    },
  );

  it('is given one by the node’s credential_ids too, by id', async () => {
    const { id } = await makeBearer();
    const given = { credential_ids: { credential: id } };
    const v2 = { flow_version: 'v2', nodes: [{ ...http('call', `${other.url}/v2`), ...given }], edges: [] };
    const saved = await server.client.save(v2);
    const runs = [await run(calls('/', {}, given)), await server.client.run(saved.id, { input: {} })];
    expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
    const sent = [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`];
    expect(other.received.map(({ headers }) => headers['authorization'])).toEqual(sent);
  });

  it('sends it to the hosts that it is for only, and along no redirect to another', async () => {
    await makeBearer({ hosts: ['api.example.com', '*.example.org'] });
    expect(await failureOf(calls('/'))).toContain('may be sent to api.example.com, *.example.org only');
    expect(other.received).toEqual([]);
    await make({ name: 'header', kind: 'http_header', fields: { header: 'X-Token', value: TOKEN } });
    const said = await run(calls('/away', { credential: 'header' }));
    expect(said.status).toBe('completed');
    expect(other.received.map(({ path, headers }) => [path, headers['x-token']])).toEqual([
      ['/away', TOKEN],
      ['/there', undefined],
    ]);
  });

  it('fails with what to do when it cannot be used so', async () => {
    await make({ name: 'shop', kind: 'generic', fields: { token: TOKEN } });
    expect(await failureOf(calls('/'))).toContain('of the kind generic; HTTP requests take http_bearer');
    await makeBearer({ name: 'twice' });
    const both = { credential: 'twice', headers: { Authorization: 'x' } };
    expect(await failureOf(calls('/', both))).toContain('set by the credential "twice"');
    expect(await failureOf(calls('/', { credential: 'nobody' }))).toContain('There is no credential "nobody"');
  });
});

describe('a secret that somebody gives a run', () => {
  it('is taken out of its input, its metadata and what persons answer', async () => {
    await makeBearer();
    const ask = {
      id: 'call',
      type: 'HumanInTheLoopNode',
      node_config: { title: 'Well?', fields: [{ name: 'note', type: 'text' }] },
    };
    const definition = {
      nodes: [input('in', 'Id'), ask, output('out', 'Said')],
      edges: [edge('in::output', 'call::variables::Id'), edge('call::note', 'out::input')],
    };
    const workflow = await server.client.save(definition);
    const given = { input: { Id: `It is ${TOKEN}` }, meta: { token: TOKEN }, metadata: { token: TOKEN } };
    const { id } = await server.client.run(workflow.id, given, ['awaiting_human_feedback']);
    const [request] = (await server.client.get(`/v1/human-requests?run_id=${id}`)).items;
    const answered = await server.client.post(`/v1/human-requests/${request.id}/answer`, { answer: { note: TOKEN } });
    expect(answered.answer).toEqual({ note: '[secret shop]' });
    const said = await server.client.until(workflow.id, id, ['completed']);
    expect([said.input, said.output]).toEqual([{ Id: 'It is [secret shop]' }, { Said: '[secret shop]' }]);
    await server.stop();
    expect(everything()).not.toContain(TOKEN);
    await open();
  });

  it('is taken out of the input that a run is repeated with', async () => {
    await makeBearer();
    const definition = { nodes: [input('in', 'Id'), output('out', 'Said')], edges: [edge('in::output', 'out::input')] };
    const workflow = await server.client.save(definition);
    const first = await server.client.run(workflow.id, { input: { Id: 'x' } });
    const again = await server.client.post(`/v1/runs/${first.id}/replay`, {
      input_overrides: { Id: `It is ${TOKEN}` },
    });
    const said = await server.client.until(workflow.id, again.id, ['completed']);
    expect([said.input, said.output]).toEqual([{ Id: 'It is [secret shop]' }, { Said: 'It is [secret shop]' }]);
    await server.stop();
    expect(everything()).not.toContain(TOKEN);
    await open();
  });
});

describe('a provider of a workspace', () => {
  const generate = (model: readonly string[]) => ({
    nodes: [
      input('in', 'Id'),
      { id: 'call', type: 'TextGenerationNode', node_config: { model, template: 'Say ((Id))', max_retries: 0 } },
      output('out', 'Said'),
    ],
    edges: [edge('in::output', 'call::variables::Id'), edge('call::text_output', 'out::input')],
  });
  const provider = (set: object = {}) =>
    make({
      ...{ name: 'mine', kind: 'openai-compatible', models: ['small'] },
      fields: { base_url: `${other.url}/v1/`, api_key: TOKEN },
      ...set,
    });

  it('serves its models at its address with its key, at the prices of the workspace, and what it repeats has no key', async () => {
    await provider();
    await server.client.ok('PUT', '/v1/model-settings', { prices: { small: { input: '0.15', output: '0.6' } } });
    const said = await run(generate(['small']));
    expect([said.status, said.output]).toEqual(['completed', { Said: 'You sent Bearer [secret mine]' }]);
    expect(other.received.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
    const bearer = { authorization: `Bearer ${server.client.key}` };
    const { body } = await server.client.send('GET', `/runflow/v1/runs/${said.id}`, undefined, bearer);
    expect(body.cost).toBe('0.45');
    expect((await server.client.get(LIST)).items[0].last_used_at).toEqual(expect.any(String));
  });

  it('stands beside the one that the operator configured, which serves what no other lists', async () => {
    await server.stop();
    await open({ 'openai-base-url': `${other.url}/configured`, models: 'big' });
    await provider();
    await run(generate(['small']));
    await run(generate(['another']));
    await run(generate([]));
    expect(other.received.map(({ path }) => path)).toEqual([
      ...['/v1/chat/completions', '/configured/chat/completions', '/configured/chat/completions'],
    ]);
    expect((await server.client.get('/v1/models/llms')).map(({ name }: Wire) => name)).toEqual(['big', 'small']);
  });

  it('is asked for its models by a test, which repeats no key', async () => {
    const { id } = await provider();
    const test = () => server.client.post(`${LIST}/${id}/test`);
    expect(await test()).toEqual({
      ...{ ok: true, status: 200, message: 'The provider took the credential.', models: ['small', 'large'] },
    });
    const wrong = 'a key that is wrong, and long enough';
    await server.client.ok('PATCH', `${LIST}/${id}`, { fields: { api_key: wrong } });
    expect(await test()).toEqual({
      ...{ ok: false, status: 401, models: [] },
      message: 'The provider answered 401: Incorrect key: Bearer [secret mine]',
    });
    const bearer = await makeBearer();
    expect((await server.client.send('POST', `${LIST}/${bearer.id}/test`)).status).toBe(422);
  });

  it('has an address that may be called: a private one takes the operator’s leave', async () => {
    const refused = await server.client.send('POST', LIST, {
      ...{ name: 'x', kind: 'openai-compatible', fields: { base_url: 'http://10.0.0.1/v1' } },
    });
    expect([refused.status, refused.body.detail[0].loc]).toEqual([422, ['body', 'fields', 'base_url']]);
    expect(refused.body.detail[0].msg).toContain('is not a public address');
    await provider();
    await server.stop();
    await open({ 'http-allow': 'example.com' });
    expect(await failureOf(generate(['small']))).toContain('is not a public address');
  });
});

describe('the settings of models', () => {
  it('are those of the operator until the workspace has its own, which stand over them', async () => {
    await server.stop();
    const configured = { a: { input: '1', output: '2', cached_input: '0.5' }, b: { input: '3', output: '4' } };
    await open({ 'model-prices': JSON.stringify(configured), models: 'a' });
    const nothing = { prices: {}, presets: {}, default_models: [], updated_at: null };
    const priced = { a: configured.a, b: { ...configured.b, cached_input: null } };
    const effective = { prices: priced, presets: {}, default_models: ['a'], providers: [] };
    expect(await server.client.get('/v1/model-settings')).toEqual({ ...nothing, effective });
    const own = { prices: { b: { input: '5', output: '6' } }, presets: { cost: ['b', 'a'] }, default_models: ['b'] };
    const put = await server.client.ok('PUT', '/v1/model-settings', own);
    expect(put).toMatchObject({
      ...own,
      effective: { prices: { a: configured.a, b: own.prices.b }, presets: own.presets, default_models: ['b'] },
    });
    expect(await server.client.get('/v1/models/llms/presets')).toEqual([{ name: 'cost', models: ['b', 'a'] }]);
    await server.stop();
    await open();
    expect((await server.client.get('/v1/model-settings')).presets).toEqual(own.presets);
    expect(await server.client.ok('PUT', '/v1/model-settings', {})).toMatchObject({ presets: {}, prices: {} });
  });

  it('are refused with everything that is wrong', async () => {
    const { status, body } = await server.client.send('PUT', '/v1/model-settings', {
      prices: { m: { input: 'much', output: '-1' }, ' n': { input: '1', output: '1' } },
      presets: { 'a b': ['m'], empty: [], nested: ['preset:cost'] },
      default_models: [''],
    });
    expect([status, body.detail.map(({ loc }: Wire) => loc.slice(1).join('.'))]).toEqual([
      422,
      [
        'prices.m.input',
        'prices.m.output',
        'prices. n',
        'presets.a b',
        'presets.empty',
        'presets.nested.0',
        'default_models.0',
      ],
    ]);
  });
});

describe('the key that credentials are sealed with', () => {
  it('may be changed: the one before is needed until all are sealed anew', async () => {
    await makeBearer();
    const former = readFileSync(join(folder, 'encryption.key'), 'utf8').trim();
    const next = Buffer.alloc(32, 7).toString('base64');
    await server.stop();
    rmSync(join(folder, 'encryption.key'));
    await open({ 'encryption-key': next, 'former-encryption-keys': former });
    expect((await run(calls('/'))).status).toBe('completed');
    const report = { resealed: ['shop'], unchanged: [], failed: {} };
    expect(await server.client.post(`${LIST}/reseal`)).toEqual(report);
    expect(await server.client.post(`${LIST}/reseal`)).toEqual({ ...report, resealed: [], unchanged: ['shop'] });
    await server.stop();
    await open({ 'encryption-key': next });
    expect((await run(calls('/'))).status).toBe('completed');
  });

  it('may be lost: the server starts, what needs it says what to do, and secrets that are set again work', async () => {
    const { id } = await makeBearer();
    await server.stop();
    rmSync(join(folder, 'encryption.key'));
    if (storeAddressOf(folder) !== null) {
      // Where servers share a store, one that lacks the key would seal what the others cannot open.
      await expect(open()).rejects.toThrow('Where the key is lost');
      return;
    }
    await open();
    expect((await server.client.get(LIST)).items).toHaveLength(1);
    expect(await failureOf(calls('/'))).toMatch(
      /The credential "shop" cannot be opened.*which this server lacks.*Restore/,
    );
    expect(other.received).toEqual([]);
    const refused = await server.client.send('POST', LIST, { name: 'x', kind: 'generic', fields: { a: 'b' } });
    expect([refused.status, refused.body.detail]).toEqual([503, expect.stringContaining('MILLRUN_ENCRYPTION_KEY')]);
    await server.stop();
    await open({ 'encryption-key': Buffer.alloc(32, 7).toString('hex') });
    expect((await server.client.post(`${LIST}/reseal`)).failed).toEqual({ shop: expect.stringContaining('lacks') });
    await server.client.ok('PATCH', `${LIST}/${id}`, { fields: { token: TOKEN } });
    expect((await run(calls('/'))).status).toBe('completed');
  });
});
