import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../src/domain/caller.ts';
import { keyRecord } from '../../src/operations/access.ts';
import type { Store } from '../../src/store/store.ts';
import { realSystem } from '../../src/system/system.ts';
import { Client, type Wire } from '../support/client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

const OTHER_KEY = 'other_workspace_key_01';
const POWERLESS_KEY = 'powerless_key_0123456';

/** What a route answers to a key of another workspace: that there is no such thing, or none. */
type Hidden = 'missing' | 'empty';

interface Route {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  /** The right it takes; null: any key will do. */
  readonly scope: Scope | null;
  /** Null: it shows nothing that belongs to a workspace. */
  readonly hidden: Hidden | null;
}

const route = (method: string, path: string, scope: Scope | null, hidden: Hidden | null, body?: object): Route => ({
  ...{ method, path, scope, hidden },
  ...(body ? { body } : {}),
});

const W = '/v1/workflows/{workflow_id}';
const RUN_BODY = { input: { Name: 'Ada' } };
const WORKFLOW_BODY = { name: 'x', definition: { nodes: [], edges: [] } };

/** Every route. A test below compares it with the OpenAPI document. */
const ROUTES: readonly Route[] = [
  route('GET', '/v1/nodes', null, null),
  route('GET', '/v1/admin/me', null, null),
  route('GET', '/v1/admin/callback-secret', 'admin', null),
  route('GET', '/v1/admin/search', 'admin', null),
  route('POST', '/v1/admin/search/rebuild', 'admin', null),
  route('GET', '/v1/models/llms', null, null),
  route('GET', '/v1/models/llms/presets', null, null),
  route('GET', '/v1/workflows', 'workflows:read', 'empty'),
  route('POST', '/v1/workflows', 'workflows:write', null, WORKFLOW_BODY),
  route('GET', W, 'workflows:read', 'missing'),
  route('PATCH', W, 'workflows:write', 'missing', { name: 'x' }),
  route('GET', `${W}/versions`, 'workflows:read', 'missing'),
  route('POST', `${W}/versions`, 'workflows:write', 'missing', { name: 'x' }),
  route('PATCH', `${W}/versions/{version_id}`, 'workflows:write', 'missing', { name: 'x' }),
  route('POST', `${W}/export`, 'workflows:read', 'missing'),
  route('GET', `${W}/export/preview`, 'workflows:read', 'missing'),
  route('POST', '/v1/workflows/import', 'workflows:write', null, { definition: WORKFLOW_BODY }),
  route('GET', `${W}/logs`, 'runs:read', 'missing'),
  route('GET', `${W}/logs/columns`, 'workflows:read', 'missing'),
  route('POST', `${W}/runs`, 'runs:create', 'missing', RUN_BODY),
  route('POST', `${W}/runs/sync`, 'runs:create', 'missing', RUN_BODY),
  route('GET', `${W}/runs`, 'runs:read', 'missing'),
  route('GET', `${W}/runs/{run_id}`, 'runs:read', 'missing'),
  route('GET', `${W}/run/{run_id}`, 'runs:read', 'missing'),
  route('GET', '/v1/runs', 'runs:read', 'empty'),
  route('POST', '/v1/runs/search', 'runs:read', 'empty', { query: 'Ada' }),
  route('GET', '/v1/runs/{run_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/events', 'runs:read', 'missing'),
  route('POST', '/v1/runs/{run_id}/stop', 'runs:stop', 'missing'),
  route('GET', '/v1/runs/{run_id}/data', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/io/{node_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/callback', 'runs:read', 'missing'),
  route('POST', '/v1/file', 'files:write', null),
  route('GET', '/v1/file/{file_id}', 'files:read', 'missing'),
  route('POST', '/v1/runs/bulk/delete', 'runs:delete', null, { run_ids: [] }),
  route('DELETE', '/v1/runs/{run_id}', 'runs:delete', 'missing'),
  route('DELETE', W, 'workflows:write', 'missing'),
];

const byName = ROUTES.map((item) => [`${item.method} ${item.path}`, item] as const);

let server: TestServer;
let ids: Readonly<Record<string, string>>;
beforeAll(async () => {
  server = await startPlatform({ prepare: addKeys });
  const file = await upload(server.client);
  const workflow = await server.client.save(GREETING);
  const version = await server.client.post(`/v1/workflows/${workflow.id}/versions`, { name: 'one' });
  const run = await server.client.run(workflow.id, RUN_BODY);
  ids = { workflow_id: workflow.id, version_id: version.id, run_id: run.id, file_id: file.body.id, node_id: 'say' };
});
afterAll(() => server.stop());

describe.each(['', '/noxus'])('under the prefix "%s"', (prefix) => {
  const send = (key: string | null, { method, path, body }: Route) => {
    const client = new Client(server.url, key);
    if (path === '/v1/file') return upload(client, prefix);
    return client.send(method, prefix + path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name]!), body);
  };

  it.each(byName)('%s takes a key, the right one', async (_, item) => {
    const none = await send(null, item);
    expect(none.status).toBe(401);
    expect(none.body.detail).toContain('X-API-Key');
    expect(none.headers.get('www-authenticate')).toBe('ApiKey');
    const wrong = await send('wrong_key_01234567890', item);
    expect([wrong.status, typeof wrong.body.detail]).toEqual([401, 'string']);
  });

  it.each(byName)('%s takes its scope', async (_, item) => {
    const answer = await send(POWERLESS_KEY, item);
    if (item.scope === null) return expect(answer.status).toBe(200);
    expect(answer.status).toBe(403);
    expect(answer.body.detail).toContain(item.scope);
  });

  it.each(byName.filter(([, { hidden }]) => hidden))('%s shows nothing of another workspace', async (_, item) => {
    const answer = await send(OTHER_KEY, item);
    if (item.hidden === 'empty') expect(answer.body).toMatchObject({ items: [], total: 0 });
    else expect([answer.status, typeof answer.body.detail]).toEqual([404, 'string']);
  });
});

