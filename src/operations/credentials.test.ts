import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import { aTrigger } from '../../test/support/triggers.ts';
import { type Caller, SCOPES } from '../domain/caller.ts';
import type { ModelAccess } from '../nodes/node-type.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { createGuardedHttp } from '../system/guarded-http.ts';
import type { HttpClient } from '../system/http-client.ts';
import { openLog } from '../system/log.ts';
import { createSealing, type Sealing } from '../system/sealing.ts';
import { Credentials, type NewCredential } from './credentials.ts';
import { Keyring, placeOf } from './keyring.ts';

const log = openLog('silent');
const KEY = 'sk-0123456789abcdef';
const NONE: ModelAccess = { providers: [], prices: {}, presets: {}, defaultModels: [] };

let folder: string;
let system: HeldSystem;
let store: Store;
let http: HttpClient;
let sealing: Sealing;
let keyring: Keyring;
let credentials: Credentials;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-credentials-'));
  system = heldSystem();
  store = openSqliteStore(folder);
  http = createGuardedHttp({ allow: ['models.internal'] });
  use(Buffer.alloc(32, 1));
});
afterEach(async () => {
  await http.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Opens everything anew with these keys, as a start does. */
function use(current: Buffer | null, former: readonly Buffer[] = [], configured: ModelAccess = NONE): void {
  sealing = createSealing({ current, former }, 'Give the key.');
  keyring = new Keyring({ store, sealing, system, log, configured });
  credentials = new Credentials({ store, keyring, sealing, http, system, log });
}

const callerOf = (workspaceId: string): Caller => ({
  ...{ keyId: 'k', keyName: 'key', keyPrefix: 'mr_', workspaceId, scopes: new Set(SCOPES) },
});
const OURS = callerOf('ours');
const THEIRS = callerOf('theirs');

const make = (set: Partial<NewCredential> = {}, by = OURS) =>
  credentials.create(by, { name: 'shop', kind: 'http_bearer', fields: { token: KEY }, ...set });
/** Where a credential is refused, and why. */
const problemsOf = async (set: Partial<NewCredential>): Promise<string[]> => {
  const error = await make(set).then(
    () => ({ problems: [] }),
    (refused) => refused,
  );
  return error.problems.map(
    ({ at, message }: { at: string[]; message: string }) => `${at.slice(1).join('.')}: ${message}`,
  );
};

describe('a credential', () => {
  it.each<[string, Partial<NewCredential>, string | RegExp]>([
    ['an empty name', { name: ' ' }, /^name: The name is empty/],
    ['a kind that there is not', { kind: 'antropic' }, /^kind: .*Did you mean "anthropic"\?/],
    ['a field that its kind lacks', { fields: { token: KEY, tokne: 'x' } }, /^fields.tokne: .*Did you mean "token"\?/],
    ['without its secret', { fields: {} }, /^fields.token: .*needs "token"/],
    ['an empty secret', { fields: { token: ' \n' } }, /^fields.token: "token" is empty/],
    ['a secret that is no text', { fields: { token: [KEY] } }, 'fields.token: A field takes a text.'],
    ['a secret with a line break in it', { fields: { token: 'ab\ncd' } }, /^fields.token: .*line breaks/],
    ['a secret that is far too long', { fields: { token: 'x'.repeat(20_000) } }, /^fields.token: .*16384 are allowed/],
    [
      'a user with a colon',
      { kind: 'http_basic', fields: { username: 'a:b', password: 'x' } },
      /^fields.username: .*colon/,
    ],
    ['a header that is none', { kind: 'http_header', fields: { header: 'X Y', value: KEY } }, /^fields.header: /],
    [
      'a header of the client',
      { kind: 'http_header', fields: { header: 'Host', value: KEY } },
      /^fields.header: .*itself/,
    ],
    ['no field', { kind: 'generic', fields: {} }, /^fields.\*: .*at least one field/],
    ['a field of no name', { kind: 'generic', fields: { 'a b': 'x' } }, /^fields.a b: Names of fields/],
    ['models where none are', { models: ['m'] }, /^models: .*serves no models/],
    ['hosts that are addresses', { hosts: ['https://a.example.com/x'] }, /^hosts.0: .*without https/],
    ['hosts of a provider', { kind: 'openai', fields: { api_key: KEY }, hosts: ['a'] }, /^hosts: .*base_url only/],
    ['no address', { kind: 'openai-compatible', fields: {} }, /^fields.base_url: .*needs "base_url"/],
    [
      ...['a private address', { kind: 'openai', fields: { api_key: KEY, base_url: 'http://169.254.169.254' } }],
      /^fields.base_url: .*not a public address/,
    ] as const,
    [
      ...['an address with a password', { kind: 'openai', fields: { api_key: KEY, base_url: 'https://a:b@c.de' } }],
      /^fields.base_url: /,
    ] as const,
    ['no place in Azure', { kind: 'azure', fields: { api_key: KEY } }, /^fields.resource_name: /],
    [
      ...['a resource that is a host', { kind: 'azure', fields: { api_key: KEY, resource_name: 'evil.example.com/' } }],
      /^fields.resource_name: /,
    ] as const,
    ['no region', { kind: 'bedrock', fields: { api_key: KEY } }, /^fields.region: /],
    [
      ...['half a key of AWS', { kind: 'bedrock', fields: { region: 'us-east-1', access_key_id: KEY } }],
      /^fields.secret_access_key: /,
    ] as const,
    ['a property that is none', { host: ['a'] } as never, /^host: .*Did you mean "hosts"\?/],
  ])('is refused with %s, and the refusal repeats no secret', async (_, set, told) => {
    const problems = await problemsOf(set);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(told);
    expect(problems[0]).not.toContain(KEY);
    expect(await credentials.list(OURS)).toEqual([]);
  });

  it('is refused with everything that is wrong at once', async () => {
    const problems = await problemsOf({ name: '', fields: { token: '' }, models: ['m'], hosts: ['a b'] });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['name', 'fields.token', 'models', 'hosts.0']);
  });

  it('has a name that no other has, in its workspace', async () => {
    await make();
    await make({}, THEIRS);
    await expect(make()).rejects.toMatchObject({ kind: 'conflict' });
    const other = await make({ name: 'mail' });
    await expect(credentials.change(OURS, other.id, { name: 'shop' })).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('is one of 200 at most', async () => {
    for (let made = 0; made < 200; made += 1) await make({ name: `n${made}` });
    await expect(make()).rejects.toThrow('This workspace has 200 credentials');
  });

  it('is not there for another workspace', async () => {
    const { id } = await make();
    await expect(credentials.get(THEIRS, id)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(credentials.change(THEIRS, id, { name: 'x' })).rejects.toMatchObject({ kind: 'not_found' });
    await expect(credentials.remove(THEIRS, id)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(credentials.test(THEIRS, id)).rejects.toMatchObject({ kind: 'not_found' });
    expect(await keyring.credentialOf('theirs', id)).toBeNull();
    expect(await keyring.credentialOf('theirs', 'shop')).toBeNull();
  });

  it('does not open in another row than its own', async () => {
    const [first, second] = [await make(), await make({ name: 'mail', fields: { token: 'another-secret' } })];
    const swapped = { ...first, secrets: second.secrets, revision: 2 };
    expect(await store.commit([{ kind: 'putCredential', credential: swapped }])).toBe('kept');
    keyring.forget('ours');
    await expect(keyring.credentialOf('ours', 'shop')).rejects.toThrow('moved from where it was kept');
    expect((await keyring.credentialOf('ours', 'mail'))?.fields).toEqual({ token: 'another-secret' });
  });

  it('has a field removed by null, when it can do without', async () => {
    const fields = { base_url: 'http://models.internal/v1', api_key: KEY };
    const { id } = await make({ kind: 'openai-compatible', fields });
    const changed = await credentials.change(OURS, id, { fields: { api_key: null } });
    expect([changed.secrets, changed.settings]).toEqual([{}, { base_url: 'http://models.internal/v1' }]);
    await expect(credentials.change(OURS, id, { fields: { base_url: null } })).rejects.toMatchObject({
      kind: 'invalid',
    });
  });
});

describe('what is held open of a workspace', () => {
  it('is found by id and by name, and is what was written last', async () => {
    const { id } = await make({ kind: 'generic', fields: { a: ' x ', b: 'y' } });
    for (const word of [id, 'shop']) {
      expect((await keyring.credentialOf('ours', word))?.fields).toEqual({ a: ' x ', b: 'y' });
    }
    await credentials.change(OURS, id, { name: 'new', fields: { b: 'z' } });
    expect(await keyring.credentialOf('ours', 'shop')).toBeNull();
    expect((await keyring.credentialOf('ours', 'new'))?.fields).toEqual({ a: ' x ', b: 'z' });
    await credentials.remove(OURS, id);
    expect(await keyring.credentialOf('ours', id)).toBeNull();
  });

  it('is nothing to look for where there are no credentials, and no secret of another workspace', async () => {
    await make();
    expect(await keyring.redactorOf('theirs')).toBeNull();
    expect((await keyring.redactorOf('ours'))?.text(`is ${KEY}`)).toBe('is [secret shop]');
  });

  it('is looked for as it is now: what is removed is a secret no more', async () => {
    const { id } = await make();
    await credentials.change(OURS, id, { fields: { token: 'another-secret' } });
    expect((await keyring.redactorOf('ours'))?.text(`${KEY} another-secret`)).toBe(`${KEY} [secret shop]`);
    await credentials.remove(OURS, id);
    expect(await keyring.redactorOf('ours')).toBeNull();
  });

  it('has the secrets of the operator’s providers taken out too', async () => {
    const provider = {
      name: 'openai',
      protocol: 'openai',
      baseUrl: 'https://a',
      apiKey: KEY,
      settings: {},
      models: [],
    } as const;
    use(Buffer.alloc(32, 1), [], { ...NONE, providers: [provider] });
    expect((await keyring.redactorOf('theirs'))?.text(`Incorrect key ${KEY}`)).toBe('Incorrect key [secret openai]');
  });

  it.each([
    ['openai', {}, 'https://api.openai.com/v1'],
    ['anthropic', {}, 'https://api.anthropic.com/v1'],
    ['google', {}, 'https://generativelanguage.googleapis.com/v1beta'],
    ['mistral', { base_url: 'http://models.internal/v1//' }, 'http://models.internal/v1'],
    ['azure', { resource_name: 'mine' }, 'https://mine.openai.azure.com/openai'],
    ['bedrock', { region: 'eu-west-1' }, 'https://bedrock-runtime.eu-west-1.amazonaws.com'],
  ])('has the address of %s', async (kind, settings, url) => {
    await make({ name: 'mine', kind, fields: { ...settings, api_key: KEY }, models: ['m'] });
    const { providers } = await keyring.modelsOf('ours');
    expect(providers).toMatchObject([{ name: 'mine', protocol: kind, baseUrl: url, apiKey: KEY, models: ['m'] }]);
    const { base_url: _, ...others } = settings as Record<string, string>;
    expect(providers[0]?.settings).toEqual(others);
    expect((await keyring.modelsOf('theirs')).providers).toEqual([]);
  });

  it('has a provider that cannot be opened, which says so when its key is asked for', async () => {
    await make({ name: 'mine', kind: 'openai', fields: { api_key: KEY } });
    use(Buffer.alloc(32, 2));
    const { providers } = await keyring.modelsOf('ours');
    expect(providers).toHaveLength(1);
    expect(() => providers[0]?.apiKey).toThrow('The credential "mine" cannot be opened');
    await expect(keyring.credentialOf('ours', 'mine')).rejects.toThrow('cannot be opened');
    await expect(credentials.test(OURS, (await credentials.list(OURS))[0]!.id)).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });

  it('records when a credential was used, once a minute', async () => {
    const { id } = await make();
    const used = async () => (await credentials.get(OURS, id)).lastUsedAt;
    expect(await used()).toBeNull();
    for (const [ms, at] of [
      [0, 0],
      [59_999, 0],
      [1, 60_000],
    ] as const) {
      const start = system.now() - system.elapsed();
      system.pass(ms);
      await keyring.credentialOf('ours', 'shop');
      await store.commit([]);
      expect(await used()).toBe(start + at);
    }
  });
});

describe('sealing anew', () => {
  it('leaves nothing that takes the former key, and keeps everything else', async () => {
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const before = await make({ kind: 'http_basic', fields: { username: 'ada', password: 'a pass word' } });
    use(second, [first]);
    await make({ name: 'newer' });
    expect(await credentials.reseal(OURS)).toEqual({ resealed: ['shop'], unchanged: ['newer'], failed: {} });
    use(second);
    const after = await credentials.get(OURS, before.id);
    expect(after).toEqual({ ...before, secrets: after.secrets, revision: 2 });
    expect((await keyring.credentialOf('ours', 'shop'))?.fields).toEqual({ username: 'ada', password: 'a pass word' });
  });

  it('is for the secrets of triggers, too', async () => {
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const trigger = aTrigger('ours', system, { name: 'orders' });
    const place = placeOf(trigger, 'secret');
    const secret = { sealed: sealing.seal('a secret of a webhook', place), ending: null };
    await store.commit([{ kind: 'putTrigger', trigger: { ...trigger, secret } }]);
    use(second, [first]);
    expect(await credentials.reseal(OURS)).toEqual({ resealed: ['trigger orders'], unchanged: [], failed: {} });
    use(second);
    const after = await store.getTrigger('ours', trigger.id);
    expect(sealing.open(after?.secret?.sealed ?? '', place)).toBe('a secret of a webhook');
    expect(await credentials.reseal(OURS)).toMatchObject({ unchanged: ['trigger orders'] });
  });
});
