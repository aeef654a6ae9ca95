import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../src/domain/caller.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import type { Store } from '../../src/store/store.ts';
import { realSystem } from '../../src/system/system.ts';
import { Client } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import {
  DIALECTS,
  type Dialect,
  MCP_ROUTES,
  makeThings,
  OPEN_ROUTES,
  type Route,
  SECRET_ROUTES,
} from './access-table.ts';

const OTHER_KEY = 'other_workspace_key_01';
/** A key of the first workspace with exactly these scopes. */
const keyWith = (scopes: readonly Scope[]) => `only_${[...scopes].sort().join('_').replaceAll(/\W/g, '_')}_0123`;
/** One with all scopes but this. */
const keyWithout = (scope: Scope) => `but_${scope.replaceAll(/\W/g, '_')}_0123`;

let server: TestServer;
let receiver: OtherServer;
let things: Readonly<Record<string, string>>;
/** What the server has, as Fastify was told: `GET /noxus/v1/runs/{}`. */
const registered = new Set<string>();

beforeAll(async () => {
  const listen = (message: unknown) => noteRoutes((message as { fastify: FastifyInstance }).fastify);
  subscribe('fastify.initialization', listen);
  server = await startPlatform({ prepare: addKeys });
  unsubscribe('fastify.initialization', listen);
  receiver = await startOtherServer((_, response) => response.end());
  things = await makeThings(server.client, receiver.url);
});
afterAll(async () => {
  await server.stop();
  await receiver.stop();
});

/** A path without the names of its parameters. */
const nameless = (path: string): string => path.replaceAll(/:\w+|\{\w+\}/g, '{}');

function noteRoutes(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', ({ method, url }) => {
    // For each GET there is a HEAD, with the same hooks and the same handler.
    for (const one of [method].flat().filter((name) => name !== 'HEAD')) registered.add(`${one} ${nameless(url)}`);
  });
}

