import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../src/domain/caller.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import type { Store } from '../../src/store/store.ts';
import { realSystem } from '../../src/system/system.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { makeThings } from './access-table.ts';

const OTHER_KEY = 'other_workspace_key_01';
const keyWithout = (scope: Scope) => `but_${scope.replaceAll(/\W/g, '_')}_0123`;

/** What a route answers to a key of another workspace: that there is no such thing, or none, or things of its own alone. */
type Hidden = 'missing' | 'empty' | 'own';

interface Route {
  readonly method: string;
  readonly path: string;
  /** The rights it takes, all of them. */
  readonly scopes: readonly Scope[];
  /** Null: it shows nothing that belongs to a workspace. */
  readonly hidden: Hidden | null;
  readonly body?: () => unknown;
}

const route = (
  method: string,
  path: string,
  scopes: Scope | readonly Scope[] | null,
  hidden: Hidden | null,
  body?: () => unknown,
): Route => ({ ...{ method, path, scopes: [scopes ?? []].flat(), hidden }, ...(body ? { body } : {}) });

const RUN = '/runs/{run_id}';
const WORKFLOW = '/workflows/{workflow_id}';
const view = () => ({ name: 'Failures', q: 'status:failed' });
const emptyDocument = () => ({ nodes: [], edges: [] });
const greeting = () => ({
  nodes: [{ id: 'in', type: 'InputNode', node_config: { label: 'Name' } }],
  edges: [],
});
let credentialsMade = 0;
const newCredential = () => {
  credentialsMade += 1;
  return { name: `of the page ${credentialsMade}`, kind: 'generic', fields: { token: 'x' } };
};
const CHANGES = ['workflows:write', 'workflows:read'] as const;
const TRIGGERS_CHANGE = ['triggers:write', 'runs:create'] as const;
const yearly = () => ({ definition: { type: 'schedule', cron: '0 0 1 1 *' } });

