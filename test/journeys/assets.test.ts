import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

const BYTES = Buffer.from('\x89PNG and so on', 'latin1');

let server: TestServer;
beforeEach(async () => {
  server = await startPlatform();
});
afterEach(() => server.stop());

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Wire }> {
  const headers = {
    authorization: `Bearer ${KEY}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const answer = await fetch(server.url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

const announce = (size_bytes = BYTES.length) =>
  call('POST', '/v1/asset-uploads', { filename: 'red cat.png', mime_type: 'image/png', size_bytes });

const send = (url: string, bytes: Uint8Array<ArrayBuffer> = new Uint8Array(BYTES), type = 'image/png') =>
  fetch(url, { method: 'PUT', headers: { 'content-type': type }, body: bytes });

describe('an asset', () => {
  it('is announced, sent without a key, confirmed, and read by an address that carries its own right', async () => {
    const announced = await announce();
    expect(announced.status).toBe(201);
    const { asset_id, upload_url } = announced.body;
    expect((await send(upload_url)).status).toBe(200);
    const confirmed = await call('POST', `/v1/asset-uploads/${asset_id}/confirmations`, {});
    expect([confirmed.status, confirmed.body]).toEqual([
      201,
      expect.objectContaining({ id: asset_id, name: 'red cat.png', mime_type: 'image/png', size_bytes: BYTES.length }),
    ]);
    const read = await fetch(confirmed.body.url);
    expect(Buffer.from(await read.arrayBuffer())).toEqual(BYTES);
    expect(Object.fromEntries(read.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': "inline; filename*=UTF-8''red%20cat.png",
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    });
    const again = await call('POST', `/v1/asset-uploads/${asset_id}/confirmations`, {});
    expect([again.status, again.body.id]).toEqual([201, asset_id]);
    expect((await call('GET', `/v1/assets/${asset_id}`)).body.url).toBe(confirmed.body.url);
  });

  it('is not confirmed before its bytes are there', async () => {
    const { asset_id } = (await announce()).body;
    const answer = await call('POST', `/v1/asset-uploads/${asset_id}/confirmations`, {});
    expect([answer.status, answer.body.code]).toEqual([409, 'CONFLICT']);
    expect((await call('GET', `/v1/assets/${asset_id}`)).body.code).toBe('ASSET_NOT_FOUND');
  });

  it.each([
    ['fewer bytes', BYTES.length + 1, 'image/png'],
    ['more bytes', BYTES.length - 1, 'image/png'],
    ['another type', BYTES.length, 'text/html'],
  ])('is refused with %s than announced', async (_, size, type) => {
    const { upload_url } = (await announce(size)).body;
    const answer = await send(upload_url, undefined, type);
    expect([answer.status, ((await answer.json()) as Wire).code]).toEqual([422, 'VALIDATION_ERROR']);
  });

  it('is neither sent nor read by an address that was changed', async () => {
    const { asset_id, upload_url } = (await announce()).body;
    expect((await send(upload_url.replace(/expires=\d+/, 'expires=9999999999999'))).status).toBe(403);
    expect((await send(upload_url)).status).toBe(200);
    const { url } = (await call('POST', `/v1/asset-uploads/${asset_id}/confirmations`)).body;
    for (const changed of [
      url.replace(/expires=\d+/, 'expires=9999999999999'),
      url.replace(/org=[^&]+/, 'org=another'),
      `${url}x`,
      upload_url.replace('asset-uploads', 'asset-content').replace('/content?', '?'),
    ]) {
      expect((await fetch(changed)).status, changed).toBe(403);
    }
  });
});