it('the table has every route of the server, and no other', () => {
  const listed = DIALECTS.flatMap(({ mount, routes, signed, open }) =>
    [...routes, ...signed, ...open].map(({ method, path }) => `${method} ${mount}${nameless(path)}`),
  );
  // The explorer's have a table of their own, in explorer-access.test.ts; who may send traces is tested with them, in otlp-ingest.test.ts.
  const ofDialects = [...registered].filter((name) => !/ \/(explorer|otlp)\//.test(name));
  expect([...listed, ...OPEN_ROUTES, ...MCP_ROUTES, ...SECRET_ROUTES].toSorted()).toEqual(ofDialects.toSorted());
});

it.each(MCP_ROUTES)('%s takes a key, the right one', async (name) => {
  const [method, path] = name.split(' ') as [string, string];
  for (const headers of [{}, { authorization: 'Bearer wrong_key_01234567890' }, { 'x-api-key': KEY }]) {
    const answer = await new Client(server.url, null).send(method, path, undefined, headers);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  }
});

const openOfDialects = DIALECTS.flatMap(({ prefixes, open }) =>
  prefixes.flatMap((prefix) => open.map(({ method, path }) => `${method} ${prefix}${path}`)),
);

it.each([...OPEN_ROUTES, ...openOfDialects])('%s asks for no key', async (name) => {
  const [method, path] = name.split(' ') as [string, string];
  expect((await new Client(server.url, null).send(method, path)).status).toBe(200);
});

describe.each(DIALECTS)('the dialect $name', (dialect) => {
  const byName = dialect.routes.map((route) => [`${route.method} ${route.path}`, route] as const);

  it('describes every route of the table, and no other', async () => {
    const { paths } = await server.client.get(dialect.openApi);
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${nameless(path)}`),
    );
    const listed = [...dialect.routes, ...dialect.signed, ...dialect.open].map(
      ({ method, path }) => `${method} ${nameless(path)}`,
    );
    expect(listed.toSorted()).toEqual(described.toSorted());
  });

  it.each(dialect.signed.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s takes a good signature, and no key in its place',
    async (_, { method, path }) => {
      const forged = `?org=${things['group_id']}&expires=9999999999999&signature=${'0'.repeat(64)}`;
      for (const [query, status] of [
        ['', 422],
        [forged, 403],
      ] as const) {
        const headers = { ...dialect.credentials(KEY), 'content-type': 'text/plain' };
        const body = method === 'GET' ? undefined : 'Notes';
        const client = new Client(server.url, null);
        const answer = await client.send(method, dialect.mount + named(path) + query, body, headers);
        expect([answer.status, typeof dialect.refusal(answer.body)]).toEqual([status, 'string']);
      }
    },
  );

  describe.each(dialect.prefixes)('under the prefix "%s"', (prefix) => {
    const send = (key: string | null, route: Route) => call(dialect, prefix, key, route);

    it.each(byName)('%s takes a key, the right one', async (_, route) => {
      const none = await send(null, route);
      if (prefix === '' && dialect !== DIALECTS[0]) {
        // At the root, a request without a credential belongs to the first dialect, which may not have the path.
        expect([401, 404]).toContain(none.status);
      } else {
        expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, dialect.challenge]);
        expect(dialect.refusal(none.body)).toContain(dialect.howToGiveAKey);
      }
      const wrong = await send('wrong_key_01234567890', route);
      expect([wrong.status, dialect.refusal(wrong.body)]).toEqual([401, expect.stringContaining('not known')]);
    });

    it.each(byName)('%s takes its scopes', async (_, route) => {
      if (route.scopes.length === 0) return expect((await send(keyWith([]), route)).status).toBe(200);
      for (const scope of route.scopes) {
        const answer = await send(keyWithout(scope), route);
        expect([answer.status, dialect.refusal(answer.body)]).toEqual([403, expect.stringContaining(scope)]);
      }
    });

    it.each(byName.filter(([, { hidden }]) => hidden))('%s shows nothing of another workspace', async (_, route) => {
      const answer = await send(OTHER_KEY, route);
      if (route.hidden === 'empty') return expect([answer.status, answer.body.items]).toEqual([200, []]);
      if (route.hidden === 'own') {
        const ours = Object.values(things).filter((id) => id.length === 36 && answer.text.includes(id));
        return expect([answer.status, ours]).toEqual([200, []]);
      }
      expect([answer.status, typeof dialect.refusal(answer.body)]).toEqual([404, 'string']);
    });
  });
});

it('another workspace can neither delete runs by id or time, nor use a file, nor name a workspace', async () => {
  const other = new Client(server.url, OTHER_KEY);
  const byId = await other.post('/v1/runs/bulk/delete', { run_ids: [things['run_id']] });
  expect(byId).toMatchObject({ succeeded: 0, failed: 1, matched: 0 });
  const byTime = await other.post('/v1/runs/bulk/delete', { filters: { to_date: '2099-01-01T00:00:00Z' } });
  expect(byTime).toMatchObject({ succeeded: 0, matched: 0 });
  const definition = {
    nodes: [{ id: 'f', type: 'FileInputNode', node_config: { label: 'File' } }],
    edges: [],
  };
  const workflow = await other.save(definition, { name: 'Reader' });
  const run = await other.run(workflow.id, { input: { File: { uri: `spot://${things['file_id']}` } } });
  expect(run).toMatchObject({ status: 'failed', error: expect.stringContaining('no file') });
  const { group_id: mine } = await server.client.get('/v1/admin/me');
  const body = { input: {}, group_id: mine };
  expect((await other.send('POST', `/v1/workflows/${workflow.id}/runs`, body)).status).toBe(404);
  expect((await server.client.get(`/v1/runs/${things['run_id']}`)).status).toBe('completed');
});

it('a path that does not exist is said to, as it was written', async () => {
  for (const path of ['/v1/nope', '/noxus/v1/nope', '/nope']) {
    const answer = await server.client.send('GET', `${path}?secret=1`);
    expect(answer.status).toBe(404);
    expect(answer.body.detail).toContain(`GET ${path}.`);
  }
});

// Last, and with things of its own, since it deletes them.
describe.each(DIALECTS)('the dialect $name', (dialect) => {
  beforeAll(async () => {
    things = await makeThings(server.client, receiver.url);
  });
  const scoped = dialect.routes.filter(({ scopes }) => scopes.length > 0);
  it.each(scoped.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s takes no scope but its own',
    async (_, route) => {
      const answer = await call(dialect, dialect.mount, keyWith(route.scopes), route);
      expect([200, 201, 202, 204], answer.text).toContain(answer.status);
    },
  );
});

function call(dialect: Dialect, prefix: string, key: string | null, { method, path, body }: Route) {
  const headers = key === null ? {} : dialect.credentials(key);
  return new Client(server.url, null).send(method, prefix + named(path), body?.(), headers);
}

/** A path with the ids of the things it names. */
function named(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => things[name]!);
}

/** Two workspaces; the first is the platform's own. */
async function addKeys(store: Store): Promise<void> {
  const createdAt = realSystem.now();
  const [first, second] = [realSystem.newId(), realSystem.newId()];
  const put = (key: string, workspaceId: string, scopes: readonly Scope[]) => {
    const about = { id: realSystem.newId(), workspaceId, name: key, scopes, createdAt };
    return { kind: 'putApiKey', key: keyRecord(key, about) } as const;
  };
  const bundles = new Map(
    DIALECTS.flatMap(({ routes }) => routes.map(({ scopes }) => [keyWith(scopes), scopes] as const)),
  );
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: first, name: 'first', createdAt } },
    { kind: 'createWorkspace', workspace: { id: second, name: 'second', createdAt: createdAt + 1 } },
    put(KEY, first, SCOPES),
    put(OTHER_KEY, second, SCOPES),
    ...SCOPES.map((scope) => {
      const others = SCOPES.filter((other) => other !== scope);
      return put(keyWithout(scope), first, others);
    }),
    ...[...bundles].map(([key, scopes]) => put(key, first, scopes)),
  ]);
}
