import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import { v7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pendingPersonRequest } from '../../test/support/person-requests.ts';
import { BlobMissing } from '../blobs/blobs.ts';
import type { Delivery, DeliveryAttempt } from '../domain/callback.ts';
import { payloadReference } from '../domain/payload.ts';
import type { Run } from '../domain/run.ts';
import type { Change, Write } from '../store/change.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { createGuardedHttp } from '../system/guarded-http.ts';
import type { HttpClient } from '../system/http-client.ts';
import { Callbacks, type CallbacksParts } from './callbacks.ts';

const WORKSPACE = '0194690a-0000-7000-8000-000000000001';
const SECRET = `whsec_${Buffer.from('a key of thirty-two bytes, yes!!').toString('base64')}`;

interface Received {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = (response: ServerResponse, number: number) => unknown;

const answered =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

let folder: string;
let store: Store;
let http: HttpClient;
let server: Server;
let received: Received[];
let answer: Answer;
let started: Callbacks[];
/** The platform's clock: moves only when a test moves it. */
let now: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrun-callbacks-'));
  store = openSqliteStore(folder);
  http = createGuardedHttp({ allow: ['127.0.0.1'] });
  received = [];
  started = [];
  answer = answered(204);
  now = Date.now();
  server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await Promise.all(started.map((callbacks) => callbacks.stop(0)));
  await http.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await store.close();
  await rm(folder, { recursive: true });
});

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  received.push({ method: request.method ?? '', headers, body: Buffer.concat(chunks).toString() });
  answer(response, received.length);
}

const hook = (path = '/hook'): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

async function start(parts: Partial<CallbacksParts> = {}): Promise<Callbacks> {
  const callbacks = new Callbacks({
    store,
    system: { now: () => now, elapsed: () => now, newId: v7, random: () => 0.5 },
    http,
    log: pino({ level: 'silent' }),
    version: '1.2.3',
    readPayload: async (payload) => payload,
    presentRun: {
      noxus: (run, output) => `{"run":"${run.id}","output":${output}}`,
      runflow: (run, output) => `{"run_id":"${run.id}","output":${output}}`,
    },
    presentPersonRequest: {
      noxus: (run, request) => `{"run":"${run.id}","asked":"${request.id}"}`,
      runflow: (run, request) => `{"run_id":"${run.id}","asked":"${request.id}"}`,
    },
    presentBatch: (batch) => `{"batch_id":"${batch.id}"}`,
    callbackSecretText: (secretId) => `whsec_${secretId}`,
    deriveSecret: () => SECRET,
    ...parts,
  });
  started.push(callbacks);
  await callbacks.start();
  return callbacks;
}

async function restartStore(): Promise<void> {
  await store.close();
  store = openSqliteStore(folder);
}

function finishedRun(callbackUrl: string | null, output = '{"Answer":"42"}'): Run {
  return {
    id: v7(),
    workspaceId: WORKSPACE,
    workflowId: '0194690a-0000-7000-8000-000000000002',
    workflowVersionId: '0194690a-0000-7000-8000-000000000003',
    versionPinned: false,
    status: 'succeeded',
    revision: 1,
    progress: 100,
    createdAt: now,
    startedAt: now,
    finishedAt: now,
    source: 'api',
    nodeIds: null,
    singleNodeId: null,
    input: '{}',
    output,
    failure: null,
    kind: 'flow',
    nodesTotal: 0,
    nodesCompleted: 0,
    meta: null,
    context: null,
    clientRef: null,
    batchId: null,
    requestId: null,
    cost: null,
    costBreakdown: null,
    feedback: null,
    dialect: 'noxus',
    callbackUrl,
    apiKeyId: null,
    tracing: false,
    trace: null,
    debugger: null,
    parent: null,
    subflows: null,
  };
}

function finish(run: Run): Change {
  const { workspaceId, id: runId, workflowId, status } = run;
  const wants = run.callbackUrl === null ? {} : { callback: true as const };
  return [
    { kind: 'createRun', run },
    {
      kind: 'appendEvent',
      event: { workspaceId, runId, workflowId, at: now, kind: 'finished', data: { status, progress: 100, ...wants } },
    },
  ];
}

async function finishRun(callbackUrl: string | null = hook()): Promise<Run> {
  const run = finishedRun(callbackUrl);
  await store.commit(finish(run));
  return run;
}

type Kept = { readonly delivery: Delivery; readonly attempts: readonly DeliveryAttempt[] };

const deliveriesOf = (run: Run): Promise<Kept[]> => store.listDeliveries(WORKSPACE, run.id);