/** Every route that takes a session, in an order in which each can be called. */
const ROUTES: readonly Route[] = [
  route('GET', '/debug-sessions/{session_id}', 'runs:read', 'missing'),
  route('PUT', '/debug-sessions/{session_id}', ['runs:create', 'runs:read'], null, () => ({})),
  route('POST', '/debug-sessions/{session_id}/edit', ['runs:create', 'runs:read'], 'missing', () => ({
    node_id: 'in',
    values: {},
  })),
  route('POST', '/debug-sessions/{session_id}/step', ['runs:create', 'runs:read'], 'missing'),
  route('POST', '/debug-sessions/{session_id}/continue', ['runs:create', 'runs:read'], 'missing'),
  route('GET', '/runs', 'runs:read', 'empty'),
  route('GET', '/runs/count', 'runs:read', 'own'),
  route('POST', '/runs/search', 'runs:read', 'empty', () => ({ query: 'Ada', mode: 'exact' })),
  route('GET', '/runs/facets', 'runs:read', 'own'),
  route('GET', '/runs/histogram', 'runs:read', 'own'),
  route('GET', '/runs/export?format=jsonl', 'runs:read', 'own'),
  route('GET', '/filter/values?field=workflow_id', 'runs:read', 'own'),
  route('GET', '/filter/check', 'runs:read', null),
  route('GET', RUN, 'runs:read', 'missing'),
  route('GET', `${RUN}/node?node={node_id}`, 'runs:read', 'missing'),
  route('GET', `${RUN}/iterations?node={node_id}`, 'runs:read', 'missing'),
  route('GET', `${RUN}/payload?part=input`, 'runs:read', 'missing'),
  route('GET', '/runs/{canceled_run_id}/logs', 'runs:read', 'missing'),
  route('GET', `${RUN}/retries`, 'runs:read', 'missing'),
  route('GET', `${RUN}/children?node={node_id}`, 'runs:read', 'missing'),
  route('GET', `${RUN}/diff?with={canceled_run_id}`, 'runs:read', 'missing'),
  route('GET', `${RUN}/evaluations`, ['runs:read', 'evaluations:read'], 'missing'),
  route('POST', '/runs', 'runs:create', 'missing', () => ({ workflowId: '{workflow_id}', input: { Name: 'Ada' } })),
  route('POST', `${RUN}/stop`, 'runs:stop', 'missing', () => ({})),
  route('POST', `${RUN}/retry`, 'runs:create', 'missing', () => ({})),
  route('POST', `${RUN}/evaluate`, 'evaluations:create', 'missing', () => ({})),
  route('PATCH', `${RUN}/feedback`, 'runs:create', 'missing', () => ({ isPositive: true })),
  route('POST', `${RUN}/redeliver`, 'runs:execute', 'missing'),
  route('POST', '/bulk/preview', ['runs:read', 'runs:stop'], 'own', () => ({ action: 'stop', runs: { q: '' } })),
  route('POST', '/bulk', ['runs:read', 'runs:stop'], null, () => ({ action: 'stop', runs: { q: 'status:queued' } })),
  route('GET', '/bulk', null, 'own'),
  route('GET', '/bulk/{job_id}', null, 'missing'),
  route('POST', '/bulk/{job_id}/cancel', null, 'missing'),
  route('GET', '/views', 'runs:read', 'empty'),
  route('POST', '/views', 'runs:read', null, view),
  route('PUT', '/views/{view_id}', 'runs:read', 'missing', view),
  route('GET', '/workflows', 'workflows:read', 'empty'),
  route('POST', '/workflows', 'workflows:write', null, () => ({ name: 'x', document: emptyDocument() })),
  route('POST', '/workflows/validate', 'workflows:read', null, () => ({ document: emptyDocument() })),
  route('GET', WORKFLOW, 'workflows:read', 'missing'),
  route('PATCH', WORKFLOW, CHANGES, 'missing', () => ({ name: 'y' })),
  route('POST', `${WORKFLOW}/try`, [...CHANGES, 'runs:create'], 'missing', () => ({
    document: greeting(),
    input: { Name: 'Ada' },
  })),
  route('GET', `${WORKFLOW}/versions`, 'workflows:read', 'missing'),
  route('POST', `${WORKFLOW}/versions`, CHANGES, 'missing', () => ({ name: 'two' })),
  route('GET', `${WORKFLOW}/versions/{version_id}`, 'workflows:read', 'missing'),
  route('PATCH', `${WORKFLOW}/versions/{version_id}`, CHANGES, 'missing', () => ({ name: 'three' })),
  route('GET', '/models', 'models:read', 'empty'),
  route('GET', '/models/{model_id}', 'models:read', 'missing'),
  route('GET', '/comfyui-workflows', 'comfyui-workflows:read', 'empty'),
  route('GET', '/comfyui-workflows/{comfyui_workflow_id}', 'comfyui-workflows:read', 'missing'),
  route('GET', '/catalogue', null, null),
  route('GET', '/requests', 'people:read', 'empty'),
  route('GET', '/requests/{request_id}', 'people:read', 'missing'),
  route('POST', '/requests/{request_id}/answer', 'people:answer', 'missing', () => ({ answer: {} })),
  route('POST', '/requests/{other_request_id}/cancel', 'people:answer', 'missing', () => ({})),
  route('POST', '/files', 'files:write', null, () => {
    const form = new FormData();
    form.append('file', new File(['Notes'], 'notes.txt', { type: 'text/plain' }));
    return form;
  }),
  route('GET', '/files/{file_id}', 'files:read', 'missing'),
  route('GET', '/evaluations', 'evaluations:read', 'empty'),
  route('GET', '/evaluations/trends', 'evaluations:read', 'own'),
  route('GET', '/evaluations/{evaluation_id}', 'evaluations:read', 'missing'),
  route('PATCH', '/evaluations/{evaluation_id}/feedback', 'evaluations:edit', 'missing', () => ({ isPositive: true })),
  route('PUT', '/settings/evaluation', 'evaluations:edit', null, () => ({ judges: [], threshold: 0.5 })),
  route('GET', '/credentials', 'credentials:read', 'empty'),
  route('POST', '/credentials', 'credentials:write', null, newCredential),
  route('PATCH', '/credentials/{credential_id}', 'credentials:write', 'missing', () => ({ models: [] })),
  route('POST', '/credentials/{credential_id}/test', 'credentials:write', 'missing'),
  route('DELETE', '/credentials/{doomed_credential_id}', 'credentials:write', 'missing'),
  route('GET', '/settings/models', 'models:read', 'own'),
  route('PUT', '/settings/models', 'models:write', null, () => ({ prices: {}, presets: {}, defaultModels: [] })),
  route('GET', '/keys', 'admin', 'own'),
  route('POST', '/keys', 'admin', null, () => ({ name: 'x', scopes: ['admin'] })),
  route('POST', '/keys/{key_id}/rotate', 'admin', 'missing', () => ({})),
  route('GET', '/callback-secrets', 'admin', 'empty'),
  route('POST', '/callback-secrets', 'admin', null, () => ({ label: 'x' })),
  route('DELETE', '/callback-secrets/{secret_id}', 'admin', 'missing'),
  route('GET', '/settings', null, 'own'),
  route('PUT', '/settings/retention', 'runs:delete', null, () => ({ own: { days: 90 } })),
  route('GET', '/settings/retention', 'runs:read', 'own'),
  route('GET', '/settings/retention/preview?days=1', 'runs:read', 'own'),
  route('GET', '/system', 'admin', 'own'),
  route('POST', '/system/search/rebuild', 'admin', null),
  route('GET', '/triggers', 'triggers:read', 'empty'),
  route('POST', '/triggers', TRIGGERS_CHANGE, 'missing', () => ({ workflowId: '{workflow_id}', ...yearly() })),
  route('POST', '/triggers/preview', 'triggers:write', null, yearly),
  route('GET', '/triggers/{trigger_id}', 'triggers:read', 'missing'),
  route('PATCH', '/triggers/{trigger_id}', TRIGGERS_CHANGE, 'missing', () => ({ name: 'x' })),
  route('POST', '/triggers/{trigger_id}/fire', TRIGGERS_CHANGE, 'missing', () => ({})),
  route('POST', '/triggers/{trigger_id}/secret', TRIGGERS_CHANGE, 'missing', () => ({})),
  route('GET', '/triggers/{trigger_id}/events', 'triggers:read', 'missing'),
  route('DELETE', '/triggers/{doomed_trigger_id}', 'triggers:write', 'missing'),
  route('DELETE', '/views/{view_id}', 'runs:read', 'missing'),
  route('DELETE', '/keys/{doomed_key_id}', 'admin', 'missing'),
  route('DELETE', '/models/{model_id}', 'models:write', 'missing'),
  route('DELETE', '/comfyui-workflows/{comfyui_workflow_id}', 'comfyui-workflows:delete', 'missing'),
  route('DELETE', RUN, 'runs:delete', 'missing'),
  route('DELETE', WORKFLOW, CHANGES, 'missing'),
];

