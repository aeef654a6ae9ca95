import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SCOPE_ALIASES, SCOPES } from '../../src/domain/caller.ts';
import { Client, type Wire } from '../support/client.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let path: string;
beforeAll(async () => {
  server = await startPlatform();
  const { group_id } = await server.client.get('/v1/admin/me');
  path = `/v1/admin/groups/${group_id}/api-keys`;
});
afterAll(() => server.stop());

const make = (body: object): Promise<Wire> => server.client.post(path, body);
const withKey = (key: string) => new Client(server.url, key);

it('a client of Noxus makes a key as it always has, and it can do all that its maker can but make keys', async () => {
  const key = await make({ name: 'sdk', tenant_admin: false });
  expect(key).toMatchObject({ name: 'sdk', tenant_admin: false, value: expect.stringMatching(/^mr_\w+$/) });
  expect(await withKey(key.value).get('/v1/admin/me')).toMatchObject({
    ...{ id: key.id, tenant_admin: false, value: `${key.prefix}…` },
    permissions: SCOPES.filter((scope) => scope !== 'admin'),
  });
  const admin = await make({ name: 'system', tenant_admin: true });
  expect(admin.scopes).toEqual(SCOPES);
});

it('a key is shown once, and says afterwards what bounds it and when it was used', async () => {
  const bounds = { scopes: ['runs:read', 'assets:create'], expires_at: '2099-01-31T12:00:00', rate_limit: 5 };
  const { value, ...made } = await make({ name: 'bounded', ...bounds });
  expect(made).toMatchObject({
    ...{ scopes: ['runs:read', 'files:write'], expires_at: '2099-01-31T12:00:00.000Z', rate_limit: 5 },
    ...{ last_used_at: null, revoked_at: null, former_valid_until: null },
  });
  await withKey(value).get('/v1/runs');
  const told = await server.client.get(`${path}/${made.id}`);
  expect(told).toEqual({ ...made, value: `${made.prefix}…`, last_used_at: expect.any(String) });
  expect(await server.client.get(path)).toContainEqual(told);
});

it('a key that has used up its rate limit is answered 429 with Retry-After, and no other key is', async () => {
  const { value } = await make({ name: 'slow', scopes: ['runs:read'], rate_limit: 2 });
  const answers = [];
  for (let n = 0; n < 4; n++) answers.push(await withKey(value).send('GET', '/v1/runs'));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
  const { headers, body } = answers[3]!;
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(30);
  expect(body.detail).toContain('2 requests a minute');
  await server.client.get('/v1/runs');
});

it('a rotated key is taken by both texts for its grace, and a revoked one by none', async () => {
  const { id, value } = await make({ name: 'rotating', scopes: ['runs:read'] });
  const rotated = await server.client.post(`${path}/${id}/rotate`, { grace_seconds: 60 });
  expect([rotated.id, Date.parse(rotated.former_valid_until) > Date.now()]).toEqual([id, true]);
  const statuses = () =>
    Promise.all([value, rotated.value].map(async (key) => (await withKey(key).send('GET', '/v1/runs')).status));
  expect(await statuses()).toEqual([200, 200]);
  expect(await server.client.ok('DELETE', `${path}/${id}`)).toMatchObject({ id, revoked_at: expect.any(String) });
  expect(await statuses()).toEqual([401, 401]);
  expect(await server.client.get(path)).not.toContainEqual(expect.objectContaining({ id }));
  expect(await server.client.get(`${path}?ended=true`)).toContainEqual(expect.objectContaining({ id }));
  const again = await server.client.send('POST', `${path}/${id}/rotate`);
  expect([again.status, again.body.detail]).toEqual([409, expect.stringContaining('is revoked')]);
});

it.each([
  ['name', { scopes: ['runs:read'] }, 'required'],
  ['name', { name: ' ', scopes: ['runs:read'] }, 'empty'],
  ['scopes', { name: 'x', scopes: [] }, 'at least one'],
  ['scopes', { name: 'x', scopes: ['runs:raed'] }, 'Did you mean "runs:read"?'],
  ['tenant_admin', { name: 'x', scopes: ['runs:read'], tenant_admin: true }, 'scopes says otherwise'],
  ['rate_limit', { name: 'x', scopes: ['runs:read'], rate_limit: 0 }, '0'],
  ['expires_at', { name: 'x', scopes: ['runs:read'], expires_at: 'soon' }, 'ISO 8601'],
  ['expires_at', { name: 'x', scopes: ['runs:read'], expires_at: '2020-01-01T00:00:00Z' }, 'has passed'],
])('a key with a wrong %s is refused: %j', async (field, body, told) => {
  const answer = await server.client.send('POST', path, body);
  expect([answer.status, answer.body.detail[0].loc.slice(0, 2)]).toEqual([422, ['body', field]]);
  expect(answer.body.detail[0].msg).toContain(told);
});

it('a key hands on no right that it lacks, and cannot take one by rotating another key', async () => {
  const { value } = await make({ name: 'clerk', scopes: ['admin', 'runs:read'] });
  const clerk = withKey(value);
  const more = await clerk.send('POST', path, { name: 'x', scopes: ['runs:delete'] });
  expect([more.status, more.body.detail]).toEqual([403, expect.stringContaining('lacks runs:delete')]);
  const all = await clerk.post(path, { name: 'x', tenant_admin: true });
  expect(all.scopes).toEqual(['runs:read', 'admin']);
  const { id } = await make({ name: 'mighty', tenant_admin: true });
  expect((await clerk.send('POST', `${path}/${id}/rotate`)).status).toBe(403);
});

it('the preset key is the configuration alone to change', async () => {
  const { id } = await server.client.get('/v1/admin/me');
  for (const [method, at] of [
    ['POST', `${path}/${id}/rotate`],
    ['DELETE', `${path}/${id}?force=true`],
  ] as const) {
    const answer = await server.client.send(method, at);
    expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining('MILLRUN_API_KEY')]);
  }
  expect((await withKey(KEY).send('GET', '/v1/runs')).status).toBe(200);
});

it('docs/keys.md has a row for every scope, with what Runflow calls it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/keys.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([\w:-]+)` \|.*\|(.*)\|$/gm)].map(([, scope, words]) => [scope, words?.trim()]);
  const aliasesOf = (scope: string) => Object.keys(SCOPE_ALIASES).filter((alias) => SCOPE_ALIASES[alias] === scope);
  const wanted = SCOPES.map((scope) => [
    scope,
    aliasesOf(scope)
      .map((alias) => `\`${alias}\``)
      .join(', '),
  ]);
  expect(rows).toEqual(wanted);
});
