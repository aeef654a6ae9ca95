import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebPages } from './web-pages.ts';

const PERSON = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('the page of the explorer', () => {
  let root: string;
  let app: FastifyInstance;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'millrun-web-'));
    writeFileSync(join(root, 'secret.txt'), 'not for you');
    const pages = new WebPages(join(root, 'dist'));
    app = fastify();
    pages.serve(app);
    app.setNotFoundHandler((request, reply) => {
      if (!pages.answer(request, reply)) reply.code(404).send({ detail: 'none' });
    });
  });
  afterEach(async () => {
    await app.close();
    rmSync(root, { recursive: true });
  });

  function build(): void {
    mkdirSync(join(root, 'dist/assets'), { recursive: true });
    writeFileSync(join(root, 'dist/index.html'), '<!doctype html><meta nonce="%CSP_NONCE%"><title>Runs</title>');
    writeFileSync(join(root, 'dist/assets/index-abc.js'), 'script');
    writeFileSync(join(root, 'dist/assets/index-abc.js.br'), 'smaller');
    writeFileSync(join(root, 'dist/assets/index-abc.js.gz'), 'small');
  }

  it('is one that says how to build it, where it was not built', async () => {
    const answer = await app.inject({ url: '/', headers: PERSON });
    expect([answer.statusCode, answer.body]).toEqual([200, expect.stringContaining('build-web')]);
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
  });

  it('is the answer to every path that a person opens, and to none of a program', async () => {
    build();
    for (const url of ['/', '/runs', '/runs/01a2?tab=logs', '/workflows/x/edit']) {
      const answer = await app.inject({ url, headers: PERSON });
      expect([answer.statusCode, answer.body]).toEqual([200, expect.stringContaining('<title>Runs')]);
      expect(answer.headers['cache-control']).toBe('no-cache');
      const security = String(answer.headers['content-security-policy']);
      expect(security).toContain("script-src 'self';");
      expect(security).toContain("frame-ancestors 'none'");
      expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    }
    for (const url of [
      '/v1/nope',
      '/noxus/x',
      '/runflow',
      '/explorer/v1/x',
      '/metrics/x',
      '/healthz/x',
      '/assets/none.js',
    ]) {
      expect((await app.inject({ url, headers: PERSON })).statusCode, url).toBe(404);
    }
    expect((await app.inject({ url: '/runs', headers: { accept: '*/*' } })).statusCode).toBe(404);
    expect((await app.inject({ method: 'POST', url: '/runs', headers: PERSON })).statusCode).toBe(404);
  });

  it('names its own styles by a nonce that is new in each answer', async () => {
    build();
    const nonces = new Set<string>();
    for (let asked = 0; asked < 3; asked += 1) {
      const answer = await app.inject({ url: '/runs', headers: PERSON });
      const nonce = /nonce="([^"]{24})"/.exec(answer.body)?.[1] ?? 'none';
      expect(answer.headers['content-security-policy']).toContain(`style-src 'self' 'nonce-${nonce}';`);
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(3);
  });

  it('is told from the last one by its content, and read again when it was built anew', async () => {
    build();
    const first = await app.inject({ url: '/' });
    const again = { 'if-none-match': String(first.headers['etag']) };
    expect((await app.inject({ url: '/', headers: again })).statusCode).toBe(304);
    writeFileSync(join(root, 'dist/index.html'), '<!doctype html><title>New</title>');
    utimesSync(join(root, 'dist/index.html'), 1, 1);
    const next = await app.inject({ url: '/', headers: again });
    expect([next.statusCode, next.body]).toEqual([200, expect.stringContaining('New')]);
  });

  it('has files that are kept for ever, and sent in the form that the browser reads', async () => {
    build();
    const url = '/assets/index-abc.js';
    const plain = await app.inject({ url });
    expect([plain.statusCode, plain.body, plain.headers['content-encoding']]).toEqual([200, 'script', undefined]);
    expect(plain.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'accept-encoding',
    });
    const brotli = await app.inject({ url, headers: { 'accept-encoding': 'gzip, deflate, br' } });
    expect([brotli.body, brotli.headers['content-encoding']]).toEqual(['smaller', 'br']);
    const gzip = await app.inject({ url, headers: { 'accept-encoding': 'gzip' } });
    expect([gzip.body, gzip.headers['content-encoding']]).toEqual(['small', 'gzip']);
  });

  it('shows no file outside its folder', async () => {
    build();
    for (const url of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/%00.txt',
      '/%',
    ]) {
      const answer = await app.inject({ url });
      expect(answer.body, url).not.toContain('not for you');
    }
  });
});