/** Streams, which end when whoever listens goes: they are called in `explorer-live.test.ts`, that of the debugger in `debugger.test.ts`. */
const STREAMS = ['GET /runs/live', `GET ${RUN}/live`, 'GET /requests/live', 'GET /debug-sessions/{session_id}/events'];

/** Signing in and out, before there is a session. */
const OPEN = ['POST /session', 'GET /session', 'DELETE /session'];

let server: TestServer;
let receiver: OtherServer;
let things: Record<string, string>;
const registered = new Set<string>();
const sessions = new Map<string, ExplorerClient>();

const nameless = (path: string): string => path.replaceAll(/:\w+|\{\w+\}/g, '{}').split('?')[0]!;

beforeAll(async () => {
  const listen = (message: unknown) => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat().filter((name) => name !== 'HEAD')) {
        if (url.startsWith('/explorer/')) registered.add(`${one} ${nameless(url)}`);
      }
    });
  };
  subscribe('fastify.initialization', listen);
  server = await startPlatform({ prepare: addKeys });
  unsubscribe('fastify.initialization', listen);
  receiver = await startOtherServer((_, response) => response.end());
  things = { ...(await makeThings(server.client, receiver.url)) };
  const ours = await as(KEY);
  things['view_id'] = (await ours.post('/views', view())).id;
  things['job_id'] = (await ours.post('/bulk', { action: 'stop', runs: { q: 'status:queued' } })).id;
});
afterAll(async () => {
  await server.stop();
  await receiver.stop();
});

const byName = ROUTES.map((each) => [`${each.method} ${each.path}`, each] as const);

it('the table has every route of the explorer, and no other', () => {
  const listed = ROUTES.map(({ method, path }) => `${method} /explorer/v1${nameless(path)}`);
  const others = [...STREAMS, ...OPEN].map((name) => {
    const [method, path] = name.split(' ') as [string, string];
    return `${method} /explorer/v1${nameless(path)}`;
  });
  expect([...listed, ...others].toSorted()).toEqual([...registered].toSorted());
});

