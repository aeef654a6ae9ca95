import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Wire } from '../support/client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { KEY, runBinary, startPlatform, type TestServer } from '../support/server.ts';

const BYTES = new Uint8Array(Buffer.from('\x89PNG and so on', 'latin1'));

let s3: S3Server;
let server: TestServer;

beforeAll(async () => {
  s3 = await startS3Server();
  server = await startPlatform({ settings: s3.settings });
});
afterAll(async () => {
  await server.stop();
  await s3.stop();
});

async function call(
  method: string,
  path: string,
  body?: unknown,
  to = server,
): Promise<{ status: number; body: Wire }> {
  const answer = await fetch(to.url + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

const announce = async (to = server): Promise<Wire> => {
  const file = { filename: 'red cat.png', mime_type: 'image/png', size_bytes: BYTES.length };
  return (await call('POST', '/v1/asset-uploads', file, to)).body;
};

const send = (url: string, body: Uint8Array<ArrayBuffer> = BYTES) =>
  fetch(url, { method: 'PUT', headers: { 'content-type': 'image/png' }, body });

describe('with blobs on S3', () => {
  it('a large payload lies in the bucket, is answered, found by search, and removed with its run', async () => {
    const { client } = server;
    const workflow = await client.save(GREETING);
    const name = `Wilhelmina ${'x'.repeat(300_000)} Zyzzogeton`;
    const run = await client.run(workflow.id, { input: { Name: name } });
    const done = await client.until(workflow.id, run.id, ['completed']);
    expect(done.output.Greeting).toBe(`Hello ${name}`);
    expect([...s3.objects.keys()].some((key) => key.startsWith(`here/runs/${run.id}/`))).toBe(true);
    const found = async () => {
      const { items } = await client.post('/v1/runs/search', { query: 'Zyzzogeton' });
      return items.map(({ id }: { id: string }) => id);
    };
    await expect.poll(found, { timeout: 25_000 }).toEqual([run.id]);
    expect(existsSync(join(server.folder, 'blobs'))).toBe(false);
    await client.ok('DELETE', `/v1/runs/${run.id}`);
    expect([...s3.objects.keys()].filter((key) => key.includes('/runs/'))).toEqual([]);
  });

  it('assets go through the server', async () => {
    const { asset_id, upload_url } = await announce();
    expect(upload_url).toContain(server.url);
    expect((await send(upload_url)).status).toBe(200);
    const { url } = (await call('POST', `/v1/asset-uploads/${asset_id}/confirmations`, {})).body;
    const read = await fetch(url, { redirect: 'error' });
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(BYTES);
  });

  it('assets go past the server where the operator wants it, and stay as they were confirmed', async () => {
    const other = await startPlatform({ settings: { ...s3.settings, 'blobs-direct': 'true' } });
    onTestFinished(() => other.stop());
    const { asset_id, upload_url } = await announce(other);
    expect(upload_url).toContain(s3.url);
    const confirm = () => call('POST', `/v1/asset-uploads/${asset_id}/confirmations`, {}, other);
    expect((await confirm()).status).toBe(409);
    expect((await send(upload_url, BYTES.subarray(1))).status).toBe(403);
    expect((await send(upload_url)).status).toBe(200);
    const confirmed = await confirm();
    expect(confirmed.status).toBe(201);
    // The address is still good, and leads nowhere that counts.
    expect((await send(upload_url, BYTES.toReversed())).status).toBe(200);
    expect((await confirm()).body.id).toBe(asset_id);

    const there = await fetch(confirmed.body.url, { redirect: 'manual' });
    expect([there.status, there.headers.get('cache-control')]).toEqual([302, 'no-store']);
    const read = await fetch(confirmed.body.url);
    expect(read.url).toContain(s3.url);
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(BYTES);
    expect(Object.fromEntries(read.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': "inline; filename*=UTF-8''red%20cat.png",
    });
    expect((await fetch(confirmed.body.url.replace(/expires=\d+/, 'expires=9999999999999'))).status).toBe(403);
  });

  it('a store that is away is told, and a file is whole once it is back', async () => {
    const { asset_id, upload_url } = await announce();
    s3.fail('PutObject', ...Array<'cut'>(6).fill('cut'));
    const answer = await send(upload_url);
    expect([answer.status, ((await answer.json()) as Wire).code]).toEqual([503, 'UNAVAILABLE']);
    expect((await send(upload_url)).status).toBe(200);
    expect((await call('POST', `/v1/asset-uploads/${asset_id}/confirmations`, {})).status).toBe(201);
  });

  it('a server does not start without its bucket, and says so; its keys are shown nowhere', async () => {
    const flags = Object.entries({ ...s3.settings, blobs: 's3://nowhere' }).flatMap(([flag, value]) => [
      `--${flag}`,
      value,
    ]);
    const refused = await runBinary(['serve', '--port', '0', '--data', join(server.folder, 'other'), ...flags]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Make the bucket, or name another')]);
    const config = await runBinary(['config', ...flags]);
    expect(config.stdout).toContain('blobsSecretKey = [set, not shown]');
    for (const said of [refused.stderr, config.stdout]) expect(said).not.toContain(s3.settings['blobs-secret-key']);
  });
});
