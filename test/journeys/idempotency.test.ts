import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startPlatform();
});
afterEach(() => server.stop());

async function post(
  path: string,
  key: string,
  body: object,
): Promise<{ status: number; replayed: boolean; body: { id: string; code: string } }> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
  const replayed = answer.headers.get('idempotent-replayed') === 'true';
  return { status: answer.status, replayed, body: (await answer.json()) as { id: string; code: string } };
}

describe('a request with an Idempotency-Key', () => {
  it('whose answer holds a secret is not kept: a repetition makes another', async () => {
    const [first, again] = [await post('/v1/callback-secrets', 'k1', {}), await post('/v1/callback-secrets', 'k1', {})];
    expect([first.status, again.status, again.replayed]).toEqual([201, 201, false]);
    expect(again.body.id).not.toBe(first.body.id);
  });

  it('that failed can be tried again', async () => {
    const path = '/v1/runs/none/callback-redeliveries';
    const answers = [await post(path, 'k2', {}), await post(path, 'k2', { other: true })];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [404, 'RUN_NOT_FOUND'],
      [404, 'RUN_NOT_FOUND'],
    ]);
  });

  it('that is too long is refused', async () => {
    const answer = await post('/v1/runs/none/callback-redeliveries', 'k'.repeat(256), {});
    expect([answer.status, answer.body.code]).toEqual([422, 'VALIDATION_ERROR']);
  });
});
