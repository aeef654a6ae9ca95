import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import type { Answer, Wire } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let receiver: OtherServer;
let refusing = false;
let runflow: RunflowClient;
let flow: string;
beforeEach(async () => {
  refusing = false;
  receiver = await startOtherServer((_, response) => response.writeHead(refusing ? 410 : 200).end('ok'));
  server = await startPlatform();
  runflow = new RunflowClient(server);
  flow = `/v1/flows/${(await server.client.save(GREETING)).id}`;
});
afterEach(async () => {
  await server.stop();
  await receiver.stop();
});

const batchOf = (names: readonly string[], more: object = {}): Promise<Answer> =>
  runflow.send('POST', `${flow}/batches`, {
    input: names.map((Name) => ({ Name, client_ref: `for ${Name}` })),
    ...more,
  });

const ended = async (path: string): Promise<Wire> => {
  await expect.poll(async () => (await runflow.get(path)).completed_at).not.toBeNull();
  return runflow.get(path);
};

describe('a batch', () => {
  it('is as many runs as it has inputs, each to be found by its label and its batch', async () => {
    const made = await batchOf(['Ada', 'Grace', 'Edsger'], { metadata: { order: 7 } });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ items_total: 3, target_type: 'flow', metadata: { order: 7 } });
    const batch = await ended(`/v1/batches/${made.body.id}`);
    expect(batch).toMatchObject({ status_code: 'succeeded', items_succeeded: 3, items_failed: 0, items_cancelled: 0 });
    expect(batch.items.map((item: Wire) => [item.sequence_index, item.client_ref, item.status_code])).toEqual([
      [0, 'for Ada', 'succeeded'],
      [1, 'for Grace', 'succeeded'],
      [2, 'for Edsger', 'succeeded'],
    ]);
    const query = { q: `batch_id:'${batch.id}' AND client_ref:'for Grace'`, fields: 'id,output,source_code' };
    const found = { id: batch.items[1].run_id, output: { Greeting: 'Hello Grace' }, source_code: 'batch' };
    expect(await runflow.items('/v1/runs', query)).toEqual([found]);
    const [item] = await runflow.items(`/v1/batches/${batch.id}/items`, { q: 'sequence_index:2', embed: 'run' });
    expect(item).toMatchObject({ output: { Greeting: 'Hello Edsger' }, run: { batch_id: batch.id } });
    expect(await runflow.get(`/v1/batches/any/items/${item.id}`)).toMatchObject({ run_id: item.run_id });
    expect(await runflow.items('/v1/batches', { q: 'status_code:succeeded AND items_total:3' })).toHaveLength(1);
    expect(await runflow.items('/v1/batches', { q: 'status_code:failed' })).toEqual([]);
  });

  it('is refused whole when one input is wrong, and says which', async () => {
    const answer = await runflow.send('POST', `${flow}/batches`, { input: [{ Name: 'Ada' }, { Nmae: 'Grace' }] });
    expect([answer.status, answer.body.code]).toEqual([422, 'VALIDATION_ERROR']);
    expect(await runflow.items('/v1/runs')).toEqual([]);
    expect(await runflow.items('/v1/batches')).toEqual([]);
  });

  it('of none or of more than 100 is refused', async () => {
    const many = Array.from({ length: 101 }, () => 'Ada');
    for (const names of [[], many]) expect((await batchOf(names)).status).toBe(422);
  });

  it('tells its receiver once, when its last run has ended, and again when asked to', async () => {
    const { body: made } = await batchOf(['Ada', 'Grace'], { callback_url: receiver.url });
    const batch = await ended(`/v1/batches/${made.id}`);
    await receiver.got(1);
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      event: 'batch.succeeded',
      batch_id: batch.id,
      status: 'succeeded',
      output: { succeeded: 2, failed: 0, cancelled: 0, total: 2 },
    });
    const deliveries = `/v1/batches/${batch.id}/callback`;
    await expect.poll(() => runflow.get(deliveries)).toMatchObject([{ status_code: 'succeeded', is_automatic: true }]);
    const again = await runflow.send('POST', `/v1/batches/${batch.id}/callback-redeliveries`);
    expect([again.status, again.body.is_automatic]).toEqual([201, false]);
    await receiver.got(2);
    expect(receiver.received).toHaveLength(2);
  });

  it('whose runs are stopped is canceled', async () => {
    const waiting = { nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }], edges: [] };
    flow = `/v1/flows/${(await server.client.save(waiting)).id}`;
    const { body: made } = await runflow.send('POST', `${flow}/batches`, { input: [{}, {}] });
    const stopped = await runflow.send('POST', `/v1/batches/${made.id}/cancellation`);
    expect(stopped.body).toMatchObject({ status_code: 'canceled', items_cancelled: 2 });
  });
});