/** The run's only delivery, once the store keeps it the way that is waited for. */
async function deliveryWhen(run: Run, isSo: (delivery: Delivery) => boolean): Promise<Kept> {
  for (;;) {
    const changed = Promise.withResolvers<void>();
    const unsubscribe = store.onLog(() => changed.resolve());
    try {
      const kept = await deliveriesOf(run);
      expect(kept.length).toBeLessThanOrEqual(1);
      if (kept[0] !== undefined && isSo(kept[0].delivery)) return kept[0];
      await changed.promise;
    } finally {
      unsubscribe();
    }
  }
}

const afterAttempts = (run: Run, count: number) => deliveryWhen(run, ({ attemptCount }) => attemptCount >= count);
const whenOver = (run: Run) => deliveryWhen(run, ({ status }) => status !== 'pending');

/** Moves the clock to the next try. */
async function nextTry(callbacks: Callbacks): Promise<void> {
  now = (await store.nextDeliveryAt()) ?? now;
  callbacks.wake();
}

describe('what a receiver gets', () => {
  test('a finished run is posted to its callback_url, signed so that the Standard Webhooks library accepts it', async () => {
    await start();
    const run = await finishRun();
    const { delivery, attempts } = await whenOver(run);

    expect(received).toHaveLength(1);
    const [{ method, headers, body }] = received as [Received];
    expect(method).toBe('POST');
    expect(body).toBe(`{"run":"${run.id}","output":{"Answer":"42"}}`);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Millrun/1.2.3',
      'webhook-id': delivery.id,
      'webhook-timestamp': String(Math.floor(now / 1000)),
    });
    expect(new Webhook(SECRET).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow('No matching signature');

    expect(delivery).toMatchObject({ status: 'delivered', attemptCount: 1, nextAttemptAt: null, finishedAt: now });
    expect(attempts).toEqual([
      { deliveryId: delivery.id, attempt: 1, at: now, durationMs: 0, httpStatus: 204, error: null, response: null },
    ]);
  });

  test('a person who is asked is told of once, by a delivery of its own, also when the run goes on', async () => {
    await start();
    const run: Run = { ...finishedRun(hook()), status: 'running', finishedAt: null, output: null };
    const { workspaceId, id: runId, workflowId } = run;
    const system = { now: () => now, elapsed: () => now, newId: v7, random: () => 0.5 };
    const requests = [pendingPersonRequest(run, system), pendingPersonRequest(run, system)];
    const data = { status: 'running', progress: 0, asked: requests.map(({ id }) => id) } as const;
    const advanced = { workspaceId, runId, workflowId, at: now, kind: 'advanced', data } as const;
    await store.commit([
      { kind: 'createRun', run },
      ...requests.map((request): Write => ({ kind: 'createPersonRequest', request })),
      { kind: 'appendEvent', event: advanced },
      { kind: 'appendEvent', event: { ...advanced, data: { status: 'running', progress: 0 } } },
    ]);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    const bodies = requests.map(({ id }) => `{"run":"${run.id}","asked":"${id}"}`);
    expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
    const ids = new Set(received.map(({ headers }) => headers['webhook-id']));
    expect(ids).toEqual(new Set((await deliveriesOf(run)).map(({ delivery }) => delivery.id)));
  });

  test('each workspace has its own key', async () => {
    const asked: string[] = [];
    await start({
      deriveSecret: (workspaceId) => {
        asked.push(workspaceId);
        return SECRET;
      },
    });
    await whenOver(await finishRun());
    expect(asked).toEqual([WORKSPACE]);
  });

  test('a large output is read from where it lies', async () => {
    await start({ readPayload: async (payload) => JSON.stringify({ from: payload }) });
    const run = finishedRun(hook(), payloadReference('runs/r/b', 1_000_000));
    await store.commit(finish(run));
    await whenOver(run);
    expect(received[0]?.body).toBe(`{"run":"${run.id}","output":{"from":"@1000000:runs/r/b"}}`);
  });

  test('a run whose large output is lost is still told, without it', async () => {
    await start({ readPayload: () => Promise.reject(new BlobMissing('runs/r/b')) });
    const run = finishedRun(hook(), payloadReference('runs/r/b', 1_000_000));
    await store.commit(finish(run));
    await whenOver(run);
    expect(received[0]?.body).toBe(`{"run":"${run.id}","output":null}`);
  });

  test('a run without a callback_url is told to nobody', async () => {
    await start();
    const silent = await finishRun(null);
    await whenOver(await finishRun());
    expect(await deliveriesOf(silent)).toEqual([]);
    expect(received).toHaveLength(1);
  });
});