it.each(byName)('%s takes a session, and no key in its place', async (_, { method, path, body }) => {
  const without = await new ExplorerClient(server.url, '').send(method, named(path), bodyOf(body));
  expect([without.status, without.body.error.message]).toEqual([401, expect.stringContaining('not signed in')]);
  const headers = { 'x-api-key': KEY, authorization: `Bearer ${KEY}`, 'x-millrun-explorer': '1' };
  const own = { ...headers, 'sec-fetch-site': 'same-origin' };
  const withKey = await new ExplorerClient(server.url, '').send(method, named(path), bodyOf(body), own);
  expect(withKey.status).toBe(401);
});

const changing = byName.filter(([, { method }]) => method !== 'GET');
it.each(changing)('%s takes nothing from another site', async (_, { method, path, body }) => {
  const client = await as(KEY);
  const { host } = new URL(server.url);
  for (const headers of [
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'x-millrun-explorer': '1' },
    { 'x-millrun-explorer': '1', 'sec-fetch-site': 'cross-site' },
    { 'x-millrun-explorer': '1', 'sec-fetch-site': 'same-site', origin: server.url },
    { 'x-millrun-explorer': '1', origin: `http://evil.${host}` },
    { 'x-millrun-explorer': '1', origin: 'null' },
  ]) {
    const answer = await client.send(method, named(path), bodyOf(body), headers);
    expect([answer.status, answer.body.error.kind], JSON.stringify(headers)).toEqual([403, 'forbidden']);
  }
});

it.each(byName)('%s takes its scopes', async (_, { method, path, scopes, body }) => {
  for (const scope of scopes) {
    const answer = await (await as(keyWithout(scope))).send(method, named(path), bodyOf(body));
    expect([answer.status, answer.body.error.message]).toEqual([403, expect.stringContaining(scope)]);
  }
});

it.each(byName.filter(([, { hidden }]) => hidden))('%s shows nothing of another workspace', async (_, each) => {
  const { method, path, hidden, body } = each;
  const answer = await (await as(OTHER_KEY)).send(method, named(path), bodyOf(body));
  if (hidden === 'missing') return expect([answer.status, answer.body.error.kind]).toEqual([404, 'not_found']);
  if (hidden === 'empty') return expect([answer.status, answer.body.items]).toEqual([200, []]);
  const ours = Object.values(things).filter((id) => id.length === 36 && answer.text.includes(id));
  return expect([answer.status, ours]).toEqual([200, []]);
});

// Last, since it deletes things.
describe('with every right', () => {
  beforeAll(() => expect(Object.keys(things)).toContain('job_id'));
  it.each(byName)('%s answers', async (_, { method, path, body }) => {
    const answer = await (await as(KEY)).send(method, named(path), bodyOf(body));
    expect([200, 201, 204], answer.text).toContain(answer.status);
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src '(self|none)'/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

async function as(key: string): Promise<ExplorerClient> {
  const known = sessions.get(key) ?? (await ExplorerClient.signIn(server.url, key));
  sessions.set(key, known);
  return known;
}

const named = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => things[name]!);

/** A body with the ids of the things it names. */
function bodyOf(body: (() => unknown) | undefined): unknown {
  const made = body?.();
  return made === undefined || made instanceof FormData ? made : JSON.parse(named(JSON.stringify(made)));
}

/** Two workspaces; the first is the platform's own. */
async function addKeys(store: Store): Promise<void> {
  const createdAt = realSystem.now();
  const [first, second] = [realSystem.newId(), realSystem.newId()];
  const put = (key: string, workspaceId: string, scopes: readonly Scope[]) => {
    const about = { id: realSystem.newId(), workspaceId, name: key, scopes, createdAt };
    return { kind: 'putApiKey', key: keyRecord(key, about) } as const;
  };
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: first, name: 'first', createdAt } },
    { kind: 'createWorkspace', workspace: { id: second, name: 'second', createdAt: createdAt + 1 } },
    put(KEY, first, SCOPES),
    put(OTHER_KEY, second, SCOPES),
    ...SCOPES.map((scope) =>
      put(
        keyWithout(scope),
        first,
        SCOPES.filter((other) => other !== scope),
      ),
    ),
  ]);
}