describe('a callback of a run', () => {
  const dispatch = (more: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    runflow.send('POST', `${flow}/runs`, { input: { Name: 'Ada' }, callback_url: receiver.url, ...more }, headers);

  it('is signed over its raw body by the current secret, and not at all without one', async () => {
    await dispatch();
    await receiver.got(1);
    expect(receiver.received[0]!.headers).not.toHaveProperty('runflow-signature');
    const { body: old } = await runflow.send('POST', '/v1/callback-secrets', { label: 'old' });
    const { body: secret } = await runflow.send('POST', '/v1/callback-secrets', { label: 'new' });
    expect(secret).toMatchObject({ label: 'new', is_current: true, key_prefix: secret.plain_secret.slice(0, 12) });
    const run = (await dispatch({ metadata: { a: 1 } })).body;
    await receiver.got(2);
    const { headers, body } = receiver.received[1]!;
    expect(headers['runflow-signature']).toBe(createHmac('sha256', secret.plain_secret).update(body).digest('hex'));
    expect(headers['runflow-request-id']).toBe(run.request_id);
    expect(JSON.parse(body)).toMatchObject({
      event: 'run.completed',
      run_id: run.id,
      status: 'succeeded',
      output: { Greeting: 'Hello Ada' },
      metadata: { a: 1 },
    });
    await expect
      .poll(() => runflow.get(`/v1/runs/${run.id}/callback`))
      .toMatchObject([{ signing_secret_id: secret.id, payload_bytes: body, attempts: [{ status_code: 200 }] }]);
    const listed = await runflow.items('/v1/callback-secrets');
    expect(listed.map((one) => [one.id, one.is_current, one.plain_secret])).toEqual([
      [secret.id, true, undefined],
      [old.id, false, undefined],
    ]);
    expect((await runflow.send('DELETE', `/v1/callback-secrets/${secret.id}`)).body.is_current).toBe(false);
  });

  it('that was given up can be delivered again, with the run as it stands, but not while one is on its way', async () => {
    refusing = true;
    const { body: run } = await dispatch();
    const deliveries = `/v1/runs/${run.id}/callback`;
    await expect.poll(() => runflow.get(deliveries)).toMatchObject([{ status_code: 'failed' }]);
    refusing = false;
    await runflow.send('PATCH', `/v1/runs/${run.id}/feedback`, { is_positive: true });
    expect((await runflow.send('POST', `/v1/runs/${run.id}/callback-redeliveries`)).status).toBe(201);
    await expect.poll(async () => (await runflow.get(deliveries)).at(-1).status_code).toBe('succeeded');
    const { body: quiet } = await dispatch({ callback_url: null });
    const refused = await runflow.send('POST', `/v1/runs/${quiet.id}/callback-redeliveries`);
    expect([refused.status, refused.body.errors[0].type]).toEqual([422, 'conflict']);
  });
});

describe('a request whose process died before its answer was kept', () => {
  const key = { 'idempotency-key': 'lost' };
  let folder: string;
  beforeEach(async () => {
    await server.stop();
    folder = mkdtempSync(join(tmpdir(), 'millrun-lost-'));
    server = await startPlatform({ folder });
    runflow = new RunflowClient(server);
    flow = `/v1/flows/${(await server.client.save(GREETING)).id}`;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Stops the server and starts it again on a store that has what the request made, and its key without an answer. */
  async function loseTheAnswer(): Promise<void> {
    const { group_id: workspaceId } = await server.client.get('/v1/admin/me');
    await server.stop();
    const forget = async (store: Store): Promise<void> => {
      const request = await store.getIdempotentRequest(workspaceId, 'lost');
      await store.commit([{ kind: 'answerRequest', request: { ...request!, answer: null } }]);
    };
    server = await startPlatform({ folder, prepare: forget });
    runflow = new RunflowClient(server);
  }

  it.each([
    ['run', 'runs', { input: { Name: 'Ada' } }],
    ['batch', 'batches', { input: [{ Name: 'Ada' }, { Name: 'Grace' }] }],
  ])('gives the %s that it made when it is repeated, and makes no other', async (_, list, body) => {
    const made = await runflow.send('POST', `${flow}/${list}`, body, key);
    await loseTheAnswer();
    const again = await runflow.send('POST', `${flow}/${list}`, body, key);
    expect([again.status, again.body.id]).toEqual([201, made.body.id]);
    expect(await runflow.items(`/v1/${list}`)).toHaveLength(1);
  });
});

describe('a dispatch with an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'order-7' };
  const dispatch = (Name: string): Promise<Answer> => runflow.send('POST', `${flow}/runs`, { input: { Name } }, key);

  it('that is repeated gets the answer of the first, and makes no other run', async () => {
    const [first, again] = [await dispatch('Ada'), await dispatch('Ada')];
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await runflow.items('/v1/runs')).toHaveLength(1);
  });

  it('that comes with another body is a conflict', async () => {
    await dispatch('Ada');
    const other = await dispatch('Grace');
    expect([other.status, other.body.code]).toEqual([409, 'CONFLICT']);
  });

  it('that is sent several times at once makes one run', async () => {
    const answers = await Promise.all([dispatch('Ada'), dispatch('Ada'), dispatch('Ada')]);
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(1);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    expect(await runflow.items('/v1/runs')).toHaveLength(1);
  });
});