describe('retries', () => {
  test('a delivery is tried again until it is taken, under the same id, and every attempt is kept', async () => {
    answer = (response, number) =>
      (number < 3 ? answered(503, `busy ${number}`) : answered(200, 'thanks'))(response, number);
    const callbacks = await start();
    const first = now;
    const run = await finishRun();
    await afterAttempts(run, 1);
    await nextTry(callbacks);
    await afterAttempts(run, 2);
    await nextTry(callbacks);
    const { delivery, attempts } = await whenOver(run);

    expect(delivery).toMatchObject({ status: 'delivered', attemptCount: 3 });
    expect(
      attempts.map(({ attempt, at, httpStatus, response }) => ({ attempt, at: at - first, httpStatus, response })),
    ).toEqual([
      { attempt: 1, at: 0, httpStatus: 503, response: 'busy 1' },
      { attempt: 2, at: 3_750, httpStatus: 503, response: 'busy 2' },
      { attempt: 3, at: 3_750 + 18_750, httpStatus: 200, response: 'thanks' },
    ]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([delivery.id]));
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    for (const { headers, body } of received) expect(new Webhook(SECRET).verify(body, headers)).toBeTruthy();
    expect(new Set(received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
  });

  test('retries survive closing and opening the store', async () => {
    answer = answered(500);
    const callbacks = await start();
    const run = await finishRun();
    await afterAttempts(run, 1);
    await callbacks.stop(1000);
    await restartStore();

    answer = answered(200);
    now = (await store.nextDeliveryAt()) ?? 0;
    await start();
    const { delivery, attempts } = await whenOver(run);
    expect(delivery.status).toBe('delivered');
    expect(attempts.map(({ httpStatus }) => httpStatus)).toEqual([500, 200]);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([delivery.id, delivery.id]);
  });

  test('nothing is sent before its time', async () => {
    answer = answered(500);
    const callbacks = await start();
    const run = await finishRun();
    const { delivery } = await afterAttempts(run, 1);
    now = delivery.nextAttemptAt! - 1;
    callbacks.wake();
    // A later run's delivery shows that the look which passed the first one by has been taken.
    await afterAttempts(await finishRun(), 1);
    expect(received).toHaveLength(2);
    expect((await deliveriesOf(run))[0]?.delivery.attemptCount).toBe(1);
  });

  test('the wait that a receiver asks for is respected', async () => {
    answer = answered(429, '', { 'retry-after': '600' });
    await start();
    const { delivery } = await afterAttempts(await finishRun(), 1);
    expect(delivery.nextAttemptAt).toBe(now + 600_000);
  });

  test('an answer of 410 ends the delivery at once', async () => {
    answer = answered(410, 'moved out');
    await start();
    const { delivery, attempts } = await whenOver(await finishRun());
    expect(delivery).toMatchObject({ status: 'failed', attemptCount: 1, nextAttemptAt: null });
    expect(attempts[0]).toMatchObject({ httpStatus: 410, response: 'moved out' });
    expect(await store.nextDeliveryAt()).toBeNull();
  });

  test('a receiver that never takes it is given up after ten attempts', async () => {
    answer = answered(500);
    const callbacks = await start();
    const run = await finishRun();
    for (let tries = 1; tries < 10; tries += 1) {
      await afterAttempts(run, tries);
      await nextTry(callbacks);
    }
    const { delivery, attempts } = await whenOver(run);
    expect(delivery).toMatchObject({ status: 'failed', attemptCount: 10, nextAttemptAt: null });
    expect(attempts).toHaveLength(10);
  });
});

describe('receivers that misbehave', () => {
  test('a redirect is not followed', async () => {
    answer = answered(302, '', { location: hook('/elsewhere') });
    await start();
    const { delivery, attempts } = await afterAttempts(await finishRun(), 1);
    expect(delivery.status).toBe('pending');
    expect(attempts[0]).toMatchObject({ httpStatus: 302, error: expect.stringContaining('final address') });
    expect(received).toHaveLength(1);
  });

  test('a receiver that does not answer in time is tried again', async () => {
    answer = () => {};
    await start({ attemptTimeoutMs: 100 });
    const { delivery, attempts } = await afterAttempts(await finishRun(), 1);
    expect(delivery.status).toBe('pending');
    expect(attempts[0]).toMatchObject({ httpStatus: null, error: 'No answer within 0.1 s.', response: null });
  });

  test('an answer that never ends counts by its status', async () => {
    answer = (response) => response.writeHead(200).write('so far');
    await start({ attemptTimeoutMs: 100 });
    const { delivery, attempts } = await whenOver(await finishRun());
    expect(delivery.status).toBe('delivered');
    expect(attempts[0]).toMatchObject({ httpStatus: 200, error: null, response: 'so far' });
  });

  test('of a long answer the first thousand characters are kept', async () => {
    answer = answered(200, 'é'.repeat(5_000_000));
    await start();
    const { delivery, attempts } = await whenOver(await finishRun());
    expect(delivery.status).toBe('delivered');
    expect(attempts[0]?.response).toBe('é'.repeat(1000));
  });

  test('a connection that is closed without an answer is tried again', async () => {
    answer = (response) => response.destroy();
    await start();
    const { delivery, attempts } = await afterAttempts(await finishRun(), 1);
    expect(delivery.status).toBe('pending');
    expect(attempts[0]).toMatchObject({ httpStatus: null, error: expect.stringContaining('cannot be reached') });
  });

  test('an address that is not public is never called', async () => {
    await http.close();
    http = createGuardedHttp({ allow: [] });
    await start();
    const { attempts } = await afterAttempts(await finishRun(), 1);
    expect(attempts[0]).toMatchObject({ httpStatus: null, error: expect.stringContaining('not a public address') });
    expect(received).toEqual([]);
  });

  test('one receiver that stalls does not hold up the others', async () => {
    const stalled = Promise.withResolvers<ServerResponse>();
    answer = (response, number) => (number === 1 ? stalled.resolve(response) : answered(204)(response, number));
    await start();
    const slow = await finishRun();
    const held = await stalled.promise;
    for (let count = 0; count < 20; count += 1) await whenOver(await finishRun());
    expect((await deliveriesOf(slow))[0]?.delivery.status).toBe('pending');
    answered(204)(held, 1);
    expect((await whenOver(slow)).delivery.status).toBe('delivered');
  });

  test('no more than eight deliveries are on their way at once, and all arrive', async () => {
    let open = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    answer = async (response) => {
      open += 1;
      most = Math.max(most, open);
      if (open === 8) {
        // Every chance for a ninth to arrive.
        for (let turn = 0; turn < 200; turn += 1) await nextTurn();
        full.resolve();
      }
      await full.promise;
      open -= 1;
      response.writeHead(204).end();
    };
    const runs = Array.from({ length: 40 }, () => finishedRun(hook()));
    await store.commit(runs.flatMap(finish));
    await start();
    for (const run of runs) await whenOver(run);
    expect(received).toHaveLength(40);
    expect(most).toBe(8);
  });
});

describe('crashes and restarts', () => {
  test('a delivery that was taken is not sent again because the store failed to record it', async () => {
    const beside = new DatabaseSync(join(folder, 'millrun.db'));
    beside.exec(
      `create trigger full before insert on delivery_attempts begin select raise(abort, 'the disk is full'); end`,
    );
    const failed = Promise.withResolvers<string>();
    await start({ log: pino({}, { write: failed.resolve }) });
    const run = await finishRun();
    expect(await failed.promise).toContain('the disk is full');
    beside.exec('drop trigger full');
    beside.close();
    const { delivery, attempts } = await whenOver(run);
    expect(delivery.status).toBe('delivered');
    expect(attempts).toHaveLength(1);
    expect(received).toHaveLength(1);
  });

  test('a run that finished while nobody listened is told once the platform runs again', async () => {
    const run = await finishRun();
    await restartStore();
    await start();
    expect((await whenOver(run)).delivery.status).toBe('delivered');
    expect(received).toHaveLength(1);
  });

  test('a process that dies after making a delivery makes no second one', async () => {
    const stalled = Promise.withResolvers<void>();
    answer = () => stalled.resolve();
    const callbacks = await start();
    const run = await finishRun();
    await stalled.promise;
    // Cut off in the middle of a try, as by a crash: nothing of it is recorded.
    await callbacks.stop(0);
    const [made] = await deliveriesOf(run);
    expect(made).toMatchObject({ delivery: { status: 'pending', attemptCount: 0 }, attempts: [] });
    await restartStore();

    answer = answered(204);
    await start();
    const { delivery, attempts } = await whenOver(run);
    expect(delivery.id).toBe(made?.delivery.id);
    expect(attempts).toHaveLength(1);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([delivery.id, delivery.id]);
  });

  test('two that follow the same log make one delivery of each run', async () => {
    await start();
    await start();
    const runs: Run[] = [];
    for (let count = 0; count < 30; count += 1) runs.push(await finishRun());
    for (const run of runs) {
      await whenOver(run);
      expect(await deliveriesOf(run)).toHaveLength(1);
    }
  });

  describe('another process that is ahead in the log', () => {
    /** Begins on two runs, and lets another process keep a position while the first output is being read. */
    async function overtaken(position: number, made: (first: Run, second: Run) => readonly Run[]): Promise<[Run, Run]> {
      const entered = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      const runs: [Run, Run] = [finishedRun(hook()), finishedRun(hook())];
      await store.commit([...runs.flatMap(finish), ...finish(finishedRun(null))]);
      await start({
        readPayload: async (payload) => {
          entered.resolve();
          await released.promise;
          return payload;
        },
      });
      await entered.promise;
      const deliveries = made(...runs).map((run) => ({
        kind: 'createDelivery' as const,
        delivery: {
          id: v7(),
          workspaceId: WORKSPACE,
          subject: 'run' as const,
          subjectId: run.id,
          dialect: 'noxus' as const,
          isAutomatic: true,
          requestId: null,
          signingSecretId: null,
          url: hook(),
          body: '{"by":"another"}',
          status: 'pending' as const,
          attemptCount: 0,
          maxAttempts: 10,
          nextAttemptAt: now,
          createdAt: now,
          finishedAt: null,
        },
      }));
      const followed = { kind: 'followed', follower: 'callbacks', position, before: 0 } as const;
      expect(await store.commit([followed, ...deliveries])).toBe('kept');
      released.resolve();
      return runs;
    }

    test('leaves the rest to be made, and nothing twice', async () => {
      const runs = await overtaken(1, (first) => [first]);
      expect((await whenOver(runs[1])).delivery.body).toContain(runs[1].id);
      expect((await whenOver(runs[0])).delivery.body).toBe('{"by":"another"}');
      expect(await store.followerPosition('callbacks')).toBe(2);
    });

    test('is not set back', async () => {
      const runs = await overtaken(3, (first, second) => [first, second]);
      const positions: number[] = [];
      store.onLog(() => void store.followerPosition('callbacks').then((position) => positions.push(position)));
      await whenOver(await finishRun());
      for (const run of runs) expect((await whenOver(run)).delivery.body).toBe('{"by":"another"}');
      expect(received).toHaveLength(3);
      expect(await store.followerPosition('callbacks')).toBe(4);
      expect(Math.min(...positions)).toBe(3);
    });
  });

  test('the position is kept now and then even when no run wants a callback', async () => {
    await store.commit(Array.from({ length: 3000 }, () => finish(finishedRun(null))[1]!));
    await start();
    await store.commit(Array.from({ length: 3000 }, () => finish(finishedRun(null))[1]!));
    while ((await store.followerPosition('callbacks')) === 0) {
      await new Promise<void>((resolve) => {
        const unsubscribe = store.onLog(() => {
          unsubscribe();
          resolve();
        });
      });
    }
    expect(await store.followerPosition('callbacks')).toBeGreaterThanOrEqual(5000);
  });

  test('stopping waits for the delivery that is on its way', async () => {
    const stalled = Promise.withResolvers<ServerResponse>();
    answer = (response) => stalled.resolve(response);
    const callbacks = await start();
    const run = await finishRun();
    const response = await stalled.promise;
    const stopped = callbacks.stop(60_000);
    response.writeHead(204).end();
    await stopped;
    expect((await deliveriesOf(run))[0]?.delivery.status).toBe('delivered');
  });

  test('a run that was deleted before its delivery was made is told to nobody', async () => {
    const deleted = await finishRun();
    await store.commit([{ kind: 'deleteRun', workspaceId: WORKSPACE, runId: deleted.id }]);
    await start();
    await whenOver(await finishRun());
    expect(received).toHaveLength(1);
    expect(await deliveriesOf(deleted)).toEqual([]);
  });

  test('a run that is deleted while its delivery is being made leaves nothing behind and is told to nobody', async () => {
    const deleted = await finishRun();
    await start({
      readPayload: async (payload) => {
        await store.commit([{ kind: 'deleteRun', workspaceId: WORKSPACE, runId: deleted.id }]);
        return payload;
      },
    });
    await whenOver(await finishRun());
    expect(received).toHaveLength(1);
    expect(await deliveriesOf(deleted)).toEqual([]);
  });

  test('a run that is deleted while its delivery is on its way leaves nothing behind', async () => {
    const stalled = Promise.withResolvers<ServerResponse>();
    answer = (response) => stalled.resolve(response);
    const callbacks = await start();
    const run = await finishRun();
    const response = await stalled.promise;
    await store.commit([{ kind: 'deleteRun', workspaceId: WORKSPACE, runId: run.id }]);
    response.writeHead(500).end();
    await callbacks.stop(60_000);
    expect(await deliveriesOf(run)).toEqual([]);
    expect(await store.nextDeliveryAt()).toBeNull();
  });
});
