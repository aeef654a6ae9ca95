import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { embeddingEndpoint, SETTINGS, type Setting } from './config.ts';
import { ConfigError, readConfig } from './read.ts';

const SECRET = 'hunter2hunter2hunter2';
const folder = mkdtempSync(join(tmpdir(), 'millrun-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string): string {
  const path = join(folder, `${content.length}.json`);
  writeFileSync(path, content);
  return path;
}

function mistakesOf(flags: Record<string, string>, env: Record<string, string> = {}): readonly string[] {
  try {
    readConfig(flags, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('a setting', () => {
  it('comes from the flag, else the environment, else the file, else its default', () => {
    const config = file('{"port": 1, "host": "from.file", "data": "file"}');
    const { config: read, origins } = readConfig(
      { config, port: '3' },
      { MILLRUN_PORT: '2', MILLRUN_HOST: 'from.env' },
    );
    expect(read).toMatchObject({ port: 3, host: 'from.env', data: 'file', drainSeconds: 10 });
    expect(origins).toMatchObject({
      port: 'flag --port',
      host: 'environment MILLRUN_HOST',
      data: `file ${config}`,
      drainSeconds: 'default',
    });
  });

  it('that is an empty variable counts as not set', () => {
    expect(readConfig({}, { MILLRUN_PORT: '', OPENAI_API_KEY: '' }).config).toMatchObject({
      port: 8080,
      openaiApiKey: null,
    });
  });

  it('of the store is a PostgreSQL address or nothing, and what it says is kept to itself', () => {
    expect(readConfig({}, {}).config.store).toBeNull();
    const address = 'postgres://millrun:pass@db.example.com/millrun?schema=m';
    expect(readConfig({}, { MILLRUN_STORE: address }).config.store).toBe(address);
    const [mistake = ''] = mistakesOf({ store: `mysql://user:${SECRET}@host/db` });
    expect(mistake).toContain('postgres://user:password@host');
    expect(mistake).not.toContain(SECRET);
  });

  it('of blobs on S3 is for them alone, and keys come in pairs that nobody sees', () => {
    expect(mistakesOf({ 'blobs-direct': 'true' })).toEqual([
      'blobsDirect: it is for blobs on S3. Remove it, or set it with MILLRUN_BLOBS or --blobs.',
    ]);
    const [mistake = ''] = mistakesOf({ blobs: 's3://runs', 'blobs-secret-key': SECRET });
    expect(mistake).toMatch(/^blobsAccessKey: the access key and the secret key go together/);
    expect(mistake).not.toContain(SECRET);
  });

  it('of machines for search is read as places and shares, and wants a store that is shared', () => {
    const store = 'postgres://db/millrun';
    const read = (flags: Record<string, string>) => readConfig({ store, ...flags }, {}).config;
    expect(read({})).toMatchObject({ searchAt: null, searchPartition: '1/1', searchSnapshotMinutes: null });
    expect(read({ 'search-at': 'machines', 'search-partition': '3-3/16' })).toMatchObject({
      searchAt: 'machines',
      searchPartition: '3/16',
    });
    expect(read({ 'search-at': 'http://s1:9090/, http://s2:9090' }).searchAt).toEqual([
      'http://s1:9090',
      'http://s2:9090',
    ]);
    expect(mistakesOf({ store, 'search-partition': '3/12' })[0]).toContain('takes partitions as 3/16 or 1-4/16');
    expect(mistakesOf({ store, 'search-at': 's1:9090' })[0]).toContain('http or https URL');
    expect(mistakesOf({ 'search-at': 'machines', 'search-partition': '1/2' })).toEqual([
      expect.stringContaining('searchAt: machines for search read a store that is shared; set it with MILLRUN_STORE'),
      expect.stringContaining('searchPartition: machines for search'),
    ]);
  });

  it('has a name of its own in every place, and a sentence', () => {
    const settings = Object.values(SETTINGS) as Setting[];
    for (const names of [settings.map(({ env }) => env), settings.map(({ flag }) => flag)]) {
      expect(new Set(names).size).toBe(settings.length);
    }
    for (const { about } of settings) expect(about).toMatch(/\.$/);
  });

  it('counts before the variable of a standard that says the same', () => {
    const env = { OTEL_SERVICE_NAME: 'theirs', MILLRUN_TRACING_SERVICE_NAME: 'ours' };
    expect(readConfig({}, env).config.tracingServiceName).toBe('ours');
    const { config, origins } = readConfig({}, { OTEL_SERVICE_NAME: 'theirs' });
    expect([config.tracingServiceName, origins.tracingServiceName]).toEqual([
      'theirs',
      'environment OTEL_SERVICE_NAME',
    ]);
    expect(() => readConfig({}, { MILLRUN_TRACING_HEADERS: 'no secret of mine' })).toThrow(
      /the given value.*name=value/,
    );
  });

  it.each<[string, string, unknown]>([
    ['MILLRUN_HTTP_ALLOW', ' a:1, ,10.0.0.0/8 ', { httpAllow: ['a:1', '10.0.0.0/8'] }],
    ['OPENAI_BASE_URL', 'http://localhost:11434/v1//', { openaiBaseUrl: 'http://localhost:11434/v1' }],
    [
      'MILLRUN_MODEL_PRICES',
      '{"m":{"input":"0.1","output":"2"}}',
      { modelPrices: { m: { input: '0.1', output: '2' } } },
    ],
    [
      'MILLRUN_MODEL_PRICES',
      '{"m":{"input":"0.1","output":"2","cached_input":"0.05"}}',
      { modelPrices: { m: { input: '0.1', output: '2', cachedInput: '0.05' } } },
    ],
    ['MILLRUN_ENCRYPTION_KEY', '0a'.repeat(32), { encryptionKey: Buffer.alloc(32, 10) }],
    ['MILLRUN_ENCRYPTION_KEY', Buffer.alloc(32, 10).toString('base64'), { encryptionKey: Buffer.alloc(32, 10) }],
    ['MILLRUN_ENCRYPTION_KEY', Buffer.alloc(32, 255).toString('base64url'), { encryptionKey: Buffer.alloc(32, 255) }],
    [
      'MILLRUN_FORMER_ENCRYPTION_KEYS',
      `${'0b'.repeat(32)}, ${Buffer.alloc(32, 12).toString('base64')}`,
      { formerEncryptionKeys: [Buffer.alloc(32, 11), Buffer.alloc(32, 12)] },
    ],
    ['MILLRUN_BLOBS', 's3://runs', { blobs: { bucket: 'runs', prefix: '' } }],
    ['MILLRUN_BLOBS', 's3://runs/a/b', { blobs: { bucket: 'runs', prefix: 'a/b/' } }],
    ['MILLRUN_BLOBS', 's3://runs/a/', { blobs: { bucket: 'runs', prefix: 'a/' } }],
    ['MILLRUN_COMFYUI_RATES', '{"L4":"0.000147"}', { comfyuiRates: { L4: '0.000147' } }],
    [
      'COMFYUI_URL',
      'http://gpu-1:8188/, https://me:p%40ss@gpu-2/comfy/,https://token@gpu-3',
      {
        comfyuiUrl: [
          { url: 'http://gpu-1:8188', authorization: null },
          { url: 'https://gpu-2/comfy', authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
          { url: 'https://gpu-3', authorization: 'Bearer token' },
        ],
      },
    ],
    [
      'MILLRUN_CODE_RUNNER_URL',
      'http://token@runner:8085/run/',
      { codeRunnerUrl: { url: 'http://runner:8085/run', authorization: 'Bearer token' } },
    ],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector:4318/', { tracingEndpoint: 'http://collector:4318/v1/traces' }],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://collector:4318/t', { tracingEndpoint: 'http://collector:4318/t' }],
    [
      'OTEL_EXPORTER_OTLP_HEADERS',
      'authorization=Basic%20YQ==, x-team=one',
      { tracingHeaders: { authorization: 'Basic YQ==', 'x-team': 'one' } },
    ],
  ])('%s may be %s', (name, value, config) => {
    expect(readConfig({}, { [name]: value }).config).toMatchObject(config as object);
  });
});

describe('a mistake', () => {
  it.each([
    ['MILLRUN_PORT', '65536'],
    ['MILLRUN_PORT', '1.5'],
    ['MILLRUN_WORKER_CONCURRENCY', '-1'],
    ['MILLRUN_WORKER_PORT', '65536'],
    ['MILLRUN_LOG_LEVEL', 'loud'],
    ['MILLRUN_API_KEY', 'short'],
    ['MILLRUN_API_KEY', 'with spaces in the key'],
    ['OPENAI_BASE_URL', 'localhost:11434'],
    ['OPENAI_BASE_URL', 'http://me:pass@localhost'],
    ['MILLRUN_MODEL_PRICES', '{"m":{"input":0.1}}'],
    ['MILLRUN_MODEL_PRICES', 'null'],
    ['COMFYUI_URL', 'gpu-1:8188'],
    ['COMFYUI_URL', 'http://gpu-1,http://gpu-1/'],
    ['COMFYUI_URL', 'http://gpu-1/?token=a'],
    ['COMFYUI_URL', ' , '],
    ['MILLRUN_BLOBS', 'runs'],
    ['MILLRUN_BLOBS', 's3://R'],
    ['MILLRUN_BLOBS', 's3://runs/../x y'],
    ['MILLRUN_BLOBS', 's3://key:secret@runs'],
    ['MILLRUN_COMFYUI_RATES', '{"L4":0.000147}'],
    ['MILLRUN_COMFYUI_RATES', '{"L4":"1","l4":"2"}'],
    ['MILLRUN_COMFYUI_RATES', '[]'],
    ['MILLRUN_CODE_RUNNER_URL', 'runner:8085'],
  ])('in %s is refused: %s', (name, value) => {
    expect(mistakesOf({}, { [name]: value })).toEqual([expect.stringContaining(`environment ${name}: `)]);
  });

  it('is told together with all others, wherever they stand', () => {
    const config = file('{"prot": 1, "models": 5}');
    const mistakes = mistakesOf({ config, host: ' ' }, { MILLRUN_DRAIN_SECONDS: '-1', MILLRUN_PORTS: '1' });
    expect(mistakes.join('\n')).toMatch(/did you mean "port"/);
    expect(mistakes.join('\n')).toMatch(/did you mean MILLRUN_PORT/);
    expect(mistakes).toHaveLength(5);
  });

  it.each([
    ['a file that is not there', '/nowhere/millrun.json'],
    ['a file that is a list', file('[1]')],
    ['a file that is a folder', folder],
  ])('is %s', (_, config) => {
    expect(mistakesOf({ config })).toEqual([expect.stringContaining(`file ${config}: `)]);
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['a key that is not allowed', {}, { MILLRUN_API_KEY: `${SECRET} !` }],
    ['a password in an address', {}, { OPENAI_BASE_URL: `http://me:${SECRET}@localhost/v1` }],
    ['a token in a list of addresses', {}, { COMFYUI_URL: `http://gpu-1,ftp://${SECRET}@gpu-2` }],
    ['an address in a file that is not text', { config: file(`{"comfyuiUrl": [{"url": "${SECRET}"}]}`) }, {}],
    ['a file that is not JSON', { config: file(`{"apiKey": ${SECRET}}`) }, {}],
    ['a key in a file that is not text', { config: file(`{"apiKey": ["${SECRET}"]}`) }, {}],
  ])('does not repeat a secret: %s', (_, flags, env) => {
    const mistakes = mistakesOf(flags, env);
    expect(mistakes).toHaveLength(1);
    expect(mistakes.join()).not.toContain(SECRET);
  });

  it.each<[string, Record<string, string>, string[]]>([
    [
      'an embedder without what it needs',
      { MILLRUN_SEARCH_EMBEDDER: 'openai' },
      ['needs searchModel', 'needs an endpoint'],
    ],
    [
      'a model without a folder of models',
      { MILLRUN_SEARCH_EMBEDDER: 'local', MILLRUN_SEARCH_MODEL: 'm' },
      ['needs searchModelsDirectory'],
    ],
    [
      'a setting that would do nothing',
      { MILLRUN_SEARCH_MODEL: 'm', MILLRUN_SEARCH_PRICE: '0.02' },
      ['openai or local', 'the embedder openai'],
    ],
    [
      'a setting of another embedder',
      {
        MILLRUN_SEARCH_EMBEDDER: 'openai',
        MILLRUN_SEARCH_MODEL: 'm',
        OPENAI_API_KEY: 'k',
        MILLRUN_SEARCH_MODEL_DOWNLOAD: 'true',
      },
      ['the embedder local'],
    ],
    [
      'a value that is not allowed, and not what follows from it',
      { MILLRUN_SEARCH_EMBEDDER: 'opnai', MILLRUN_SEARCH_MODEL: 'm' },
      ['one of builtin, openai, local'],
    ],
  ])('of the search embedder is %s', (_, env, expected) => {
    const mistakes = mistakesOf({}, env);
    expect(mistakes).toEqual(expected.map((part) => expect.stringContaining(part)));
  });
});

describe('the endpoint for embeddings', () => {
  const openai = { MILLRUN_SEARCH_EMBEDDER: 'openai', MILLRUN_SEARCH_MODEL: 'm' };
  const endpoint = (env: Record<string, string>) => embeddingEndpoint(readConfig({}, { ...openai, ...env }).config);

  it('is that of the model nodes, with their key, unless it has its own', () => {
    expect(endpoint({ OPENAI_BASE_URL: 'http://a/v1', OPENAI_API_KEY: 'k' })).toEqual({
      baseUrl: 'http://a/v1',
      apiKey: 'k',
    });
    expect(endpoint({ MILLRUN_SEARCH_EMBEDDER_KEY: 'own' })).toEqual({
      baseUrl: 'https://api.openai.com/v1',
      apiKey: 'own',
    });
  });

  it('is never given the key of another one', () => {
    const env = { OPENAI_API_KEY: 'k', MILLRUN_SEARCH_EMBEDDER_URL: 'http://b/v1' };
    expect(endpoint(env)).toEqual({ baseUrl: 'http://b/v1', apiKey: null });
  });
});