it('the table above has every route that the OpenAPI document has', async () => {
  const { paths } = await server.client.get('/noxus/openapi.json');
  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(byName.map(([name]) => name).toSorted()).toEqual(described.toSorted());
});

it('another workspace can neither delete runs by id or time, nor use a file, nor name a workspace', async () => {
  const other = new Client(server.url, OTHER_KEY);
  const byId = await other.post('/v1/runs/bulk/delete', { run_ids: [ids['run_id']] });
  expect(byId).toMatchObject({ succeeded: 0, failed: 1, matched: 0 });
  const byTime = await other.post('/v1/runs/bulk/delete', { filters: { to_date: '2099-01-01T00:00:00Z' } });
  expect(byTime).toMatchObject({ succeeded: 0, matched: 0 });
  const definition = {
    nodes: [{ id: 'f', type: 'FileInputNode', node_config: { label: 'File' } }],
    edges: [],
  };
  const workflow = await other.save(definition, { name: 'Reader' });
  const run = await other.run(workflow.id, { input: { File: { uri: `spot://${ids['file_id']}` } } });
  expect(run).toMatchObject({ status: 'failed', error: expect.stringContaining('no file') });
  const { group_id: mine } = await server.client.get('/v1/admin/me');
  const body = { input: {}, group_id: mine };
  expect((await other.send('POST', `/v1/workflows/${workflow.id}/runs`, body)).status).toBe(404);
  expect((await server.client.get(`/v1/runs/${ids['run_id']}`)).status).toBe('completed');
});

it('a path that does not exist is said to, as it was written', async () => {
  for (const path of ['/v1/nope', '/noxus/v1/nope', '/nope']) {
    const answer = await server.client.send('GET', `${path}?secret=1`);
    expect(answer.status).toBe(404);
    expect(answer.body.detail).toContain(`GET ${path}.`);
  }
});

function upload(client: Client, prefix = ''): Promise<Wire> {
  const form = new FormData();
  form.append('file', new File(['Notes'], 'notes.txt', { type: 'text/plain' }));
  return client.send('POST', `${prefix}/v1/file`, form);
}

/** Two workspaces; the first is the platform's own. A third key is of the first workspace and may do nothing. */
async function addKeys(store: Store): Promise<void> {
  const createdAt = realSystem.now();
  const [first, second] = [realSystem.newId(), realSystem.newId()];
  const record = (key: string, workspaceId: string, scopes: readonly Scope[]) =>
    keyRecord(key, { id: realSystem.newId(), workspaceId, name: key, scopes, createdAt });
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: first, name: 'first', createdAt } },
    { kind: 'createWorkspace', workspace: { id: second, name: 'second', createdAt: createdAt + 1 } },
    { kind: 'putApiKey', key: record(KEY, first, SCOPES) },
    { kind: 'putApiKey', key: record(POWERLESS_KEY, first, []) },
    { kind: 'putApiKey', key: record(OTHER_KEY, second, SCOPES) },
  ]);
}
